-- The daily reports by e-mail: one row for each day that was reported, or is about to be. Whoever holds the lease sends it.

CREATE TABLE reports (
    day date PRIMARY KEY,
    leased_until timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    -- Set before the mail server is given the text, and taken back when it certainly did not take it.
    handed_at timestamptz,
    sent_at timestamptz,
    -- After that nobody tries again.
    given_up_at timestamptz,
    error text
);
