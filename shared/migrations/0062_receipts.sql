-- Receipts: what became of messages that a provider took. Nothing of it exists for a message without a receipt.

-- A late `delivered` takes the place of anything else, and nothing takes the place of it. `bucket`: how long it took to
-- the handset, in the steps of services/reporter/receipts/delivery.py; null where the moment of sending is not known.
CREATE TABLE deliveries (
    message_id bigint PRIMARY KEY,
    mailing_id bigint NOT NULL,
    provider text NOT NULL,
    operator_code text NOT NULL,
    delivery text NOT NULL CHECK (delivery IN ('waiting', 'delivered', 'undelivered')),
    reason text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    bucket smallint
) WITH (fillfactor = 70);
CREATE INDEX deliveries_undelivered ON deliveries (mailing_id, message_id) WHERE delivery = 'undelivered';

-- Folded together with deliveries, and equal to their GROUP BY. Two more counts say how many messages of a provider have
-- no receipt: `proved`, taken though no acceptance was read, and `resent`, sent again since they were undelivered.
CREATE TABLE delivery_counts (
    mailing_id bigint NOT NULL,
    provider text NOT NULL,
    operator_code text NOT NULL,
    delivery text NOT NULL CHECK (delivery IN ('waiting', 'delivered', 'undelivered', 'proved', 'resent')),
    reason text NOT NULL,
    count bigint NOT NULL CHECK (count >= 0),
    PRIMARY KEY (mailing_id, provider, operator_code, delivery, reason)
) WITH (fillfactor = 50);

-- Delivered messages by how long they took to the handset.
CREATE TABLE delivery_times (
    mailing_id bigint NOT NULL,
    provider text NOT NULL,
    operator_code text NOT NULL,
    bucket smallint NOT NULL,
    count bigint NOT NULL CHECK (count >= 0),
    PRIMARY KEY (mailing_id, provider, operator_code, bucket)
) WITH (fillfactor = 50);

-- Clients of whom a provider said that they want nothing. The API, which has the key of the stop list, puts their phones
-- on it, and deletes the row.
CREATE TABLE opt_outs (
    client_id bigint PRIMARY KEY,
    provider text NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE suppressions DROP CONSTRAINT suppressions_source_check;
ALTER TABLE suppressions ADD CONSTRAINT suppressions_source_check
    CHECK (source IN ('api', 'file', 'console', 'command', 'provider')) NOT VALID;

-- A resend by delivery: statuses is empty then, and the cursor goes over deliveries.
ALTER TABLE resends ADD COLUMN delivery text[];

-- resent: the round was opened for a message that had been sent, so that a success of an earlier round that is folded a
-- second time says nothing of this one.
ALTER TABLE flights ADD COLUMN resent boolean NOT NULL DEFAULT false;

-- Opens a new round for messages that were sent and are undelivered. Locks in the order of settle(). A success of the
-- first attempt moves from its message to the attempts, since the message will hold another. Returns how many.
CREATE FUNCTION reopen_undelivered(message_ids bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ids bigint[];
    mailing_ids bigint[];
    moments timestamptz[];
BEGIN
    PERFORM 1 FROM messages m WHERE m.id = ANY (message_ids) ORDER BY m.id FOR NO KEY UPDATE;

    INSERT INTO attempts (message_id, number, mailing_id, started_at, duration_ms, http_status, outcome,
        provider, provider_id, cost)
    SELECT m.id, 1, m.mailing_id, m.started_at, m.duration_ms, m.http_status, 'accepted',
        m.provider, m.provider_id, m.cost
    FROM messages m JOIN deliveries d ON d.message_id = m.id AND d.delivery = 'undelivered'
    WHERE m.id = ANY (message_ids) AND m.status = 'sent' AND m.started_at IS NOT NULL
    ON CONFLICT DO NOTHING;

    WITH moved AS (
        UPDATE messages m
        SET status = 'pending', reason = NULL, final_at = NULL, started_at = NULL, duration_ms = NULL,
            http_status = NULL, provider = NULL, provider_id = NULL, cost = NULL
        FROM messages old JOIN deliveries d ON d.message_id = old.id AND d.delivery = 'undelivered'
        WHERE m.id = ANY (message_ids) AND old.id = m.id AND old.status = 'sent'
        RETURNING m.id, m.mailing_id, m.client_id, m.attempts, old.final_at
    ), flown AS (
        INSERT INTO flights (message_id, mailing_id, client_id, claimed_number, folded_number, base_number, resent)
        SELECT v.id, v.mailing_id, v.client_id, v.attempts, v.attempts, v.attempts, true FROM moved v ORDER BY v.id
        ON CONFLICT DO NOTHING
    )
    SELECT array_agg(v.id), array_agg(v.mailing_id), array_agg(v.final_at) INTO ids, mailing_ids, moments FROM moved v;

    IF ids IS NULL THEN
        RETURN 0;
    END IF;

    PERFORM 1 FROM mailing_counts c
    WHERE c.mailing_id = ANY (mailing_ids) ORDER BY c.mailing_id FOR NO KEY UPDATE;

    UPDATE mailing_counts c SET pending = c.pending + d.n, sent = c.sent - d.n
    FROM (SELECT v.id, count(*) AS n FROM unnest(mailing_ids) AS v (id) GROUP BY v.id) AS d
    WHERE c.mailing_id = d.id;

    UPDATE minutes t SET sent = t.sent - d.n
    FROM (
        SELECT v.mailing_id, date_trunc('minute', v.at) AS at, count(*) AS n
        FROM unnest(mailing_ids, moments) AS v (mailing_id, at) GROUP BY 1, 2
    ) AS d
    WHERE t.mailing_id = d.mailing_id AND t.at = d.at;

    -- What was said of them is no longer so: the next receipt is that of the new round.
    WITH gone AS (
        DELETE FROM deliveries WHERE message_id = ANY (ids)
        RETURNING mailing_id, provider, operator_code, delivery, reason
    ), tallied AS MATERIALIZED (
        SELECT mailing_id, provider, operator_code, delivery, reason, count(*) AS n FROM gone GROUP BY 1, 2, 3, 4, 5
    ), less AS (
        UPDATE delivery_counts c SET count = c.count - g.n
        FROM tallied g
        WHERE (c.mailing_id, c.provider, c.operator_code, c.delivery, c.reason)
            = (g.mailing_id, g.provider, g.operator_code, g.delivery, g.reason)
    )
    INSERT INTO delivery_counts AS c (mailing_id, provider, operator_code, delivery, reason, count)
    SELECT mailing_id, provider, operator_code, 'resent', '', sum(n) FROM tallied GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (mailing_id, provider, operator_code, delivery, reason)
        DO UPDATE SET count = c.count + EXCLUDED.count;

    RETURN cardinality(ids);
END
$$;
