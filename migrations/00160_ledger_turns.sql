-- +goose Up
-- lock: campaigns, ACCESS EXCLUSIVE, catalogue
-- lock: campaign_recipients, ACCESS EXCLUSIVE, catalogue

-- A ledger's row that gets its message moves in no index (a HOT update): what tells that
-- it waits is no longer in one. Its turn is found by time and row behind the last one that
-- had its turn, and its message by the number of the row, which the message's id ends with.

-- The row that had its turn last; null: none.
ALTER TABLE campaigns ADD COLUMN turn_at timestamptz, ADD COLUMN turn_seq integer NOT NULL DEFAULT 0;

-- The row of the ledger that a message's id names.
CREATE FUNCTION ledger_seq(message_id uuid) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
  $$ SELECT ('x' || right(message_id::text, 8))::bit(32)::integer $$;

-- The rows of messages whose ids do not name them: those of the binary before.
CREATE TABLE campaign_messages (
  campaign_id bigint NOT NULL,
  message_id  uuid NOT NULL,
  seq         integer NOT NULL,
  PRIMARY KEY (campaign_id, message_id)
);

-- Only rows that are held with a message and those that ended badly are in the indexes of
-- indexed_status. Rows from before that wait have the status itself until they change.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION indexed_status(status smallint, message_id uuid) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN status >= 60 THEN status WHEN status = 2 AND message_id IS NOT NULL THEN 3::smallint END
$$;
-- +goose StatementEnd

-- A page has room for the row of each recipient twice: without and with its message.
ALTER TABLE campaign_recipients SET (fillfactor = 45);

-- After the row is written: before it, Postgres locks each row first.
DROP TRIGGER changed ON campaign_recipients;
DROP TRIGGER added ON campaign_recipients;
-- +goose StatementBegin
CREATE FUNCTION campaign_recipients_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.message_id IS NOT NULL AND ledger_seq(NEW.message_id) <> NEW.seq THEN
    INSERT INTO campaign_messages (campaign_id, message_id, seq) VALUES (NEW.campaign_id, NEW.message_id, NEW.seq) ON CONFLICT DO NOTHING;
  END IF;
  IF NEW.indexed_status IS DISTINCT FROM indexed_status(NEW.status, NEW.message_id) THEN
    UPDATE campaign_recipients SET indexed_status = indexed_status(status, message_id)
    WHERE campaign_id = NEW.campaign_id AND seq = NEW.seq;
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER changed AFTER UPDATE OF status, message_id ON campaign_recipients FOR EACH ROW
  WHEN (NEW.indexed_status IS DISTINCT FROM CASE WHEN NEW.status >= 60 THEN NEW.status
      WHEN NEW.status = 2 AND NEW.message_id IS NOT NULL THEN 3::smallint END
    OR NEW.message_id IS DISTINCT FROM OLD.message_id AND ledger_seq(NEW.message_id) <> NEW.seq)
  EXECUTE FUNCTION campaign_recipients_written();
CREATE TRIGGER added AFTER INSERT ON campaign_recipients FOR EACH ROW
  WHEN (NEW.message_id IS NOT NULL OR NEW.status >= 60 AND NEW.indexed_status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION campaign_recipients_written();
ALTER TABLE campaign_recipients ENABLE ALWAYS TRIGGER changed, ENABLE ALWAYS TRIGGER added;

-- What is there already is filled in short transactions: five thousand rows at a time.
-- +goose StatementBegin
CREATE PROCEDURE fill_campaign_messages() LANGUAGE plpgsql AS $$
DECLARE
  campaign bigint;
  place integer;
  last integer;
BEGIN
  FOR campaign IN SELECT id FROM campaigns ORDER BY id LOOP
    place := 0;
    LOOP
      SELECT max(seq) INTO last FROM (SELECT seq FROM campaign_recipients WHERE campaign_id = campaign AND seq > place
        ORDER BY seq LIMIT 5000) x;
      EXIT WHEN last IS NULL;
      INSERT INTO campaign_messages (campaign_id, message_id, seq)
      SELECT r.campaign_id, r.message_id, r.seq FROM campaign_recipients r
      WHERE r.campaign_id = campaign AND r.seq > place AND r.seq <= last AND r.message_id IS NOT NULL AND ledger_seq(r.message_id) <> r.seq
      ON CONFLICT DO NOTHING;
      place := last;
      COMMIT;
    END LOOP;
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP PROCEDURE IF EXISTS fill_campaign_messages;
DROP TRIGGER added ON campaign_recipients;
DROP TRIGGER changed ON campaign_recipients;
DROP FUNCTION campaign_recipients_written;
ALTER TABLE campaign_recipients SET (fillfactor = 70);
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION indexed_status(status smallint, message_id uuid) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN status = 2 AND message_id IS NOT NULL THEN 3::smallint -- held with a message: its turn has come
    WHEN status < 10 OR status >= 60 THEN status END
$$;
-- +goose StatementEnd
CREATE TRIGGER changed BEFORE UPDATE OF status, message_id ON campaign_recipients FOR EACH ROW
  WHEN (NEW.indexed_status IS DISTINCT FROM indexed_status(NEW.status, NEW.message_id)) EXECUTE FUNCTION campaign_recipients_changed();
CREATE TRIGGER added AFTER INSERT ON campaign_recipients FOR EACH ROW
  WHEN (NEW.indexed_status IS DISTINCT FROM indexed_status(NEW.status, NEW.message_id)) EXECUTE FUNCTION campaign_recipients_added();
ALTER TABLE campaign_recipients ENABLE ALWAYS TRIGGER changed, ENABLE ALWAYS TRIGGER added;
DROP TABLE campaign_messages;
DROP FUNCTION ledger_seq;
ALTER TABLE campaigns DROP COLUMN turn_at, DROP COLUMN turn_seq;
