-- One exact rate for each provider, over any number of dispatchers: which of them has how many of its tokens. A token allows
-- one message, or one segment, in each window of time. None is created here: what one gives back another takes.

-- wanted: how many it could use; need: the most that one message takes. A row that was not renewed for ten seconds is that
-- of a dispatcher that is gone, or that has stopped sending: nobody begins a request under a lease older than five.
CREATE TABLE rate_leases (
    provider text NOT NULL,
    process uuid NOT NULL,
    tokens integer NOT NULL CHECK (tokens >= 0),
    wanted integer NOT NULL,
    need integer NOT NULL,
    renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (provider, process)
) WITH (fillfactor = 50);
