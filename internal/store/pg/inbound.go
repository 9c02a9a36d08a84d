package pg

// NoProviderID is how the column provider_id of an inbound message begins that
// came without an id of the provider: each is a message of its own.
const NoProviderID = "none:"

// Inbound selects the columns of dispatch.Received. Without a provider's id that
// is empty, and so is the number of a contact who has none.
const Inbound = `id, channel_id, CASE WHEN from_phone = user_id THEN '' ELSE from_phone END AS from_phone, wa_id, user_id, username, name,
  group_id, moved_to, type, text, ` + InboundProviderID + `, at, received_at, content`

// InboundProviderID selects the provider's id of an inbound message, empty if it
// came without one.
const InboundProviderID = `CASE WHEN provider_id LIKE '` + NoProviderID + `%' THEN '' ELSE provider_id END AS provider_id`
