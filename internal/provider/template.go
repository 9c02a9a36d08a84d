package provider

import (
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// refusedTemplates are the codes with which WhatsApp refuses a template whatever
// the message is, and the template's status that they show. Vendors pass them on;
// 4005 is one vendor's own for a paused one.
var refusedTemplates = map[string]string{"132001": "disabled", "132015": "paused", "132016": "disabled", "4005": "paused"}

// RefusedTemplate returns what a refusal with a provider's code shows of the
// template of the message, or false if the code is about something else.
func RefusedTemplate(id dispatch.ID, code, detail string) (dispatch.TemplateChange, bool) {
	status, ok := refusedTemplates[code]
	return dispatch.TemplateChange{Message: id, Status: status, Reason: strings.TrimSpace(code + " " + detail)}, ok
}

// TemplateStatus returns the registry's word for WhatsApp's status of a template,
// "" for a word that changes nothing.
func TemplateStatus(event string) string {
	switch event = strings.ToLower(event); event {
	case "approved", "pending", "rejected", "paused", "disabled":
		return event
	case "reinstated", "unpaused":
		return "approved"
	case "in_appeal", "pending_review":
		return "pending"
	case "flagged", "": // a warning: it can still be sent
		return ""
	}
	return "disabled" // pending_deletion, deleted, locked, limit_exceeded, archived
}
