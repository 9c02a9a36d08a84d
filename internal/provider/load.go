package provider

import "github.com/sendoff/sendoff/internal/dispatch"

// Load decodes a message's content for a client that needs it.
func Load(m *dispatch.Message) error {
	if err := m.Load(); err != nil {
		return &Error{Kind: Permanent, Code: dispatch.FailInternal, Msg: "the stored message cannot be read", Err: err}
	}
	return nil
}
