-- A resend leaves out the messages whose outcome is unknown, unless it asks for them: the provider may have them. Those
-- that were requested before, or one by one from the dead letters, are carried out as they were meant.
ALTER TABLE resends ADD COLUMN include_unknown boolean NOT NULL DEFAULT true;
