package provider_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

func TestRefuse_ErrorWith2xx_IsARefusal(t *testing.T) {
	t.Parallel()
	ch := &dispatch.Channel{Secrets: map[string]string{"token": "very-secret"}}
	for _, c := range []struct {
		name, body string
		answer     provider.Answer
		status     int
		code, text string
	}{
		{"error object", `{"error":{"code":7,"message":"no very-secret"}}`, provider.Answer{Status: 200}, 400, "7", "no ***"},
		{"first of errors", `{"errors":[{"code":"A1","title":"no"}]}`, provider.Answer{Status: 202}, 400, "A1", "no"},
		{"status and message", `{"status":"Failed","message":{"code":9,"reason":"no"}}`, provider.Answer{Status: 200}, 400, "9", "no"},
		{"what it has stays", `{"error":{"code":7,"message":"no"}}`, provider.Answer{Status: 200, Code: "8", Msg: "never"}, 400, "8", "never"},
		{"no error", `{"id":"1","error":null}`, provider.Answer{Status: 200}, 200, "", ""},
		{"not 2xx", `{"errors":[{"code":7,"title":"no","details":"why"}]}`, provider.Answer{Status: 502}, 502, "7", "no: why"},
		{"no object", `accepted`, provider.Answer{Status: 200}, 200, "", ""},
	} {
		a := c.answer
		a.Refuse(ch, []byte(c.body))
		if a.Status != c.status || a.Code != c.code || a.Msg != c.text {
			t.Errorf("%s: %d %q %q, want %d %q %q", c.name, a.Status, a.Code, a.Msg, c.status, c.code, c.text)
		}
	}
}
