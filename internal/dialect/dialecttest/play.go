package dialecttest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

// Request is what a client sends. Body is JSON, Raw anything else, Form a form.
type Request struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
	Raw     string            `json:"raw,omitempty"`
	Form    url.Values        `json:"form,omitempty"`
}

// payload returns the body's bytes.
func (q Request) payload() []byte {
	switch {
	case q.Form != nil:
		return []byte(q.Form.Encode())
	case q.Raw != "":
		return []byte(q.Raw)
	}
	return q.Body
}

// build makes the request as the front door sees it.
func (q Request) build(t testing.TB) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), q.Method, q.Path, http.NoBody)
	if q.Form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else if q.payload() != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.Headers {
		r.Header.Set(name, value)
	}
	return r
}

// Play sends a request through the dialect as the front door would, with every
// draft accepted.
func Play(t testing.TB, d dialect.Dialect, q Request) Outcome {
	t.Helper()
	r := q.build(t)
	rt, err := route(d, r)
	if err != nil {
		return Outcome{Reply: render(t, d.Reject(r, err))}
	}
	if rt.Read != nil {
		reply, err := rt.Read(t.Context(), fixture{}, dialect.Account{ID: 1, SID: SID}, r)
		if err != nil {
			reply = d.Reject(r, err)
		}
		return Outcome{Reply: render(t, reply)}
	}
	if rt.Pass != nil {
		reply := dialect.Reply{Status: http.StatusOK}
		if reply.Body, err = rt.Pass(r); err != nil {
			reply = d.Reject(r, err)
		}
		return Outcome{Reply: render(t, reply)}
	}
	if rt.Aside != nil {
		about, err := rt.Aside(r, q.payload())
		switch {
		case err != nil:
			return Outcome{Reply: render(t, d.Reject(r, err))}
		case about != nil:
			return Outcome{Reply: render(t, rt.Accept(r, nil, nil))}
		}
	}
	drafts, err := rt.Decode(r, q.payload())
	for i := range drafts {
		err = cmp.Or(err, drafts[i].Faults.Err()) // accept refuses such a draft
	}
	if err != nil {
		return Outcome{Reply: render(t, d.Reject(r, err))}
	}
	out := Outcome{Reply: render(t, rt.Accept(r, drafts, receipts(drafts)))}
	for i := range drafts {
		out.Drafts = append(out.Drafts, fields(t, &drafts[i]))
	}
	return out
}

// route finds the request's route and sets its path parameters, undecoded as
// echo leaves those of a path with percent signs.
func route(d dialect.Dialect, r *http.Request) (dialect.Route, error) {
	code := dispatch.NotFound
	for _, rt := range d.Routes {
		if !match(rt.Path, r) {
			continue
		}
		if rt.Method == r.Method {
			return rt, nil
		}
		code = dispatch.MethodNotAllowed
	}
	return dialect.Route{}, dispatch.Errorf(code, "no such route")
}

func match(pattern string, r *http.Request) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(r.URL.EscapedPath(), "/")
	if len(want) != len(got) {
		return false
	}
	for i, step := range want {
		name, param := strings.CutPrefix(step, ":")
		switch {
		case param && got[i] != "":
			r.SetPathValue(name, got[i])
		case step != got[i]:
			return false
		}
	}
	return true
}

// receipts accepts every draft.
func receipts(drafts []dispatch.Draft) []dispatch.Receipt {
	var out []dispatch.Receipt
	for i := range drafts {
		d := &drafts[i]
		rc := dispatch.Receipt{ID: id(i + 1), Status: dispatch.Queued, To: d.To, Channel: 1, SendAt: d.SendAt, CreatedAt: created, Segments: 1}
		if e164, err := phone.Parse(d.To); err == nil {
			rc.To = e164
		}
		switch {
		case d.Simulate:
			rc.ID, rc.Status = dispatch.ID{}, dispatch.Simulated
		case !d.SendAt.IsZero():
			rc.Status = dispatch.Scheduled
		}
		out = append(out, rc)
	}
	return out
}

// id makes a message id that is the same in every run.
func id(n int) dispatch.ID {
	u := uuid.MustParse("0198c0de-0000-7000-8000-000000000000")
	u[15] = byte(n)
	return u
}

// fields writes a draft as JSON without the fields that are not set.
func fields(t testing.TB, d *dispatch.Draft) json.RawMessage {
	t.Helper()
	set := map[string]any{}
	v := reflect.ValueOf(d).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsZero() {
			set[v.Type().Field(i).Name] = f.Interface()
		}
	}
	if d.ChannelBy != dispatch.ByIDOrKey {
		set["ChannelBy"] = channelBy[d.ChannelBy]
	}
	if vars := d.Variables; vars != nil {
		set["Variables"] = variables{vars.List, vars.Named, vars.Header, vars.Body, vars.Buttons, vars.HeaderMediaURL}
	}
	return bytes.TrimSpace(marshal(t, set))
}

// channelBy names the ways in which a draft may name its channel.
var channelBy = map[dispatch.ChannelBy]string{
	dispatch.BySender: "sender", dispatch.ByKey: "key", dispatch.ByPhoneNumberID: "phone_number_id",
}

// variables is dispatch.Variables without what is empty.
type variables struct {
	List           []string          `json:",omitempty"`
	Named          map[string]string `json:",omitempty"`
	Header         map[string]string `json:",omitempty"`
	Body           map[string]string `json:",omitempty"`
	Buttons        map[string]string `json:",omitempty"`
	HeaderMediaURL string            `json:",omitempty"`
}

// render turns a reply into what the client reads.
func render(t testing.TB, reply dialect.Reply) Reply {
	t.Helper()
	body, err := json.Marshal(reply.Body)
	if err != nil {
		t.Fatalf("the reply can't be written: %v", err)
	}
	return Reply{Status: reply.Status, Header: reply.Header, Body: body}
}
