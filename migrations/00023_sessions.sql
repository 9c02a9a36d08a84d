-- +goose Up

-- Sessions of the dashboard. The token is known to the browser alone.
CREATE TABLE sessions (
  token_hash bytea PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_used ON sessions (used_at);

-- One-time links with which new members of a team set their password.
CREATE TABLE invitations (
  token_hash bytea PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  expires_at timestamptz NOT NULL
);
CREATE INDEX invitations_user ON invitations (user_id);

-- Failed sign-ins, by address, by e-mail and by both.
CREATE TABLE sign_in_failures (
  who      text PRIMARY KEY,
  failures integer NOT NULL,
  since    timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE sign_in_failures, invitations, sessions;
