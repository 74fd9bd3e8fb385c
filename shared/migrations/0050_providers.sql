-- Several providers: flights, attempts and messages know which; what it answered is kept; statistics have it as a
-- dimension. Null is the one provider of the environment, and all that old processes write.

-- provider: of the last claim. claimed_once: its request is not to be repeated, so that the claim, once stale, ends as
-- one whose outcome is unknown. unsure: an attempt at that provider may have arrived, so no other may get the message.
-- refused: the providers that will never take it.
ALTER TABLE flights
    ADD COLUMN provider text,
    ADD COLUMN claimed_once boolean NOT NULL DEFAULT false,
    ADD COLUMN unsure boolean NOT NULL DEFAULT false,
    ADD COLUMN refused text[] NOT NULL DEFAULT '{}';
ALTER TABLE attempts
    ADD COLUMN provider text,
    ADD COLUMN provider_id text,
    ADD COLUMN cost numeric(14, 6);
-- Of the attempt that was accepted, or else of the last one.
ALTER TABLE messages
    ADD COLUMN provider text,
    ADD COLUMN provider_id text,
    ADD COLUMN cost numeric(14, 6);

-- Attempts by provider and outcome, and what they cost, folded with the attempts themselves.
CREATE TABLE provider_outcomes (
    mailing_id bigint NOT NULL,
    provider text NOT NULL,
    outcome text NOT NULL,
    count bigint NOT NULL CHECK (count >= 0),
    cost numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (mailing_id, provider, outcome)
) WITH (fillfactor = 50);

-- What all dispatchers obey: a drained provider gets nothing, one that is held nothing until then. recognised: the
-- fingerprint of the mapping whose replies were understood; until that is so, one request is in flight.
CREATE TABLE provider_states (
    provider text PRIMARY KEY,
    drained_at timestamptz,
    held_until timestamptz,
    slowed_until timestamptz,
    recognised text,
    trial_by uuid,
    trial_until timestamptz NOT NULL DEFAULT '-infinity'
);

-- What each dispatcher says of each provider, renewed every few seconds.
CREATE TABLE provider_reports (
    process uuid NOT NULL,
    provider text NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    breaker text NOT NULL,
    reason text,
    in_flight integer NOT NULL,
    per_second real NOT NULL,
    failing real NOT NULL,
    test_mode boolean NOT NULL DEFAULT false,
    PRIMARY KEY (process, provider)
) WITH (fillfactor = 50);

-- Which database this is: part of the key by which a provider knows a message. A copy that is restored beside the
-- original, or in its place, gets another id when a dispatcher first meets it, since it lies elsewhere.
CREATE TABLE installation (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    place text NOT NULL,
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one)
);

-- As fold_first_tries() with five arguments, and keeps which provider took each message, its id there, and the cost.
CREATE FUNCTION fold_first_tries(
    message_ids bigint[],
    started_moments timestamptz[],
    durations_ms integer[],
    http_statuses smallint[],
    fence_at timestamptz,
    providers text[],
    provider_ids text[],
    costs numeric[]
) RETURNS timestamptz
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz;
BEGIN
    moment := fold_first_tries(message_ids, started_moments, durations_ms, http_statuses, fence_at);

    UPDATE messages m SET provider = v.provider, provider_id = v.provider_id, cost = v.cost
    FROM unnest(message_ids, providers, provider_ids, costs) AS v (id, provider, provider_id, cost)
    WHERE m.id = v.id AND v.provider IS NOT NULL;

    INSERT INTO provider_outcomes AS o (mailing_id, provider, outcome, count, cost)
    SELECT m.mailing_id, v.provider, 'accepted', count(*), coalesce(sum(v.cost), 0)
    FROM unnest(message_ids, providers, costs) AS v (id, provider, cost)
    JOIN messages m ON m.id = v.id
    WHERE v.provider IS NOT NULL
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (mailing_id, provider, outcome) DO UPDATE
        SET count = o.count + EXCLUDED.count, cost = o.cost + EXCLUDED.cost;
    RETURN moment;
END
$$;

-- As before, but a reason that says what is unknown is kept.
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
                    AND outcome_is_unknown(m.id)
                    -- The dispatcher may have said more of it.
                    THEN CASE WHEN w.reason LIKE 'outcome unknown: %' THEN w.reason ELSE 'outcome unknown' END
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
