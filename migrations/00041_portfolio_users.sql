-- +goose Up
-- lock: accounts, SHARE ROW EXCLUSIVE, catalogue

-- The users whom a provider's messaging limit counts: those who got a message
-- outside a conversation window in the last 24 hours, of channels that have one.
CREATE TABLE portfolio_users (
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  portfolio  text NOT NULL,
  person     text NOT NULL,                          -- the recipient, or person:N where several ids are known
  at         timestamptz NOT NULL DEFAULT now(),     -- of the last message
  PRIMARY KEY (account_id, portfolio, person)
);
CREATE INDEX portfolio_users_at ON portfolio_users (account_id, portfolio, at);

-- +goose Down
DROP TABLE portfolio_users;
