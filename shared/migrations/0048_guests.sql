-- no-transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS clients_guests ON clients (phone, guest_of) WHERE guest_of IS NOT NULL;
