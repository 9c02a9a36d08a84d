-- +goose Up
-- lock: none

-- A new partition needs its whole table for a moment. Made all in one transaction, they
-- hold one table while they wait for the next: with a statement that writes to attempts
-- before messages that is a deadlock, and behind one that reads a table for an hour every
-- send waits. So each may be made in a transaction of its own ($2: how many of them at
-- most), and nobody waits behind one for longer than lock_timeout.
-- +goose StatementBegin
CREATE FUNCTION ensure_partitions(ahead interval, most integer) RETURNS integer LANGUAGE plpgsql SET lock_timeout = '100ms' AS $$
DECLARE
  d timestamptz; made integer := 0; name text; k text;
BEGIN
  IF NOT pg_try_advisory_xact_lock(7345001) THEN RETURN 0; END IF;
  d := date_trunc('week', now() AT TIME ZONE 'utc') AT TIME ZONE 'utc';
  WHILE d < now() + ahead LOOP
    FOREACH k IN ARRAY ARRAY['messages', 'attempts', 'events', 'idempotency'] LOOP
      IF made >= most THEN RETURN made; END IF;
      name := k || '_w' || to_char(d AT TIME ZONE 'utc', 'IYYYIW');
      IF to_regclass(name) IS NULL THEN
        BEGIN
          IF k = 'events' THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)', name, d, d + interval '7 days');
          ELSIF k = 'idempotency' THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF idempotency FOR VALUES FROM (%L) TO (%L)',
              name, (d AT TIME ZONE 'utc')::date, ((d + interval '7 days') AT TIME ZONE 'utc')::date);
          ELSE
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
              name, k, uuid_floor(d), uuid_floor(d + interval '7 days'));
            IF k = 'messages' THEN
              EXECUTE format('ALTER TABLE %I SET (fillfactor = 45, autovacuum_vacuum_insert_scale_factor = 0.02)', name);
            END IF;
          END IF;
          made := made + 1;
        EXCEPTION WHEN check_violation THEN
          RAISE WARNING 'partition % not made: the default partition holds rows of its range', name;
        END;
      END IF;
    END LOOP;
    d := d + interval '7 days';
  END LOOP;
  RETURN made;
END $$;
-- +goose StatementEnd

-- For the binary before, and for hands.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ensure_partitions(ahead interval DEFAULT '14 days') RETURNS integer LANGUAGE sql AS $$
  SELECT ensure_partitions(ahead, 100)
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ensure_partitions(ahead interval DEFAULT '14 days') RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  d timestamptz; made integer := 0; name text; k text;
BEGIN
  IF NOT pg_try_advisory_xact_lock(7345001) THEN RETURN 0; END IF;
  d := date_trunc('week', now() AT TIME ZONE 'utc') AT TIME ZONE 'utc';
  WHILE d < now() + ahead LOOP
    FOREACH k IN ARRAY ARRAY['messages', 'attempts', 'events', 'idempotency'] LOOP
      name := k || '_w' || to_char(d AT TIME ZONE 'utc', 'IYYYIW');
      IF to_regclass(name) IS NULL THEN
        BEGIN
          IF k = 'events' THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)', name, d, d + interval '7 days');
          ELSIF k = 'idempotency' THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF idempotency FOR VALUES FROM (%L) TO (%L)',
              name, (d AT TIME ZONE 'utc')::date, ((d + interval '7 days') AT TIME ZONE 'utc')::date);
          ELSE
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
              name, k, uuid_floor(d), uuid_floor(d + interval '7 days'));
            IF k = 'messages' THEN
              EXECUTE format('ALTER TABLE %I SET (fillfactor = 45, autovacuum_vacuum_insert_scale_factor = 0.02)', name);
            END IF;
          END IF;
          made := made + 1;
        EXCEPTION WHEN check_violation THEN
          RAISE WARNING 'partition % not made: the default partition holds rows of its range', name;
        END;
      END IF;
    END LOOP;
    d := d + interval '7 days';
  END LOOP;
  RETURN made;
END $$;
-- +goose StatementEnd
DROP FUNCTION ensure_partitions(interval, integer);
