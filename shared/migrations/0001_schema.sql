-- The tables of docs/protocol.md. Every constraint states something that must be true whoever writes.

CREATE TABLE clients (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phone text CHECK (phone ~ '^7[0-9]{10}$'),
    operator_code text NOT NULL CHECK (operator_code ~ '^[0-9]{3}$'),
    tag text NOT NULL DEFAULT '' CHECK (char_length(tag) <= 64),
    timezone text NOT NULL CHECK (timezone <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    -- When the planner has settled all unsent messages of a deleted client.
    settled_at timestamptz,
    -- Deletion is soft and erases the phone.
    CHECK ((phone IS NULL) = (deleted_at IS NOT NULL)),
    CHECK (settled_at IS NULL OR deleted_at IS NOT NULL)
);
CREATE UNIQUE INDEX clients_phone ON clients (phone) WHERE deleted_at IS NULL;
CREATE INDEX clients_operator_tag ON clients (operator_code, tag, id) WHERE deleted_at IS NULL;
CREATE INDEX clients_tag ON clients (tag, id) WHERE deleted_at IS NULL;
CREATE INDEX clients_unsettled ON clients (id) WHERE deleted_at IS NOT NULL AND settled_at IS NULL;

CREATE TABLE mailings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 2000),
    operator_codes text[] NOT NULL DEFAULT '{}',
    tags text[] NOT NULL DEFAULT '{}',
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    window_from time,
    window_to time,
    status text NOT NULL DEFAULT 'scheduled'
        CHECK (status IN ('scheduled', 'running', 'paused', 'finished', 'cancelled')),
    request_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- When the window was last edited: the planner then judges the waiting flights anew.
    window_edited_at timestamptz,
    started_at timestamptz,
    -- When the last message became final; for a cancelled mailing, when its counts had closed.
    finished_at timestamptz,
    deleted_at timestamptz,
    CHECK (end_at > start_at),
    CHECK ((window_from IS NULL) = (window_to IS NULL)),
    CHECK (window_from <> window_to),
    CHECK (status <> 'finished' OR finished_at IS NOT NULL),
    CHECK (deleted_at IS NULL OR status IN ('finished', 'cancelled'))
);
CREATE INDEX mailings_scheduled ON mailings (start_at) WHERE status = 'scheduled';
-- Everything a planner may have to look at: small, since mailings leave it when they are done.
CREATE INDEX mailings_open ON mailings (id) WHERE finished_at IS NULL;
CREATE INDEX mailings_listed ON mailings (status, id) WHERE deleted_at IS NULL;

CREATE TABLE mailing_work (
    mailing_id bigint PRIMARY KEY REFERENCES mailings (id),
    owner uuid,
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    served_at timestamptz NOT NULL DEFAULT '-infinity',
    upper_client_id bigint,
    expansion_cursor bigint NOT NULL DEFAULT 0,
    expansion_done boolean NOT NULL DEFAULT false,
    release_cursor bigint NOT NULL DEFAULT 0,
    window_judged_at timestamptz,
    closing_at timestamptz
) WITH (fillfactor = 50);

-- Ascending in the order in which a status may follow another; message_rank says which are equal.
CREATE TYPE message_status AS ENUM (
    'pending', 'retrying', 'expired', 'cancelled', 'rejected', 'exhausted', 'sent'
);

CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailing_id bigint NOT NULL,
    client_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- When it became final: for sent, the moment of the reply.
    final_at timestamptz,
    -- Of a first-try success, which has no row in attempts.
    started_at timestamptz,
    duration_ms integer CHECK (duration_ms >= 0),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    status message_status NOT NULL DEFAULT 'pending',
    http_status smallint,
    reason text,
    UNIQUE (client_id, mailing_id),
    CHECK ((final_at IS NULL) = (status IN ('pending', 'retrying')))
) WITH (fillfactor = 90);
CREATE INDEX messages_mailing ON messages (mailing_id, id);
CREATE INDEX messages_unsent ON messages (mailing_id, status, id)
    WHERE status IN ('rejected', 'exhausted', 'expired', 'cancelled');

CREATE TABLE flights (
    message_id bigint PRIMARY KEY,
    mailing_id bigint NOT NULL,
    client_id bigint NOT NULL,
    -- Null: on no queue, to be released when due.
    released_at timestamptz,
    due_at timestamptz NOT NULL DEFAULT now(),
    claimed_number integer NOT NULL DEFAULT 0,
    folded_number integer NOT NULL DEFAULT 0 CHECK (folded_number >= 0),
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    claimed_by uuid,
    claimed_at timestamptz,
    CHECK (claimed_number >= folded_number)
) WITH (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX flights_waiting ON flights (mailing_id, due_at) WHERE released_at IS NULL;
CREATE INDEX flights_released ON flights (due_at) WHERE released_at IS NOT NULL;

CREATE TABLE attempts (
    message_id bigint NOT NULL,
    number integer NOT NULL CHECK (number >= 1),
    mailing_id bigint NOT NULL,
    -- Unknown for an attempt whose result never came: its process died.
    started_at timestamptz,
    duration_ms integer CHECK (duration_ms >= 0),
    http_status smallint,
    outcome text NOT NULL,
    detail text,
    PRIMARY KEY (message_id, number),
    CHECK (started_at IS NOT NULL OR outcome = 'lost')
);

CREATE TABLE mailing_counts (
    mailing_id bigint PRIMARY KEY REFERENCES mailings (id),
    total bigint NOT NULL DEFAULT 0,
    pending bigint NOT NULL DEFAULT 0 CHECK (pending >= 0),
    retrying bigint NOT NULL DEFAULT 0 CHECK (retrying >= 0),
    sent bigint NOT NULL DEFAULT 0 CHECK (sent >= 0),
    rejected bigint NOT NULL DEFAULT 0 CHECK (rejected >= 0),
    exhausted bigint NOT NULL DEFAULT 0 CHECK (exhausted >= 0),
    expired bigint NOT NULL DEFAULT 0 CHECK (expired >= 0),
    cancelled bigint NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
    CHECK (total = pending + retrying + sent + rejected + exhausted + expired + cancelled)
) WITH (fillfactor = 10);

CREATE TABLE outcomes (
    mailing_id bigint NOT NULL,
    outcome text NOT NULL,
    count bigint NOT NULL CHECK (count >= 0),
    PRIMARY KEY (mailing_id, outcome)
) WITH (fillfactor = 50);

CREATE TABLE reasons (
    mailing_id bigint NOT NULL,
    status message_status NOT NULL,
    reason text NOT NULL,
    count bigint NOT NULL CHECK (count >= 0),
    PRIMARY KEY (mailing_id, status, reason)
) WITH (fillfactor = 50);

CREATE TABLE minutes (
    mailing_id bigint NOT NULL,
    at timestamptz NOT NULL,
    sent bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (mailing_id, at)
) WITH (fillfactor = 50);

CREATE TABLE workers (
    id uuid PRIMARY KEY,
    beat_at timestamptz NOT NULL,
    -- Whether it consumes jobs: false while its breaker is open.
    sending boolean NOT NULL
) WITH (fillfactor = 50);

-- One row: the newest fence folded, and how many results were ever folded (the planner paces by it).
CREATE TABLE fence (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    folded_at timestamptz NOT NULL DEFAULT '-infinity',
    results bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO fence DEFAULT VALUES;

CREATE TABLE tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9._-]{1,64}$'),
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE idempotency_keys (
    -- The token's name; keys of different tokens never meet.
    owner text NOT NULL,
    key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    body_hash bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    mailing_id bigint NOT NULL REFERENCES mailings (id),
    answer text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
