-- no-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS clients_suppressed ON clients (suppression_id)
    WHERE suppression_id IS NOT NULL;
