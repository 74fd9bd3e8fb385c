-- The trace of the request that made a mailing, as W3C's traceparent: the traces of its messages are linked with it.
-- Null where nothing was traced. Processes of the version before neither write nor read it.
ALTER TABLE mailings ADD COLUMN traceparent text;
