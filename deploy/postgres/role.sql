-- Runs once, as the superuser, when the database is initialised: gives Herald a role of its own, which owns its database
-- and is nothing more. The password comes from the environment of the container.
\getenv password HERALD_DATABASE_PASSWORD
CREATE ROLE herald LOGIN PASSWORD :'password';
ALTER DATABASE herald OWNER TO herald;
REVOKE ALL ON DATABASE herald FROM PUBLIC;
