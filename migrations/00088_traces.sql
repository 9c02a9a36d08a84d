-- +goose Up
-- lock: messages, ACCESS EXCLUSIVE, catalogue

-- The trace context that a client sent with a message (W3C traceparent). NULL
-- without one, and while traces are off: such a row is no larger than before.
ALTER TABLE messages ADD COLUMN traceparent text;

-- How far the event log has been turned into spans. Moved only while traces are on.
CREATE TABLE trace_cursor (
  one      boolean PRIMARY KEY DEFAULT true CHECK (one),
  xid      xid8 NOT NULL,
  event_id bigint NOT NULL
);
INSERT INTO trace_cursor (xid, event_id) VALUES (pg_current_xact_id(), 0);

-- +goose Down
DROP TABLE trace_cursor;
ALTER TABLE messages DROP COLUMN traceparent;
