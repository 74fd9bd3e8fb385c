-- A mailing to those who did not get another one: the audience is further limited to clients with a final, unsent message
-- of that mailing, as it is when the audience is frozen. Null: no such limit.

ALTER TABLE mailings ADD COLUMN unsent_of bigint CHECK (unsent_of > 0);

-- A deleted client keeps no label: it may name a person. Nothing reads it any more.
UPDATE clients SET tag = '' WHERE deleted_at IS NOT NULL AND tag <> '';
