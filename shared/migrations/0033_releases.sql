-- Releases that hold no lock while they publish, and settling that touches no index.

-- The number that a job asked for when it was put back. Only the dispatcher that saw an attempt end may ask for the
-- next number, so while a claim is open the planner releases under the number that was asked for, and no higher one.
ALTER TABLE flights ADD COLUMN asked_number integer NOT NULL DEFAULT 0;

-- A flight is inserted as released, claimed and folded: two new versions of the row, for which its page has room.
ALTER TABLE flights SET (fillfactor = 45);

-- confirmed_cursor: up to it every job is on the broker or its flight waits in the table. What lies between it and the
-- release cursor was being published, and is released again by the next owner of a lease that was lost meanwhile.
-- last_message_id: the newest message of the mailing, so that nobody has to look for it.
ALTER TABLE mailing_work
    ADD COLUMN confirmed_cursor bigint NOT NULL DEFAULT 0,
    ADD COLUMN last_message_id bigint NOT NULL DEFAULT 0;
UPDATE mailing_work w
SET confirmed_cursor = w.release_cursor,
    last_message_id = coalesce((
        SELECT x.id FROM messages x
        WHERE (x.mailing_id, x.id) > (w.mailing_id, 0) AND (x.mailing_id, x.id) <= (w.mailing_id, 9223372036854775807)
        ORDER BY x.mailing_id DESC, x.id DESC LIMIT 1
    ), 0);

-- A message that becomes sent changes no indexed column: `status` is in no index any more, and `unsent_status` stays
-- null. So its new version needs no index entries, if its page has room for it (a heap-only update).
ALTER TABLE messages SET (fillfactor = 42);
DROP INDEX messages_unsent;
ALTER TABLE messages ADD COLUMN unsent_status message_status
    GENERATED ALWAYS AS (
        CASE WHEN status IN ('rejected', 'exhausted', 'expired', 'cancelled') THEN status END
    ) STORED;
CREATE INDEX messages_unsent ON messages (mailing_id, unsent_status, id) WHERE unsent_status IS NOT NULL;
