-- no-transaction
-- Lists the messages that are on their way by receipt. Its rows come and go: most receipts of a finished mailing say more.
CREATE INDEX CONCURRENTLY IF NOT EXISTS deliveries_waiting ON deliveries (mailing_id, message_id)
    WHERE delivery = 'waiting';
