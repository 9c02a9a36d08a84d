-- +goose Up
-- lock: campaign_recipients, ACCESS EXCLUSIVE, catalogue

-- The status of a ledger's row as indexes have it: null from queued to read, so that a
-- row which is sent, delivered and read moves in none of them (a HOT update). Postgres
-- compares the columns of all indexes and of their conditions, and status was in two.
--
-- A trigger keeps it, whoever writes, also the binary before. A generated column would
-- do the same, but adding one writes the whole table anew under a lock for which the
-- receipts of campaigns wait; this changes the catalogue only.

-- +goose StatementBegin
CREATE FUNCTION indexed_status(status smallint, message_id uuid) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN status = 2 AND message_id IS NOT NULL THEN 3::smallint -- held with a message: its turn has come
    WHEN status < 10 OR status >= 60 THEN status END
$$;
-- +goose StatementEnd

-- Rows from before have null until the next migration has filled them; new ones wait.
ALTER TABLE campaign_recipients ADD COLUMN indexed_status smallint;
ALTER TABLE campaign_recipients ALTER COLUMN indexed_status SET DEFAULT 0;

-- +goose StatementBegin
CREATE FUNCTION campaign_recipients_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.indexed_status := indexed_status(NEW.status, NEW.message_id);
  RETURN NEW;
END $$;
-- +goose StatementEnd

-- A trigger before each row would make COPY write row by row.
-- +goose StatementBegin
CREATE FUNCTION campaign_recipients_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE campaign_recipients SET indexed_status = indexed_status(NEW.status, NEW.message_id)
  WHERE campaign_id = NEW.campaign_id AND seq = NEW.seq;
  RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER changed BEFORE UPDATE OF status, message_id ON campaign_recipients FOR EACH ROW
  WHEN (NEW.indexed_status IS DISTINCT FROM indexed_status(NEW.status, NEW.message_id)) EXECUTE FUNCTION campaign_recipients_changed();
CREATE TRIGGER added AFTER INSERT ON campaign_recipients FOR EACH ROW
  WHEN (NEW.indexed_status IS DISTINCT FROM indexed_status(NEW.status, NEW.message_id)) EXECUTE FUNCTION campaign_recipients_added();
ALTER TABLE campaign_recipients ENABLE ALWAYS TRIGGER changed, ENABLE ALWAYS TRIGGER added;

-- What is there already is filled in short transactions: two thousand rows at a time.
-- +goose StatementBegin
CREATE PROCEDURE fill_indexed_status() LANGUAGE plpgsql AS $$
DECLARE
  campaign bigint;
  place integer;
  last integer;
BEGIN
  FOR campaign IN SELECT id FROM campaigns ORDER BY id LOOP
    place := 0;
    LOOP
      SELECT max(seq) INTO last FROM (SELECT seq FROM campaign_recipients WHERE campaign_id = campaign AND seq > place
        ORDER BY seq LIMIT 2000) x;
      EXIT WHEN last IS NULL;
      UPDATE campaign_recipients r SET indexed_status = indexed_status(r.status, r.message_id)
      WHERE r.campaign_id = campaign AND r.seq > place AND r.seq <= last
        AND r.indexed_status IS DISTINCT FROM indexed_status(r.status, r.message_id);
      place := last;
      COMMIT;
    END LOOP;
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP PROCEDURE IF EXISTS fill_indexed_status;
DROP TRIGGER added ON campaign_recipients;
DROP TRIGGER changed ON campaign_recipients;
DROP FUNCTION campaign_recipients_added, campaign_recipients_changed;
ALTER TABLE campaign_recipients DROP COLUMN indexed_status;
DROP FUNCTION indexed_status;
