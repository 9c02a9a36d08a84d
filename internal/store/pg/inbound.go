package pg

// NoProviderID is how the column provider_id of an inbound message begins that
// came without an id of the provider: each is a message of its own.
const NoProviderID = "none:"

// InboundProviderID selects the provider's id of an inbound message, empty if it
// came without one.
const InboundProviderID = `CASE WHEN provider_id LIKE '` + NoProviderID + `%' THEN '' ELSE provider_id END AS provider_id`
