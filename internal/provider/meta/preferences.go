package meta

import (
	"cmp"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/provider"
)

// preference is what a user has chosen about a kind of messages
// (developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/user_preferences).
type preference struct {
	WaID     scalar `json:"wa_id"`
	UserID   scalar `json:"user_id"`
	Detail   string `json:"detail"`
	Category string `json:"category"`
	Value    string `json:"value"`
	At       scalar `json:"timestamp"`
}

// readPreferences reads the wishes about marketing messages, the only category
// that there is.
func readPreferences(part *provider.Part, v *value, now time.Time) {
	for i := range v.Wishes {
		w := &v.Wishes[i]
		id := cmp.Or(person.ID(string(w.WaID)), person.ID(string(w.UserID)))
		if id == "" || (w.Value != "stop" && w.Value != "resume") {
			part.Unread = append(part.Unread, "preference "+w.Value)
			continue
		}
		part.Consents = append(part.Consents, dispatch.Consent{
			Person: id, Start: w.Value == "resume", Scope: dispatch.ScopeMarketing, Detail: w.Detail, At: timeOf(string(w.At), now),
		})
	}
}
