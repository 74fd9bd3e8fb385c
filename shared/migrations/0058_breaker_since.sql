-- Since when a dispatcher's breaker is not closed. Null while it is closed, and in the reports of dispatchers of an
-- earlier version.
ALTER TABLE provider_reports ADD COLUMN broken_since timestamptz;
