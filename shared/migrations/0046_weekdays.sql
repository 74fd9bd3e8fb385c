-- Send windows on some days of the week. shared/window.py decides by the same rules.

-- `days` has a bit for each day, Monday is 1. A window over midnight belongs to the day on which it opens.
CREATE FUNCTION window_open_on(days smallint, opens time, closes time, zone text, moment timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT window_open(opens, closes, zone, moment) AND (
        days & (1 << (extract(isodow FROM (moment AT TIME ZONE zone) - CASE
            WHEN opens > closes AND (moment AT TIME ZONE zone)::time < closes THEN interval '1 day' ELSE interval '0'
        END)::int - 1)) <> 0
    )
$$;

-- The earliest moment from `moment` on at which the window is open. Between two openings it asks once.
CREATE FUNCTION window_opens_next_on(days smallint, opens time, closes time, zone text, moment timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    since timestamptz := moment;
BEGIN
    -- Seven openings, and a few clock changes.
    FOR tried IN 1 .. 24 LOOP
        IF window_open_on(days, opens, closes, zone, since) THEN
            RETURN since;
        END IF;
        since := window_opens_next(opens, closes, zone, since);
    END LOOP;
    RETURN 'infinity';
END
$$;

CREATE FUNCTION window_opens_at(days smallint, opens time, closes time, zone text, moment timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    -- One expression, so that it is inlined. Without days it is what it was.
    SELECT CASE
        WHEN days IS NULL THEN window_opens_at(opens, closes, zone, moment)
        WHEN NOT zone_is_known(zone) THEN 'infinity'::timestamptz
        ELSE window_opens_next_on(days, opens, closes, zone, moment)
    END
$$;
