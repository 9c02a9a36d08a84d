package provider

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Fault returns code and text of the error that the body of a 2xx answer holds: one
// whose "error" is not empty or whose "status" is error or failed is a refusal,
// whatever the HTTP status, and must not be called again. It returns false for any
// other body.
func Fault(body []byte) (code, text string, ok bool) {
	var b struct {
		Status  Scalar          `json:"status"`
		Code    Scalar          `json:"code"`
		Message json.RawMessage `json:"message"`
		Reason  Scalar          `json:"reason"`
		Error   json.RawMessage `json:"error"`
		Errors  json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &b) != nil {
		return "", "", false
	}
	failure := b.Error
	if Nothing(failure) {
		failure = b.Errors
	}
	word := strings.ToLower(string(b.Status))
	if Nothing(failure) && word != "error" && word != "failed" && word != "failure" {
		return "", "", false
	}
	code, text = inner(failure)
	messageCode, message := inner(b.Message)
	return cmp.Or(code, string(b.Code), messageCode), cmp.Or(both(message, text), string(b.Reason), "status "+string(b.Status)), true
}

// Refuse adds the code and the text of the error in the body (Fault), if a has none,
// and makes a a refusal, as if it came with 400, if it came with 2xx.
func (a *Answer) Refuse(ch *dispatch.Channel, body []byte) {
	code, text, ok := Fault(body)
	if !ok {
		return
	}
	a.Code, a.Msg = cmp.Or(a.Code, code), cmp.Or(a.Msg, Redact(ch, text))
	if a.Status/100 == 2 {
		a.Status = http.StatusBadRequest
	}
}

// both returns two texts of one error, once where one repeats the other.
func both(general, exact string) string {
	switch {
	case general == "" || strings.Contains(exact, general):
		return exact
	case exact == "" || strings.Contains(general, exact):
		return general
	}
	return general + ": " + exact
}

// inner returns code and text of an error, which is a text or an object, or the
// first of a list of them.
func inner(raw json.RawMessage) (code, text string) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		raw = list[0]
	}
	var e struct {
		Code    Scalar `json:"code"`
		Message Scalar `json:"message"`
		Reason  Scalar `json:"reason"`
		Title   Scalar `json:"title"`
		Details Scalar `json:"details"`
	}
	if Nothing(raw) || json.Unmarshal(raw, &e) != nil {
		return "", ScalarOf(raw)
	}
	return string(e.Code), cmp.Or(both(string(cmp.Or(e.Message, e.Reason, e.Title)), string(e.Details)), string(raw))
}

// Reason returns code and text of an error that is a JSON object or a list of them;
// empty for anything else.
func Reason(raw json.RawMessage) (code, text string) {
	if s := bytes.TrimSpace(raw); len(s) == 0 || s[0] != '{' && s[0] != '[' {
		return "", ""
	}
	return inner(raw)
}

// reasonIn returns what a JSON object has under one of the usual names of a reason.
func reasonIn(body []byte) string {
	var b struct {
		Error       json.RawMessage `json:"error"`
		Errors      json.RawMessage `json:"errors"`
		Message     json.RawMessage `json:"message"`
		Reason      Scalar          `json:"reason"`
		Detail      Scalar          `json:"detail"`
		Description Scalar          `json:"description"`
		Title       Scalar          `json:"title"`
	}
	if json.Unmarshal(body, &b) != nil {
		return ""
	}
	for _, raw := range []json.RawMessage{b.Error, b.Errors, b.Message} {
		if _, text := inner(raw); text != "" && !Nothing(raw) {
			return text
		}
	}
	return string(cmp.Or(b.Reason, b.Detail, b.Description, b.Title))
}

// Nothing reports whether a JSON value holds nothing: what vendors write in place of
// an error where there is none.
func Nothing(raw json.RawMessage) bool {
	switch strings.Join(strings.Fields(string(raw)), "") {
	case "", "null", "{}", "[]", `""`, "false", "0", `"0"`:
		return true
	}
	return false
}
