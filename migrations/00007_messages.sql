-- +goose Up

-- A message's row is changed two to four times soon after it was written, and
-- its neighbours with it: with less than half of a page free most of the new
-- rows lay in other pages, and each wrote to every index. (HOT updates in a
-- drain: 45 % before, all of them now, and smaller indexes.)
-- +goose StatementBegin
DO $$
DECLARE
  p regclass;
BEGIN
  EXECUTE replace(pg_get_functiondef('ensure_partitions(interval)'::regprocedure), 'fillfactor = 70', 'fillfactor = 45');
  FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'messages'::regclass LOOP
    EXECUTE format('ALTER TABLE %s SET (fillfactor = 45)', p);
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
  p regclass;
BEGIN
  EXECUTE replace(pg_get_functiondef('ensure_partitions(interval)'::regprocedure), 'fillfactor = 45', 'fillfactor = 70');
  FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'messages'::regclass LOOP
    EXECUTE format('ALTER TABLE %s SET (fillfactor = 70)', p);
  END LOOP;
END $$;
-- +goose StatementEnd
