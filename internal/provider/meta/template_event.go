package meta

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// templateEvent is the value of the fields that report a template
// (developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update,
// and those of category and quality).
type templateEvent struct {
	Event       provider.Scalar `json:"event"`
	ID          provider.Scalar `json:"message_template_id"`
	Name        provider.Scalar `json:"message_template_name"`
	Language    provider.Scalar `json:"message_template_language"`
	Reason      provider.Scalar `json:"reason"`
	NewCategory provider.Scalar `json:"new_category"`
	OldQuality  provider.Scalar `json:"previous_quality_score"`
	NewQuality  provider.Scalar `json:"new_quality_score"`
	Other       struct {
		Title       provider.Scalar `json:"title"`
		Description provider.Scalar `json:"description"`
	} `json:"other_info"`
	Rejection struct {
		Reason provider.Scalar `json:"reason"`
	} `json:"rejection_info"`
}

// templateChange reads a change of a template; false for another field.
func templateChange(field string, raw json.RawMessage) (dispatch.TemplateChange, bool) {
	var e templateEvent
	if err := json.Unmarshal(raw, &e); err != nil && !wrongType(err) || e.Name == "" && e.ID == "" {
		return dispatch.TemplateChange{}, false
	}
	out := dispatch.TemplateChange{Name: string(e.Name), Language: string(e.Language)}
	if e.Name == "" {
		out.ProviderID = string(e.ID)
	}
	switch field {
	case "message_template_status_update":
		out.Status = provider.TemplateStatus(string(e.Event))
		out.Reason = reasonOf(&e)
		if out.Status == "" {
			out.Reason = strings.TrimSpace(strings.ToLower(string(e.Event)) + " " + out.Reason)
		}
	case "template_category_update":
		out.Category = strings.ToLower(string(e.NewCategory))
		out.Reason = "category " + out.Category
	case "message_template_quality_update":
		out.Quality = strings.ToLower(string(e.NewQuality))
		out.Reason = "quality " + strings.ToLower(string(e.OldQuality+" -> "+e.NewQuality))
	default:
		return out, false
	}
	return out, true
}

// reasonOf returns all reasons that Meta states.
func reasonOf(e *templateEvent) string {
	var parts []string
	reason := cmp.Or(e.Reason, "NONE")
	if reason != "NONE" {
		parts = append(parts, string(reason))
	}
	for _, s := range []provider.Scalar{e.Other.Title, e.Other.Description, e.Rejection.Reason} {
		if s != "" {
			parts = append(parts, string(s))
		}
	}
	return strings.Join(parts, ": ")
}
