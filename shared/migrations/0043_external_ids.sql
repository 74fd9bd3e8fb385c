-- no-transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS clients_external ON clients (external_id) WHERE external_id IS NOT NULL;
