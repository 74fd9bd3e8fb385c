-- no-transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS clients_guests ON clients (guest_of, phone) WHERE guest_of IS NOT NULL;
