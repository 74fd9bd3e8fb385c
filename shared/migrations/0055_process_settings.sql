-- What each process has for settings that must be equal in all of them: shared/checks/settings.py. A row is renewed
-- every ten seconds, and removed when its process stops or an hour after its last renewal.

CREATE TABLE process_settings (
    instance uuid PRIMARY KEY,
    process text NOT NULL,
    settings jsonb NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);
