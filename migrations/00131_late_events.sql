-- +goose Up
-- lock: events, ACCESS EXCLUSIVE, catalogue

-- Of the event "sent" of a worker: the message was sent late, and so is traced. NULL
-- otherwise. Who reads the log for traces need not look at the message.
ALTER TABLE events ADD COLUMN late boolean;

-- +goose Down
ALTER TABLE events DROP COLUMN late;
