-- A time zone that this server no longer knows, as after an update of its zone data, stops its client's messages only:
-- before, every statement that met one failed as a whole.

CREATE FUNCTION zone_is_known(zone text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM now() AT TIME ZONE zone;
    RETURN true;
EXCEPTION WHEN data_exception THEN
    RETURN false;
END
$$;

-- In a zone that is not known a window never opens: infinity. Not parallel safe, since an exception that is caught
-- needs a subtransaction.
CREATE OR REPLACE FUNCTION window_opens_at(opens time, closes time, zone text, moment timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    -- One expression, so that it is inlined. Without a window nothing is asked of the zone.
    SELECT CASE
        WHEN opens IS NULL THEN moment
        WHEN NOT zone_is_known(zone) THEN 'infinity'::timestamptz
        WHEN window_open(opens, closes, zone, moment) THEN moment
        ELSE window_opens_next(opens, closes, zone, moment)
    END
$$;
