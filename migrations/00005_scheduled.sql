-- +goose Up

-- Lists of what is unfinished go from the newest message back: dispatch has its
-- primary key for that. Only scheduled messages write to this index.
CREATE INDEX scheduled_account ON scheduled (account_id, message_id);

-- +goose Down
DROP INDEX scheduled_account;
