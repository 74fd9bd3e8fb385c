-- The edit barrier: what running dispatchers must hear of before an edit is answered; and names that change often.

-- One row for each running dispatcher: the beat that keeps its lease, and the edits that it obeys.
CREATE TABLE processes (
    id uuid PRIMARY KEY,
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heard bigint[] NOT NULL DEFAULT '{}',
    -- It did not hear of an edit in time. It holds no lease from LEASE after this moment on, and must take a new id.
    fenced_at timestamptz
) WITH (fillfactor = 50);

-- An edit of one mailing, or of some clients; of everything where neither is given. Kept for a minute.
CREATE TABLE edits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailing_id bigint,
    client_ids bigint[],
    edited_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (mailing_id IS NULL OR client_ids IS NULL)
);
CREATE INDEX edits_age ON edits (edited_at);

-- How long a name must be silent before its claims are stale: LEASE + PROVIDER_TIMEOUT + 2 s of its process. The
-- default is that of the longest PROVIDER_TIMEOUT. Rows fall silent every ten seconds, and are kept for a day.
ALTER TABLE workers ADD COLUMN stale_after interval NOT NULL DEFAULT '32 s';

CREATE OR REPLACE FUNCTION claim_is_stale(worker uuid, claimed_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    -- Its name has been silent for so long that no request of it can be open, and everything published until then has
    -- been folded: so a result that is still on its way is never overtaken, however long the reporter is down.
    SELECT heard.at < clock_timestamp() - heard.silence
        AND (SELECT folded_at FROM fence) > heard.at + heard.silence
    FROM (
        SELECT coalesce(w.beat_at, claimed_at, '-infinity') AS at, coalesce(w.stale_after, interval '32 s') AS silence
        FROM (SELECT worker AS id) AS asked LEFT JOIN workers w ON w.id = asked.id
    ) AS heard
$$;
