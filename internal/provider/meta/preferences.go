package meta

import (
	"cmp"
	"strings"
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
	Detail   scalar `json:"detail"`
	Category scalar `json:"category"`
	Value    scalar `json:"value"`
	At       scalar `json:"timestamp"`
}

// readPreferences reads the wishes about marketing messages, the only category
// that there is.
func readPreferences(part *provider.Part, v *value, now time.Time) {
	for i := range v.Wishes {
		w := &v.Wishes[i]
		id := cmp.Or(person.ID(string(w.WaID)), person.ID(string(w.UserID)))
		word := strings.ToLower(string(w.Value))
		if id == "" || (word != "stop" && word != "resume") {
			part.Unread = append(part.Unread, "preference "+string(w.Value))
			continue
		}
		part.Consents = append(part.Consents, dispatch.Consent{
			Person: id, Start: word == "resume", Scope: dispatch.ScopeMarketing, Detail: string(w.Detail), At: timeOf(string(w.At), now),
		})
	}
}
