-- What happened to mailings and clients, and by which request: written with the change itself, and never changed.
-- Only names of fields and states, never a phone or a text.

CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailing_id bigint,
    client_id bigint,
    -- The clock's, not the transaction's: whoever waited for a row comes after whom he waited for.
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    request_id text,
    detail jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(detail) = 'object'),
    CHECK (num_nonnulls(mailing_id, client_id) = 1)
);
CREATE INDEX events_mailing ON events (mailing_id, id) WHERE mailing_id IS NOT NULL;
CREATE INDEX events_client ON events (client_id, id) WHERE client_id IS NOT NULL;

CREATE FUNCTION refuse_to_change_history() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are only ever added';
END
$$;
CREATE TRIGGER events_stay BEFORE UPDATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_history();

-- What the mailings that are there remember of themselves.
INSERT INTO events (mailing_id, at, kind, request_id)
SELECT m.id, moment.at, moment.kind, CASE WHEN moment.kind = 'created' THEN m.request_id END
FROM mailings m
CROSS JOIN LATERAL (
    VALUES ('created', m.created_at), ('started', m.started_at),
        (CASE m.status WHEN 'cancelled' THEN 'closed' ELSE 'finished' END, m.finished_at), ('deleted', m.deleted_at)
) AS moment (kind, at)
WHERE moment.at IS NOT NULL
ORDER BY moment.at, m.id;
