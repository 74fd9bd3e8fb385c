-- Sign-in by OpenID Connect: who is signing in, and who is signed in. Of every secret only the SHA-256 is stored.

CREATE TABLE sign_ins (
    state_hash bytea PRIMARY KEY CHECK (octet_length(state_hash) = 32),
    -- Of the cookie that binds the sign-in to the browser that began it.
    browser_hash bytea NOT NULL CHECK (octet_length(browser_hash) = 32),
    nonce text NOT NULL,
    verifier text NOT NULL,
    return_to text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_ins_age ON sign_ins (created_at);

CREATE TABLE sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    subject text NOT NULL,
    -- The name in events and logs: oidc: and the e-mail address, or the subject.
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    -- Renewed once a minute at most.
    seen_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    ended_by text
);
CREATE INDEX sessions_open ON sessions (expires_at) WHERE ended_at IS NULL;

-- Events of sign-ins, tokens and exports concern neither a mailing nor a client.
ALTER TABLE events DROP CONSTRAINT events_check;
ALTER TABLE events ADD CONSTRAINT events_concern CHECK (num_nonnulls(mailing_id, client_id) <= 1) NOT VALID;
