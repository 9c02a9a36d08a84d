-- +goose Up
-- lock: accounts, SHARE ROW EXCLUSIVE, catalogue

-- What retention has passed by on its way through an account's old messages, since it
-- was not finished or not old enough: it comes back for these, and for nothing else.
CREATE TABLE retention_left (
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  what       text NOT NULL,                          -- as in retention_marks
  id         uuid NOT NULL,                          -- of a message or an inbound message
  PRIMARY KEY (account_id, what, id)
);

-- +goose Down
DROP TABLE retention_left;
