-- no-transaction
-- Finds the message of a receipt that carries the provider's id only. Without a providers file no row is in it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS messages_provider_ids ON messages (provider_id) WHERE provider_id IS NOT NULL;
