-- +goose Up
-- lock: erased_people, SHARE ROW EXCLUSIVE, catalogue

-- The opt-outs of erased persons are cached with what people configure.
CREATE TRIGGER erased_people_changed AFTER INSERT OR UPDATE OR DELETE ON erased_people
  FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();

-- +goose Down
DROP TRIGGER erased_people_changed ON erased_people;
