-- A planner that knows of no resend by delivery closes it, and nothing is sent. It must not: a planner that knows it says
-- that it is done with a cursor of -1, and what another says is not written. The oldest resend comes first, so that such
-- a planner comes back to it at once; here it waits a moment, so that it does so a few times a second.
CREATE FUNCTION keep_resend_by_delivery() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(0.3);
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_resend_by_delivery BEFORE UPDATE ON resends
FOR EACH ROW WHEN (NEW.delivery IS NOT NULL AND OLD.done_at IS NULL AND NEW.done_at IS NOT NULL AND NEW.cursor <> -1)
EXECUTE FUNCTION keep_resend_by_delivery();

-- Lists the messages that are on their way by receipt. Its rows come and go: most receipts say more in the end.
CREATE INDEX deliveries_waiting ON deliveries (mailing_id, message_id) WHERE delivery = 'waiting';
