-- A message can be sent in several rounds: a resend reopens it, and what is still on its way from the round before
-- must not end the new one.

-- base_number: the highest number of the rounds before. earliest_at: the provider asked for no attempt before it, so
-- an edited window must not make the flight due sooner.
ALTER TABLE flights
    ADD COLUMN base_number integer NOT NULL DEFAULT 0,
    ADD COLUMN earliest_at timestamptz;

-- What an operator asked to send again; the planner does it. By status, or by message where message_ids is set.
CREATE TABLE resends (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailing_id bigint NOT NULL REFERENCES mailings (id),
    -- Those still to be gone through; `cursor` is where the first of them has come to.
    statuses message_status[] NOT NULL,
    cursor bigint NOT NULL DEFAULT 0,
    message_ids bigint[],
    request_id text,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz
);
CREATE INDEX resends_open ON resends (mailing_id, id) WHERE done_at IS NULL;

-- Says whether the last number of a final message has no result.
CREATE FUNCTION attempt_is_missing(message messages) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT message.attempts > 0 AND message.started_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM attempts a WHERE a.message_id = message.id AND a.number = message.attempts
    )
$$;

-- Of a missing result: the attempt may still be under way, or its process died and it counts as lost. It is lost
-- once all is folded that was published in the minute after the message became final.
CREATE FUNCTION attempt_is_open(message messages) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT attempt_is_missing(message) AND (SELECT folded_at FROM fence) <= message.final_at + interval '1 min'
$$;

CREATE FUNCTION attempt_is_lost(message messages) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT attempt_is_missing(message) AND (SELECT folded_at FROM fence) > message.final_at + interval '1 min'
$$;

-- Says whether an attempt on record may have been accepted though nobody read a success.
CREATE FUNCTION outcome_is_unknown(message_id bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM attempts a WHERE a.message_id = $1 AND a.outcome IN ('timeout', 'broken', 'lost')
    )
$$;

-- Opens a new round for messages that are final and not sent: pending, a full budget of attempts, numbers going on.
-- Locks in the order of settle(). Returns how many were reopened.
CREATE FUNCTION reopen(message_ids bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ids bigint[];
    mailing_ids bigint[];
    olds message_status[];
    old_reasons text[];
BEGIN
    PERFORM 1 FROM messages m WHERE m.id = ANY (message_ids) ORDER BY m.id FOR NO KEY UPDATE;

    WITH moved AS (
        UPDATE messages m SET status = 'pending', reason = NULL, final_at = NULL
        FROM messages old
        WHERE m.id = ANY (message_ids) AND old.id = m.id
            AND old.status IN ('rejected', 'exhausted', 'expired', 'cancelled')
        RETURNING m.id, m.mailing_id, m.client_id, m.attempts, old.status, old.reason
    ), flown AS (
        INSERT INTO flights (message_id, mailing_id, client_id, claimed_number, folded_number, base_number)
        SELECT v.id, v.mailing_id, v.client_id, v.attempts, v.attempts, v.attempts FROM moved v ORDER BY v.id
        ON CONFLICT DO NOTHING
    )
    SELECT array_agg(v.id), array_agg(v.mailing_id), array_agg(v.status), array_agg(v.reason)
    INTO ids, mailing_ids, olds, old_reasons
    FROM moved v;

    IF ids IS NULL THEN
        RETURN 0;
    END IF;

    PERFORM 1 FROM mailing_counts c
    WHERE c.mailing_id = ANY (mailing_ids) ORDER BY c.mailing_id FOR NO KEY UPDATE;

    UPDATE mailing_counts c
    SET pending = c.pending + d.total,
        rejected = c.rejected - d.rejected,
        exhausted = c.exhausted - d.exhausted,
        expired = c.expired - d.expired,
        cancelled = c.cancelled - d.cancelled
    FROM (
        SELECT v.mailing_id, count(*) AS total,
            count(*) FILTER (WHERE v.was = 'rejected') AS rejected,
            count(*) FILTER (WHERE v.was = 'exhausted') AS exhausted,
            count(*) FILTER (WHERE v.was = 'expired') AS expired,
            count(*) FILTER (WHERE v.was = 'cancelled') AS cancelled
        FROM unnest(mailing_ids, olds) AS v (mailing_id, was)
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

    RETURN cardinality(ids);
END
$$;

-- With reopen() the only thing that changes messages.status. Moves each message to its new status where that is higher, and
-- with it the counters, reasons and minutes of its mailing; deletes the flights of what became final.
-- Locks messages in id order, then counters in mailing_id order, last: other orders deadlocked.
-- A message may stand in the arrays once. Returns the messages that moved.
-- As final, a message keeps the highest number that was ever claimed: a claim may still be open, and a new round
-- must neither use its number again nor overlook it. That number is read under the flight's lock.
-- A message that ends unsent though an attempt of it may have arrived says so, whatever else ended it.
CREATE OR REPLACE FUNCTION settle(
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

    PERFORM 1 FROM flights f
    WHERE f.message_id IN (
        SELECT w.id FROM unnest(message_ids, statuses) AS w (id, status) WHERE w.status <> 'retrying'
    )
    ORDER BY f.message_id FOR UPDATE;

    WITH wanted AS (
        SELECT * FROM unnest(
            message_ids, statuses, new_reasons, attempt_counts,
            final_moments, started_moments, durations_ms, http_statuses
        ) AS w (id, status, reason, attempts, final_at, started_at, duration_ms, http_status)
    ), moved AS (
        UPDATE messages m
        SET status = w.status,
            reason = CASE
                WHEN w.status = 'retrying' THEN NULL
                WHEN w.status <> 'sent' AND greatest(m.attempts, w.attempts, f.claimed_number) > 0
                    AND outcome_is_unknown(m.id) THEN 'outcome unknown'
                ELSE w.reason
            END,
            attempts = greatest(
                m.attempts, w.attempts, CASE WHEN w.status <> 'retrying' THEN f.claimed_number END
            ),
            final_at = CASE WHEN w.status <> 'retrying' THEN coalesce(w.final_at, now()) END,
            started_at = coalesce(m.started_at, w.started_at),
            duration_ms = coalesce(m.duration_ms, w.duration_ms),
            http_status = coalesce(m.http_status, w.http_status)
        FROM wanted w
        JOIN messages old ON old.id = w.id
        LEFT JOIN flights f ON f.message_id = w.id
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
