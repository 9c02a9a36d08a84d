-- +goose Up
-- lock: import_rows, ACCESS EXCLUSIVE, catalogue
-- lock: import_keys, ACCESS EXCLUSIVE, catalogue
-- lock: import_changes, ACCESS EXCLUSIVE, catalogue
-- lock: imports, ACCESS EXCLUSIVE, catalogue

-- A foreign key is checked row by row, which costs as much as the row itself. The
-- rows of an import are written in the transaction that holds it, and go with it
-- by this trigger.
ALTER TABLE import_rows DROP CONSTRAINT import_rows_import_id_fkey;
ALTER TABLE import_keys DROP CONSTRAINT import_keys_import_id_fkey;
ALTER TABLE import_changes DROP CONSTRAINT import_changes_import_id_fkey;
-- +goose StatementBegin
CREATE FUNCTION drop_import_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM import_rows WHERE import_id = OLD.id;
  DELETE FROM import_keys WHERE import_id = OLD.id;
  DELETE FROM import_changes WHERE import_id = OLD.id;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER imports_deleted AFTER DELETE ON imports FOR EACH ROW EXECUTE FUNCTION drop_import_rows();

-- +goose Down
DROP TRIGGER imports_deleted ON imports;
DROP FUNCTION drop_import_rows;
ALTER TABLE import_rows ADD FOREIGN KEY (import_id) REFERENCES imports ON DELETE CASCADE;
ALTER TABLE import_keys ADD FOREIGN KEY (import_id) REFERENCES imports ON DELETE CASCADE;
ALTER TABLE import_changes ADD FOREIGN KEY (import_id) REFERENCES imports ON DELETE CASCADE;
