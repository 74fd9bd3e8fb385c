-- Names and drafts of mailings, test-sends, and audiences that come from a file.

-- test: a test-send, which lists and statistics leave out. file_id: the recipients are those of this file, and no
-- filter is asked. A planner of an older version asks the filter: unsent_of then names a mailing that never was, so that it
-- finds nobody.
ALTER TABLE mailings
    ADD COLUMN name text NOT NULL DEFAULT '' CHECK (char_length(name) <= 120),
    ADD COLUMN test boolean NOT NULL DEFAULT false,
    ADD COLUMN file_id bigint,
    ADD COLUMN recipients integer CHECK (recipients > 0),
    ADD CHECK ((file_id IS NULL) = (recipients IS NULL)),
    DROP CONSTRAINT mailings_status_check,
    ADD CONSTRAINT mailings_status_check
        CHECK (status IN ('draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled'));
CREATE INDEX mailings_tests ON mailings (id) WHERE test;
CREATE INDEX mailings_files ON mailings (file_id) WHERE file_id IS NOT NULL;

-- A file of recipients. It never changes: another one takes its place. What no mailing names any more is erased.
CREATE TABLE recipient_files (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);

-- given: what the line gave for the placeholders of the text.
CREATE TABLE recipients (
    file_id bigint NOT NULL,
    client_id bigint NOT NULL,
    line integer NOT NULL CHECK (line > 0),
    given jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(given) = 'object'),
    PRIMARY KEY (file_id, client_id)
);

-- guest_of: a phone of a file that was not in the directory. A guest counts as deleted wherever clients are looked for,
-- and has a phone all the same: so nobody but the mailing with that file sends to it. Rows from before fit the check,
-- so that nothing needs to be read for it.
ALTER TABLE clients ADD COLUMN guest_of bigint;
ALTER TABLE clients
    DROP CONSTRAINT clients_check,
    ADD CONSTRAINT clients_check CHECK (
        CASE WHEN guest_of IS NULL THEN (phone IS NULL) = (deleted_at IS NOT NULL) ELSE deleted_at IS NOT NULL END
    ) NOT VALID;
