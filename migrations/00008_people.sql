-- +goose Up

-- The ids of people of whom more than one is known, or one that is no phone
-- number. A value is a number in E.164, a wa_id with a plus in front, or a
-- business-scoped user id; values of one person have the same number.
CREATE SEQUENCE people_id;
CREATE TABLE identities (
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  value      text NOT NULL,
  person     bigint NOT NULL,
  PRIMARY KEY (account_id, value)
);
CREATE INDEX identities_person ON identities (account_id, person);

-- What contacts' wa_ids have shown so far.
INSERT INTO identities (account_id, value, person)
  SELECT account_id, v, min(id) FROM contacts, LATERAL (VALUES (phone), ('+' || wa_id)) AS t(v)
  WHERE wa_id ~ '^[0-9]+$' AND '+' || wa_id <> phone GROUP BY account_id, v;
SELECT setval('people_id', (SELECT coalesce(max(person), 0) + 1 FROM identities));

-- scope is what all layers together hold back: what an operator set (manual),
-- a STOP or a refusal (stopped_at), and a stop of marketing alone (marketing_at).
ALTER TABLE suppressions
  ADD COLUMN scope text NOT NULL DEFAULT 'all' CHECK (scope IN ('all', 'marketing')),
  ADD COLUMN manual text CHECK (manual IN ('all', 'marketing')),
  ADD COLUMN stopped_at timestamptz,
  ADD COLUMN marketing_at timestamptz;

-- When a person last opted in again: a STOP that was written before and arrives
-- after it does not count.
CREATE TABLE opt_ins (
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  value      text NOT NULL,
  scope      text NOT NULL,
  at         timestamptz NOT NULL,
  PRIMARY KEY (account_id, value, scope)
);

ALTER TABLE messages ADD COLUMN marketing boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE messages DROP COLUMN marketing;
DROP TABLE opt_ins;
ALTER TABLE suppressions DROP COLUMN scope, DROP COLUMN manual, DROP COLUMN stopped_at, DROP COLUMN marketing_at;
DROP TABLE identities;
DROP SEQUENCE people_id;
