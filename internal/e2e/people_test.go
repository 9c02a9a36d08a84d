package e2e

import (
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
