-- When each token was used last: written once a minute at most, for all requests together.
ALTER TABLE tokens ADD COLUMN last_used_at timestamptz;

-- What each running process is: its version, null for an older one that does not tell it, and its limits, which may
-- differ from process to process.
ALTER TABLE process_settings ADD COLUMN version text;
ALTER TABLE process_settings ADD COLUMN limits jsonb NOT NULL DEFAULT '{}';
ALTER TABLE process_settings ADD COLUMN started_at timestamptz NOT NULL DEFAULT now();
