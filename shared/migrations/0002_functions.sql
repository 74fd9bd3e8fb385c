-- Decisions that must be taken inside the database: by its clock, or in the statement that holds the rows.

CREATE FUNCTION window_open(opens time, closes time, zone text, moment timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- opens after closes is a window over midnight; no window is always open.
    SELECT CASE
        WHEN opens IS NULL THEN true
        WHEN opens < closes THEN (moment AT TIME ZONE zone)::time >= opens AND (moment AT TIME ZONE zone)::time < closes
        ELSE (moment AT TIME ZONE zone)::time >= opens OR (moment AT TIME ZONE zone)::time < closes
    END
$$;

CREATE FUNCTION window_opens_at(opens time, closes time, zone text, moment timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- The moment itself while the window is open, else the next local `opens`. On the day of a clock change
    -- this may lie off by the change; whoever waits is judged anew when it comes.
    SELECT CASE
        WHEN window_open(opens, closes, zone, moment) THEN moment
        WHEN ((moment AT TIME ZONE zone)::date + opens) AT TIME ZONE zone > moment
            THEN ((moment AT TIME ZONE zone)::date + opens) AT TIME ZONE zone
        ELSE ((moment AT TIME ZONE zone)::date + 1 + opens) AT TIME ZONE zone
    END
$$;

CREATE FUNCTION claim_is_stale(worker uuid, claimed_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    -- Its worker has been silent for 15 s, and everything published until then has been folded: so a result
    -- that is still on its way is never overtaken, however long the reporter is down.
    SELECT heard.at < clock_timestamp() - interval '15 s'
        AND (SELECT folded_at FROM fence) > heard.at + interval '15 s'
    FROM (
        SELECT coalesce((SELECT beat_at FROM workers WHERE id = worker), claimed_at, '-infinity') AS at
    ) AS heard
$$;

CREATE FUNCTION message_rank(status message_status) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE status
        WHEN 'pending' THEN 0
        WHEN 'retrying' THEN 1
        WHEN 'expired' THEN 2
        WHEN 'cancelled' THEN 2
        WHEN 'rejected' THEN 3
        WHEN 'exhausted' THEN 3
        WHEN 'sent' THEN 4
    END
$$;

-- The only thing that changes messages.status. Moves each message to its new status where that is higher, and
-- with it the counters, reasons and minutes of its mailing; deletes the flights of what became final.
-- Locks messages in id order, then counters in mailing_id order, last: other orders deadlocked.
-- A message may stand in the arrays once. Returns the messages that moved.
CREATE FUNCTION settle(
    message_ids bigint[],
    statuses message_status[],
    new_reasons text[],
    attempt_counts integer[],
    final_moments timestamptz[],
    started_moments timestamptz[],
    durations_ms integer[],
    http_statuses smallint[]
) RETURNS TABLE (message_id bigint, mailing_id bigint, was message_status, became message_status)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ids bigint[];
    mailing_ids bigint[];
    olds message_status[];
    old_reasons text[];
    news message_status[];
    reasons_now text[];
    moments timestamptz[];
BEGIN
    PERFORM 1 FROM messages m WHERE m.id = ANY (message_ids) ORDER BY m.id FOR NO KEY UPDATE;

    WITH wanted AS (
        SELECT * FROM unnest(
            message_ids, statuses, new_reasons, attempt_counts,
            final_moments, started_moments, durations_ms, http_statuses
        ) AS w (id, status, reason, attempts, final_at, started_at, duration_ms, http_status)
    ), moved AS (
        UPDATE messages m
        SET status = w.status,
            reason = CASE WHEN w.status <> 'retrying' THEN w.reason END,
            attempts = greatest(m.attempts, w.attempts),
            final_at = CASE WHEN w.status <> 'retrying' THEN coalesce(w.final_at, now()) END,
            started_at = coalesce(m.started_at, w.started_at),
            duration_ms = coalesce(m.duration_ms, w.duration_ms),
            http_status = coalesce(m.http_status, w.http_status)
        FROM wanted w
        JOIN messages old ON old.id = w.id
        WHERE m.id = w.id AND message_rank(w.status) > message_rank(old.status)
        RETURNING m.id, m.mailing_id, old.status AS was, old.reason AS was_reason,
            m.status, m.reason, coalesce(m.final_at, now()) AS at
    )
    SELECT array_agg(v.id), array_agg(v.mailing_id), array_agg(v.was), array_agg(v.was_reason),
        array_agg(v.status), array_agg(v.reason), array_agg(v.at)
    INTO ids, mailing_ids, olds, old_reasons, news, reasons_now, moments
    FROM moved v;

    IF ids IS NULL THEN
        RETURN;
    END IF;

    DELETE FROM flights f
    USING unnest(ids, news) AS v (id, status)
    WHERE f.message_id = v.id AND v.status <> 'retrying';

    PERFORM 1 FROM mailing_counts c
    WHERE c.mailing_id = ANY (mailing_ids) ORDER BY c.mailing_id FOR NO KEY UPDATE;

    UPDATE mailing_counts c
    SET pending = c.pending + d.pending,
        retrying = c.retrying + d.retrying,
        sent = c.sent + d.sent,
        rejected = c.rejected + d.rejected,
        exhausted = c.exhausted + d.exhausted,
        expired = c.expired + d.expired,
        cancelled = c.cancelled + d.cancelled
    FROM (
        SELECT v.mailing_id,
            sum((v.became = 'pending')::int - (v.was = 'pending')::int) AS pending,
            sum((v.became = 'retrying')::int - (v.was = 'retrying')::int) AS retrying,
            sum((v.became = 'sent')::int - (v.was = 'sent')::int) AS sent,
            sum((v.became = 'rejected')::int - (v.was = 'rejected')::int) AS rejected,
            sum((v.became = 'exhausted')::int - (v.was = 'exhausted')::int) AS exhausted,
            sum((v.became = 'expired')::int - (v.was = 'expired')::int) AS expired,
            sum((v.became = 'cancelled')::int - (v.was = 'cancelled')::int) AS cancelled
        FROM unnest(mailing_ids, olds, news) AS v (mailing_id, was, became)
        GROUP BY v.mailing_id
    ) AS d
    WHERE c.mailing_id = d.mailing_id;

    UPDATE reasons r SET count = r.count - d.left_it
    FROM (
        SELECT o.mailing_id, o.status, o.reason, count(*) AS left_it
        FROM unnest(mailing_ids, olds, old_reasons) AS o (mailing_id, status, reason)
        WHERE o.reason IS NOT NULL
        GROUP BY 1, 2, 3
    ) AS d
    WHERE r.mailing_id = d.mailing_id AND r.status = d.status AND r.reason = d.reason;

    INSERT INTO reasons AS r (mailing_id, status, reason, count)
    SELECT n.mailing_id, n.status, n.reason, count(*)
    FROM unnest(mailing_ids, news, reasons_now) AS n (mailing_id, status, reason)
    WHERE n.reason IS NOT NULL AND n.status <> 'retrying'
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
    ON CONFLICT (mailing_id, status, reason) DO UPDATE SET count = r.count + EXCLUDED.count;

    INSERT INTO minutes AS t (mailing_id, at, sent, failed)
    SELECT v.mailing_id, date_trunc('minute', v.at),
        count(*) FILTER (WHERE v.status = 'sent'), count(*) FILTER (WHERE v.status <> 'sent')
    FROM unnest(mailing_ids, news, moments) AS v (mailing_id, status, at)
    WHERE v.status IN ('sent', 'rejected', 'exhausted', 'expired')
    GROUP BY 1, 2
    ORDER BY 1, 2
    ON CONFLICT (mailing_id, at) DO UPDATE
        SET sent = t.sent + EXCLUDED.sent, failed = t.failed + EXCLUDED.failed;

    RETURN QUERY SELECT * FROM unnest(ids, mailing_ids, olds, news);
END
$$;
