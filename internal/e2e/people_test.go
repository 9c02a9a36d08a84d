package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
)

// testPeople sends to people whom Meta names otherwise than by their number.
func testPeople(t *testing.T, s *stack) {
	for to, want := range map[string]struct{ waID, userID string }{
		"+5511977650111":  {"551177650111", ""},
		"+15553200112":    {"", "US.15553200112"},
		"US.155532001000": {"", "US.155532001000"},
		"+15553200113":    {"", ""}, // its statuses lack our id
	} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			id := s.send(t, s.body("meta whatsapp", to)).ID
			s.becomes(t, id, "delivered")
			got := as[struct {
				WaID   string `json:"wa_id"`
				UserID string `json:"user_id"`
			}](t, s.call(t, http.MethodGet, "/v1/messages/"+id, "").want(t, http.StatusOK))
			if got.WaID != want.waID || got.UserID != want.userID {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

// testNumbersOfOneApp sends through a second number of the Meta app, whose callbacks
// arrive at the first one's address, together with the first one's own.
func testNumbersOfOneApp(t *testing.T, s *stack) {
	first := s.channels["meta whatsapp"]
	second := *first
	// The emulator takes the channel with the least key for the app's first.
	second.ID, second.Key, second.Default, second.Sender, second.Name = 0, "~second", false, "+15550008877", "Second"
	second.Settings = maps.Clone(first.Settings)
	second.Settings["phone_number_id"] = "106540359999999"
	delete(second.Settings, "callback_url")
	second, err := s.accounts.CreateChannel(t.Context(), second)
	must(t, err)
	registered := second
	registered.Settings = maps.Clone(second.Settings)
	registered.Settings["callback_url"] = s.url + "/callbacks/meta/nobody-" + second.Key
	s.em.Register(&registered)
	knows(t)
	var ids []string
	for i := range 4 {
		for _, key := range []string{first.Key, second.Key} {
			to := fmt.Sprintf("+1555%03d0114", 700+i)
			const body = `{"to":%q,"channel":%q,"type":"template","template":{"name":"hello_world","language":"en"}}`
			ids = append(ids, s.send(t, fmt.Sprintf(body, to, key)).ID)
		}
	}
	for _, id := range ids {
		s.becomes(t, id, "delivered")
	}
}
