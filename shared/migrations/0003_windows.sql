-- Send windows, exact on the days of clock changes too. shared/window.py decides by the same rule.

-- The earliest moment after `moment` at which the window is open, which at `moment` it is not. Between two clock
-- changes a local clock runs evenly: the opening is either as far away as that clock says, or a clock change comes
-- before it and the question is asked again from there. An opening time that a change skips is therefore the change
-- itself, if the clock lands inside the window, and one that comes twice is the first of the two.
CREATE FUNCTION window_opens_next(opens time, closes time, zone text, moment timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    since timestamptz := moment;
    clock timestamp := since AT TIME ZONE zone;
    wait interval := opens - clock::time;
    expected timestamptz;
BEGIN
    LOOP
        expected := since + CASE WHEN wait > interval '0' THEN wait ELSE wait + interval '24 hours' END;
        IF (expected AT TIME ZONE zone) - clock = expected - since THEN
            RETURN expected;
        END IF;
        since := clock_changes_at(zone, since, expected);
        IF window_open(opens, closes, zone, since) THEN
            RETURN since;
        END IF;
        clock := since AT TIME ZONE zone;
        wait := opens - clock::time;
    END LOOP;
END
$$;

-- The clock change between two moments whose offsets differ. A zone's clock changes on whole seconds, and never
-- twice in a day: the least since 1970 are seven days.
CREATE FUNCTION clock_changes_at(zone text, earlier timestamptz, later timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    low timestamptz := date_trunc('second', earlier);
    high timestamptz := date_trunc('second', later) + interval '1 second';
    middle timestamptz;
BEGIN
    WHILE high - low > interval '1 second' LOOP
        middle := date_trunc('second', low + (high - low) / 2);
        IF (middle AT TIME ZONE zone) - (low AT TIME ZONE zone) = middle - low THEN
            low := middle;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN high;
END
$$;

CREATE OR REPLACE FUNCTION window_opens_at(opens time, closes time, zone text, moment timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- One expression, so that it is inlined: while the window is open a claim only compares.
    SELECT CASE
        WHEN window_open(opens, closes, zone, moment) THEN moment
        ELSE window_opens_next(opens, closes, zone, moment)
    END
$$;
