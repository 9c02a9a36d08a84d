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
	WaID     provider.Scalar `json:"wa_id"`
	UserID   provider.Scalar `json:"user_id"`
	Detail   provider.Scalar `json:"detail"`
	Category provider.Scalar `json:"category"`
	Value    provider.Scalar `json:"value"`
	At       provider.Scalar `json:"timestamp"`
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
