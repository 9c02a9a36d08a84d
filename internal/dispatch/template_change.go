package dispatch

// TemplateChange is what a provider reports of a template: in a callback, or by
// refusing a message that uses it.
type TemplateChange struct {
	ProviderID string // the provider's id; empty: Name and Language name it
	Name       string
	Language   string
	Status     string // approved, pending, rejected, paused, disabled; empty: unchanged
	Category   string // authentication, utility, marketing; empty: unchanged
	Quality    string // green, yellow, red; empty: unchanged
	Reason     string
	Message    ID // the message that was refused, which names the template
}
