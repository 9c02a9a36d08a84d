-- +goose Up

-- For the question whose a message is that Twilio was found to have: the ids of
-- its accepted calls, and the messages whose id only a callback may have told.
-- Rows of other providers, and messages that were never in doubt, are in
-- neither index; their updates stay HOT.
CREATE INDEX attempts_sid ON attempts (provider_message_id) WHERE left(provider_message_id, 2) IN ('SM', 'MM');
CREATE INDEX messages_doubted ON messages (channel_id, recipient) WHERE maybe_sent;

-- +goose Down
DROP INDEX messages_doubted;
DROP INDEX attempts_sid;
