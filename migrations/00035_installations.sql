-- +goose Up

-- +goose StatementBegin
-- installation_home names this database of this server: a copy of it, restored
-- elsewhere, has another name.
CREATE FUNCTION installation_home() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  db text := (SELECT oid FROM pg_database WHERE datname = current_database());
BEGIN
  RETURN (SELECT system_identifier FROM pg_control_system()) || ':' || db;
EXCEPTION WHEN insufficient_privilege OR undefined_function THEN
  RETURN '0:' || db;
END $$;
-- +goose StatementEnd

-- The id of this installation, by which its keys in Redis begin: several may
-- share a Redis database. The row of another home is that of the database which
-- this one was copied from.
CREATE TABLE installations (
  home        text PRIMARY KEY,
  id          text NOT NULL UNIQUE DEFAULT left(md5(gen_random_uuid()::text), 12),
  created_at  timestamptz NOT NULL DEFAULT now(),
  drain_until timestamptz -- until then the queues without an id, of earlier versions, are worked on too
);
INSERT INTO installations (home, drain_until) SELECT installation_home(), now() + interval '1 day' WHERE EXISTS (SELECT FROM instances);

-- +goose Down
DROP TABLE installations;
DROP FUNCTION installation_home();
