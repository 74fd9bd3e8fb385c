-- People: attributes, several tags, an id of the operator's own, and the stop list.

-- further_tags: the tags after `tag`, which stays the first. So processes of an earlier version write nothing that
-- contradicts it, and no row must be rewritten. suppression_id: the entry of the stop list that has the phone;
-- suppression_settled_at: all its unsent messages are settled since then.
ALTER TABLE clients
    ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN further_tags text[] NOT NULL DEFAULT '{}',
    ADD COLUMN external_id text,
    ADD COLUMN suppression_id bigint,
    ADD COLUMN suppression_settled_at timestamptz,
    -- Not validated: the rows that are there have the defaults, and a scan would hold up everybody.
    ADD CONSTRAINT clients_attributes CHECK (jsonb_typeof(attributes) = 'object') NOT VALID,
    ADD CONSTRAINT clients_external_id CHECK (char_length(external_id) BETWEEN 1 AND 64) NOT VALID;

-- Which clients have a tag that is not their first, in the order in which an audience is read.
CREATE TABLE client_tags (
    tag text NOT NULL,
    client_id bigint NOT NULL,
    PRIMARY KEY (tag, client_id)
);

-- Who is deleted, or has no first tag, keeps nothing of the rest: also where a process of an earlier version writes.
CREATE FUNCTION erase_client() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.further_tags := '{}';
    IF NEW.deleted_at IS NOT NULL THEN
        NEW.attributes := '{}';
        NEW.external_id := NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER clients_erased BEFORE INSERT OR UPDATE ON clients
FOR EACH ROW WHEN (
    NEW.deleted_at IS NOT NULL AND (NEW.attributes <> '{}' OR NEW.external_id IS NOT NULL OR NEW.further_tags <> '{}')
    OR NEW.tag = '' AND NEW.further_tags <> '{}'
) EXECUTE FUNCTION erase_client();

CREATE FUNCTION index_client_tags() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM client_tags
        WHERE client_id = OLD.id AND tag = ANY (OLD.further_tags) AND tag <> ALL (NEW.further_tags);
    END IF;
    INSERT INTO client_tags (tag, client_id) SELECT unnest(NEW.further_tags), NEW.id ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER clients_tagged AFTER INSERT ON clients
FOR EACH ROW WHEN (NEW.further_tags <> '{}') EXECUTE FUNCTION index_client_tags();
CREATE TRIGGER clients_retagged AFTER UPDATE ON clients
FOR EACH ROW WHEN (NEW.further_tags <> OLD.further_tags) EXECUTE FUNCTION index_client_tags();

-- Phones that get nothing. `phone_hash` is HMAC-SHA-256 of the phone under HERALD_STOP_LIST_KEY, so that the list names
-- nobody, and outlives the clients. `key_check` tells which key that was.
CREATE TABLE suppressions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phone_hash bytea NOT NULL UNIQUE CHECK (octet_length(phone_hash) = 32),
    key_check bytea NOT NULL CHECK (octet_length(key_check) = 8),
    reason text NOT NULL DEFAULT '' CHECK (char_length(reason) <= 200),
    source text NOT NULL CHECK (source IN ('api', 'file', 'console', 'command')),
    added_by text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Who was put on the stop list or taken off it. Rows are only added.
CREATE TABLE suppression_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    suppression_id bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL CHECK (kind IN ('added', 'changed', 'removed')),
    request_id text,
    detail jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(detail) = 'object')
);
CREATE INDEX suppression_events_of ON suppression_events (suppression_id, id);
CREATE FUNCTION refuse_to_change_stop_list_history() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are only ever added';
END
$$;
CREATE TRIGGER suppression_events_stay BEFORE UPDATE ON suppression_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_stop_list_history();

-- Saved filters.
CREATE TABLE segments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (char_length(name) BETWEEN 1 AND 100),
    filter jsonb NOT NULL CHECK (jsonb_typeof(filter) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- personal: the text is a template, to be rendered for each client. Those that are there are sent as they are.
-- conditions: the tree of a filter; of a mailing with a segment, copied from it when the mailing starts.
-- window_days: a bit for each day of the week, Monday is 1; null means every day.
ALTER TABLE mailings
    ADD COLUMN personal boolean NOT NULL DEFAULT false,
    ADD COLUMN on_missing text NOT NULL DEFAULT 'refuse',
    ADD COLUMN conditions jsonb,
    ADD COLUMN segment_id bigint,
    ADD COLUMN window_days smallint,
    ADD CONSTRAINT mailings_on_missing CHECK (on_missing IN ('refuse', 'skip')) NOT VALID,
    ADD CONSTRAINT mailings_conditions CHECK (jsonb_typeof(conditions) = 'object') NOT VALID,
    ADD CONSTRAINT mailings_window_days CHECK (
        window_days BETWEEN 1 AND 127 AND window_from IS NOT NULL OR window_days IS NULL
    ) NOT VALID;
