-- +goose Up
-- lock: config_version, ROW EXCLUSIVE, catalogue

-- The usual events that are written together are one row: of the messages that were accepted
-- into a page of the backlog, and of those whose calls were accepted. The events of a row
-- have the ids from its own on, in the order of message_ids, and its place in the log is
-- that of its first one. Rows of events have smaller ids than all of them.
CREATE SEQUENCE event_pages_id START 1099511627776 INCREMENT 1024;
CREATE TABLE event_pages (
  id          bigint NOT NULL DEFAULT nextval('event_pages_id'),
  xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
  account_id  bigint NOT NULL,
  channel_id  bigint NOT NULL,
  at          timestamptz NOT NULL DEFAULT now(), -- created_at or sent_at of its messages
  kind        smallint NOT NULL,
  seq         integer NOT NULL,
  cause       text NOT NULL,
  late        boolean,
  n           integer NOT NULL CHECK (n BETWEEN 1 AND 1024), -- how many message_ids
  message_ids uuid[] NOT NULL
) WITH (autovacuum_vacuum_insert_scale_factor = 0.02, toast_tuple_target = 8160);
CREATE UNIQUE INDEX event_pages_order ON event_pages (xid, id);
CREATE INDEX event_pages_at ON event_pages (account_id, at);

-- A new installation: no binary before has run.
UPDATE config_version SET contracted = 170 WHERE contracted = 140 AND NOT EXISTS (SELECT FROM instances);

-- +goose Down
INSERT INTO events (id, xid, message_id, account_id, channel_id, at, kind, seq, cause, late)
SELECT p.id + u.i - 1, p.xid, u.message_id, p.account_id, p.channel_id, p.at, p.kind, p.seq, p.cause, p.late
FROM event_pages p, unnest(p.message_ids) WITH ORDINALITY u(message_id, i);
UPDATE config_version SET contracted = least(contracted, 140);
DROP TABLE event_pages;
DROP SEQUENCE event_pages_id;
