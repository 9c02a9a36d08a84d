-- +goose Up
-- lock: erased_people, ACCESS EXCLUSIVE, catalogue

-- What an operator had set of an erased person's opt-out: it stays when the person
-- opts in again. Of those erased before nobody knows: all of it goes.
ALTER TABLE erased_people ADD COLUMN manual text;

-- +goose Down
ALTER TABLE erased_people DROP COLUMN manual;
