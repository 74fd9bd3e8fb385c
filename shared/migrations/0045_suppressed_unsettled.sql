-- no-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS clients_suppressed_unsettled ON clients (id)
    WHERE suppression_id IS NOT NULL AND suppression_settled_at IS NULL;
