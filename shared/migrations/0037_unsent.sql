-- Lets a message become sent without touching an index (a HOT update): no index may name its status any more, neither
-- as a column nor in its condition. What ended a message unsent always has a reason, and nothing else has one.

WITH nameless AS (
    UPDATE messages SET reason = 'no reason given'
    WHERE reason IS NULL AND status IN ('rejected', 'exhausted', 'expired', 'cancelled')
    RETURNING mailing_id, status
)
INSERT INTO reasons AS r (mailing_id, status, reason, count)
SELECT mailing_id, status, 'no reason given', count(*) FROM nameless GROUP BY 1, 2
ON CONFLICT (mailing_id, status, reason) DO UPDATE SET count = r.count + EXCLUDED.count;

DROP INDEX messages_unsent;
CREATE INDEX messages_unsent ON messages (mailing_id, id) WHERE reason IS NOT NULL;

-- The new version of a row fits on its page only if the page has room for all of its rows: they are settled in one go.
ALTER TABLE messages SET (fillfactor = 45);
