-- What the reporter needs to fold in bulk, and to fold what it cannot read in full.

-- A result whose moments cannot be stored is folded without them, as "unreadable". NOT VALID: old rows, which obey a
-- stricter rule, are not read again.
ALTER TABLE attempts
    DROP CONSTRAINT attempts_check,
    ADD CONSTRAINT attempts_check CHECK (started_at IS NOT NULL OR outcome IN ('lost', 'unreadable')) NOT VALID;

-- Folds successes of a first attempt that change nothing but their message: message, flight and counters move as
-- settle() and the reporter would move them. All or none: raises HD001 if one does not fit, since its message has
-- another past. Stores the fence, and returns the database's time.
-- Locks messages in id order, then flights, then counters in mailing_id order, and reads flights in statements after
-- the locks: one that reads while it waits would see the round before a resend. One statement with CTEs would do the
-- same in quadratic time, since a plan knows nothing of how many rows a CTE returns.
-- A message may stand in the arrays once.
CREATE FUNCTION fold_first_tries(
    message_ids bigint[],
    started_moments timestamptz[],
    durations_ms integer[],
    http_statuses smallint[],
    fence_at timestamptz
) RETURNS timestamptz
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ids bigint[];
    mailing_ids bigint[];
    moments timestamptz[];
    earliest CONSTANT timestamptz := '2000-01-01 UTC';
    latest CONSTANT timestamptz := clock_timestamp() + interval '1 day';
BEGIN
    PERFORM 1 FROM messages m WHERE m.id = ANY (message_ids) ORDER BY m.id FOR NO KEY UPDATE;
    PERFORM 1 FROM flights f WHERE f.message_id = ANY (message_ids) ORDER BY f.message_id FOR UPDATE;

    WITH moved AS (
        UPDATE messages m
        SET status = 'sent',
            -- As final, a message keeps the highest number that was ever claimed, as in settle().
            attempts = f.claimed_number,
            started_at = w.started_at,
            duration_ms = w.duration_ms,
            http_status = w.http_status,
            final_at = w.started_at + w.duration_ms * interval '1 ms'
        FROM unnest(message_ids, started_moments, durations_ms, http_statuses)
            AS w (id, started_at, duration_ms, http_status)
        JOIN flights f ON f.message_id = w.id
        WHERE m.id = w.id AND m.status = 'pending' AND m.attempts = 0 AND m.started_at IS NULL
            AND f.base_number = 0 AND f.folded_number = 0 AND f.claimed_number >= 1
            AND w.started_at BETWEEN earliest AND latest
        RETURNING m.id, m.mailing_id, m.final_at
    )
    SELECT array_agg(v.id), array_agg(v.mailing_id), array_agg(v.final_at) INTO ids, mailing_ids, moments FROM moved v;

    IF cardinality(ids) IS DISTINCT FROM cardinality(message_ids) THEN
        RAISE EXCEPTION 'not every result is a first success' USING ERRCODE = 'HD001';
    END IF;

    DELETE FROM flights f WHERE f.message_id = ANY (ids);

    PERFORM 1 FROM mailing_counts c
    WHERE c.mailing_id = ANY (mailing_ids) ORDER BY c.mailing_id FOR NO KEY UPDATE;

    UPDATE mailing_counts c SET pending = c.pending - d.n, sent = c.sent + d.n
    FROM (SELECT v.id, count(*) AS n FROM unnest(mailing_ids) AS v (id) GROUP BY v.id) AS d
    WHERE c.mailing_id = d.id;

    INSERT INTO minutes AS t (mailing_id, at, sent)
    SELECT v.mailing_id, date_trunc('minute', v.at), count(*)
    FROM unnest(mailing_ids, moments) AS v (mailing_id, at)
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (mailing_id, at) DO UPDATE SET sent = t.sent + EXCLUDED.sent;

    INSERT INTO outcomes AS o (mailing_id, outcome, count)
    SELECT v.id, 'accepted', count(*) FROM unnest(mailing_ids) AS v (id) GROUP BY v.id ORDER BY v.id
    ON CONFLICT (mailing_id, outcome) DO UPDATE SET count = o.count + EXCLUDED.count;

    UPDATE fence e
    SET results = e.results + cardinality(ids),
        folded_at = greatest(e.folded_at, CASE WHEN fence_at <= clock_timestamp() THEN fence_at END);
    RETURN clock_timestamp();
END
$$;
