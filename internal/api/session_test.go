package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/webhook"
)

const password = "correct horse battery"

// browser is a signed-in user.
type browser struct {
	*front
	cookie string
	user   string
}

// member creates a user of the front's account.
func (f *front) member(role string) (email, id string) {
	f.T.Helper()
	email = role + "@example.com"
	hash, err := auth.HashPassword(f.T.Context(), password)
	if err != nil {
		f.T.Fatal(err)
	}
	u, err := f.Accounts.CreateUser(f.T.Context(), f.Account.ID, "A "+role, email, role, hash)
	if err != nil {
		f.T.Fatal(err)
	}
	return email, u.ID
}

// signIn creates a user and signs in.
func (f *front) signIn(role string) *browser {
	f.T.Helper()
	email, id := f.member(role)
	r := f.As("", "POST", "/v1/session", m{"email": email, "password": password})
	r.Want(http.StatusOK)
	return &browser{f, cookieOf(f.T, r), id}
}

// cookieOf returns the session's cookie of an answer as a request carries it.
func cookieOf(t *testing.T, r *apitest.Reply) string {
	t.Helper()
	set := r.Header.Get("Set-Cookie")
	if !strings.HasPrefix(set, middleware.SessionCookie+"=") || !strings.Contains(set, "HttpOnly") ||
		!strings.Contains(set, "SameSite=Lax") ||
		!strings.Contains(set, "Secure") {
		t.Fatalf("%s: cookie %q", r.What, set)
	}
	pair, _, _ := strings.Cut(set, ";")
	return pair
}

// do sends a request as the dashboard's page does.
func (b *browser) do(method, path string, body any) *apitest.Reply {
	b.T.Helper()
	headers := []string{"Cookie", b.cookie, "Sec-Fetch-Site", "same-origin", "Content-Type", "application/json"}
	text := ""
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.T.Fatal(err)
		}
		text = string(raw)
	}
	return b.Ask(method, path, apitest.Sent{Headers: headers, Body: text})
}

func TestSession_InAndOut(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	b := f.signIn("admin")
	who := b.do("GET", "/v1/session", nil).Want(200)
	if who.Text("role") != "admin" || who.Text("user.email") != "admin@example.com" || who.Text("account.sid") != f.Account.SID ||
		!slices.Contains(who["can"].([]any), any("manage")) {
		t.Errorf("who am I: %v", who)
	}
	b.do("GET", "/v1/messages", nil).Want(200)
	other := &browser{f, cookieOf(t, f.As("", "POST", "/v1/session", m{"email": "Admin@Example.com ", "password": password})), ""}
	b.do("POST", "/v1/session/password", m{"current_password": "no", "new_password": "another password"}).
		Refused(422, dispatch.Invalid, "/current_password")
	b.do("POST", "/v1/session/password", m{"current_password": password, "new_password": "short"}).
		Refused(422, dispatch.Invalid, "/new_password")
	b.do("POST", "/v1/session/password", m{"current_password": password, "new_password": "another password"}).Want(204)
	b.do("GET", "/v1/session", nil).Want(200)
	other.do("GET", "/v1/session", nil).Refused(401, dispatch.Unauthorized)
	f.As("", "POST", "/v1/session", m{"email": "admin@example.com", "password": password}).Refused(401, dispatch.Unauthorized)
	b.do("DELETE", "/v1/session", nil).Want(204)
	b.do("GET", "/v1/messages", nil).Refused(401, dispatch.Unauthorized)
	f.As("", "GET", "/v1/session", nil).Refused(401, dispatch.Unauthorized)
	if login := f.As("", "GET", "/v1/session/login", nil).Want(200); login.Text("password") != "" {
		t.Errorf("serve tells a password: %v", login)
	}
}

func TestSession_OtherSites_AreRefused(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	b := f.signIn("owner")
	for _, origin := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "same-site"}} {
		headers := append([]string{"Cookie", b.cookie, "Content-Type", "application/json"}, origin...)
		f.Ask("POST", "/v1/lists", apitest.Sent{Headers: headers, Body: `{"name":"x"}`}).Refused(403, dispatch.Forbidden)
		f.Ask("POST", "/v1/session", apitest.Sent{Headers: headers, Body: `{"email":"owner@example.com","password":"` + password + `"}`}).
			Refused(403, dispatch.Forbidden)
		f.Ask("DELETE", "/v1/session", apitest.Sent{Headers: headers}).Refused(403, dispatch.Forbidden)
	}
	headers := []string{"Cookie", b.cookie, "Content-Type", "application/json", "Origin", apitest.Public}
	f.Ask("POST", "/v1/lists", apitest.Sent{Headers: headers, Body: `{"name":"x"}`}).Want(201)
}

func TestSession_GuessedPasswords_AreThrottled(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	email, _ := f.member("sender")
	for range 10 {
		f.As("", "POST", "/v1/session", m{"email": email, "password": "wrong password"}).Refused(401, dispatch.Unauthorized)
	}
	r := f.As("", "POST", "/v1/session", m{"email": email, "password": password})
	if r.Refused(429, dispatch.RateLimited); r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	other, _ := f.member("viewer")
	f.As("", "POST", "/v1/session", m{"email": other, "password": password}).Want(200)
}

func TestSession_DisabledUser_IsSignedOut(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	owner, viewer := f.signIn("owner"), f.signIn("viewer")
	owner.do("PATCH", "/v1/users/"+viewer.user, m{"disabled": true}).Want(200)
	viewer.do("GET", "/v1/session", nil).Refused(401, dispatch.Unauthorized)
}

func TestInvitation_OnceAndOnlyAdmins(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	admin, sender := f.signIn("admin"), f.signIn("sender")
	sender.do("POST", "/v1/invitations", m{"name": "N", "email": "n@example.com"}).Refused(403, dispatch.Forbidden)
	admin.do("POST", "/v1/invitations", m{"name": "N", "email": "n@example.com", "role": "owner"}).Refused(403, dispatch.Forbidden)
	made := admin.do("POST", "/v1/invitations", m{"name": "N", "email": "n@example.com", "role": "viewer"}).Want(201)
	link := made.Text("url")
	token, ok := strings.CutPrefix(link, apitest.Public+"/sign-in#invitation=")
	if at, err := time.Parse(time.RFC3339, made.Text("expires_at")); !ok || err != nil || time.Until(at).Round(time.Hour) != 72*time.Hour {
		t.Fatalf("invitation: %v", made)
	}
	f.As("", "POST", "/v1/invitations/accept", m{"token": token, "password": "short"}).Refused(422, dispatch.Invalid, "/password")
	f.As("", "POST", "/v1/invitations/accept", m{"token": token + "x", "password": password}).Refused(404, dispatch.NotFound)
	b := &browser{f, cookieOf(t, f.As("", "POST", "/v1/invitations/accept", m{"token": token, "password": password})), ""}
	if who := b.do("GET", "/v1/session", nil).Want(200); who.Text("role") != "viewer" {
		t.Errorf("who am I: %v", who)
	}
	f.As("", "POST", "/v1/invitations/accept", m{"token": token, "password": password}).Refused(404, dispatch.NotFound)
}

func TestUsers_AdminsDoNotTouchOwners(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	owner, admin := f.signIn("owner"), f.signIn("admin")
	for _, body := range []m{{"name": "x"}, {"role": "viewer"}, {"password": "another password"}, {"disabled": true}} {
		admin.do("PATCH", "/v1/users/"+owner.user, body).Refused(403, dispatch.Forbidden)
	}
	admin.do("DELETE", "/v1/users/"+owner.user, nil).Refused(403, dispatch.Forbidden)
	admin.do("PATCH", "/v1/users/"+admin.user, m{"role": "owner"}).Refused(403, dispatch.Forbidden)
	owner.do("PATCH", "/v1/users/"+admin.user, m{"role": "owner"}).Want(200)
}

// least is the least role that may use a route; everybody who may not is answered
// 403 whatever the request.
func least(method, path string) string {
	switch {
	case strings.HasPrefix(path, "/v1/session"), path == "/v1/playground", path == "/v1/messages/status", strings.HasSuffix(path, "/share"),
		strings.HasPrefix(path, "/v1/templates/") && strings.HasSuffix(path, "/preview"):
		return "viewer"
	case path == "/v1/webhooks/twilio-token":
		return "admin"
	case method == http.MethodGet:
		return "viewer"
	}
	for _, prefix := range []string{"/v1/messages", "/v1/contacts", "/v1/lists", "/v1/campaigns", "/v1/imports"} {
		if strings.HasPrefix(path, prefix) {
			return "sender"
		}
	}
	return "admin"
}

// TestRoles_EveryRoute calls every route of /v1 with every role.
func TestRoles_EveryRoute(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	order := []string{"viewer", "sender", "admin", "owner"}
	var browsers []*browser
	for _, role := range order {
		browsers = append(browsers, f.signIn(role))
	}
	public := []string{
		"POST /v1/session",
		"DELETE /v1/session",
		"GET /v1/session/login",
		"POST /v1/invitations/accept",
		"GET /v1/share/{token}",
	}
	text := m{"to": "+15550000199", "type": "text", "text": m{"body": "x"}}
	scheduled := f.Do("POST", "/v1/messages", m{
		"to": "+15550000199", "type": "template", "template": m{"name": f.template("hello"), "language": "en"},
		"send_at": time.Now().Add(time.Hour),
	}).Want(202).Text("message_id")
	bodies := map[string]any{
		"POST /v1/messages": text, "POST /v1/messages/batch": m{"messages": []any{text}}, "POST /v1/session/password": m{},
	}
	asked := 0
	for path, item := range apitest.Document(t, f.Front).Paths.Map() {
		for method := range item.Operations() {
			if !strings.HasPrefix(path, "/v1/") || slices.Contains(public, method+" "+path) || path == "/v1/events" {
				continue
			}
			at := strings.Replace(path, "/v1/messages/{id}", "/v1/messages/"+scheduled, 1)
			at = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(at, "987654321")
			for i, b := range browsers {
				asked++
				body := bodies[method+" "+path]
				if body == nil && method != http.MethodGet && method != http.MethodDelete {
					body = m{}
				}
				r := b.do(method, at, body)
				if may := i >= slices.Index(order, least(method, path)); (r.Status == http.StatusForbidden) == may ||
					r.Status == http.StatusUnauthorized ||
					r.Status >= 500 {
					t.Errorf("%s as %s: got %d %s", r.What, order[i], r.Status, r.Body)
				}
			}
		}
	}
	if asked < 200 {
		t.Errorf("only %d requests", asked)
	}
}

// template registers a template without variables and returns its name.
func (f *front) template(name string) string {
	f.T.Helper()
	f.Do("POST", "/v1/templates", m{
		"name": name, "language": "en", "category": "utility", "status": "approved", "components": []m{{"type": "BODY", "text": "Hello"}},
	}).Want(201)
	return name
}

func TestPlayground_AsTheKey(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.template("hello")
	sender, viewer := f.signIn("sender"), f.signIn("viewer")
	_, full := f.NewKeyWith(func(k *account.Key) { k.Name = "full" })
	_, text := f.NewKeyWith(func(k *account.Key) { k.Name, k.Permissions = "text", []string{"send_text"} })
	_, off := f.NewKeyWith(func(k *account.Key) { k.Name, k.Active = "off", false })
	message := m{"to": "+15550000199", "type": "template", "template": m{"name": "hello", "language": "en"}}
	ask := func(key int64, path string, body, simulate any) m {
		in := m{"key_id": key, "method": "POST", "path": path, "body": body}
		if simulate != nil {
			in["simulate"] = simulate
		}
		return in
	}
	for _, b := range []*browser{sender, viewer} {
		simulated := b.do("POST", "/v1/playground", ask(full.ID, "/v1/messages", message, nil)).Want(200)
		if simulated.Text("status") != "200" || simulated.Text("body.status") != "simulated" || simulated.Text("simulate") != "true" {
			t.Errorf("simulated: %v", simulated)
		}
	}
	viewer.do("POST", "/v1/playground", ask(full.ID, "/v1/messages", message, false)).Refused(403, dispatch.Forbidden)
	sent := sender.do("POST", "/v1/playground", ask(full.ID, "/v1/messages", message, false)).Want(200)
	id := sent.Text("body.message_id")
	if sent.Text("status") != "202" || len(id) != 36 {
		t.Fatalf("sent: %v", sent)
	}
	read := sender.do("POST", "/v1/playground", m{"key_id": full.ID, "method": "GET", "path": "/v1/messages/" + id}).Want(200)
	if read.Text("body.message_id") != id {
		t.Errorf("read: %v", read)
	}
	if lacks := sender.do("POST", "/v1/playground", ask(text.ID, "/v1/messages", message, true)).Want(200); lacks.Text("status") != "403" {
		t.Errorf("a key without the permission: %v", lacks)
	}
	external := sender.do("POST", "/v1/playground", ask(full.ID, "/api/v1/external/messages/template/send",
		m{"to": "+15550000199", "template_name": "hello", "language": "en", "variables": m{}}, true)).Want(200)
	if external.Text("status") != "200" || external.Text("body.data.status") != "simulated" {
		t.Errorf("another format: %v", external)
	}
	sender.do("POST", "/v1/playground", ask(off.ID, "/v1/messages", message, true)).Refused(422, dispatch.Invalid, "/key_id")
	sender.do("POST", "/v1/playground", ask(987654, "/v1/messages", message, true)).Refused(422, dispatch.Invalid, "/key_id")
	for _, path := range []string{
		"/v1/keys", "/v1/messages/../keys", "//evil.example/v1/messages", "https://evil.example/v1/messages",
		"/v1/playground", "/v1/session", "",
	} {
		sender.do("POST", "/v1/playground", ask(full.ID, path, message, true)).Refused(422, dispatch.Invalid, "/path")
	}
	headers := ask(full.ID, "/v1/messages", message, true)
	headers["headers"] = m{"Authorization": "Bearer x"}
	sender.do("POST", "/v1/playground", headers).Refused(422, dispatch.Invalid, "/headers")
	f.Do("POST", "/v1/playground", ask(full.ID, "/v1/messages", message, true)).Refused(403, dispatch.Forbidden)
	if log := f.Do("GET", "/v1/audit?action=playground.send", nil).Want(200).Data(); len(log) != 1 ||
		log[0].Text("actor") != "user:"+sender.user {
		t.Errorf("audit log: %v", log)
	}
}

// shareToken returns the token of a link to a message that ends at until, as the
// server signs it.
func shareToken(id string, until time.Time) string {
	message := uuid.MustParse(id)
	raw := binary.BigEndian.AppendUint64(message[:], uint64(until.Unix()))
	secret := sha256.Sum256([]byte("dashboard:" + apitest.SecretKey))
	mac := hmac.New(sha256.New, secret[:])
	mac.Write(append([]byte("share:"), raw...))
	return base64.RawURLEncoding.EncodeToString(append(raw, mac.Sum(nil)[:16]...))
}

func TestShare_MasksAndEnds(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	id := f.Do("POST", "/v1/messages", m{
		"to": "+15550000199", "type": "template",
		"template": m{"name": f.template("hello"), "language": "en"},
	}).
		Want(202).
		Text("message_id")
	b := f.signIn("viewer")
	made := b.do("POST", "/v1/messages/"+id+"/share", m{"hours": 24}).Want(201)
	token, ok := strings.CutPrefix(made.Text("url"), apitest.Public+"/share/")
	if !ok {
		t.Fatalf("link %v", made)
	}
	r := f.As("", "GET", "/v1/share/"+token, nil)
	if shared := r.Want(200); shared.Text("to") != "+15•••••••99" || shared.Text("message_id") != id ||
		strings.Contains(string(r.Body), "Hello") {
		t.Errorf("shared: %s", r.Body)
	}
	f.As("", "GET", "/v1/share/"+token[:len(token)-2]+"AA", nil).Refused(404, dispatch.NotFound)
	ends, err := time.Parse(time.RFC3339, made.Text("expires_at"))
	if err != nil || time.Until(ends) > 24*time.Hour || time.Until(ends) < 23*time.Hour || shareToken(id, ends) != token {
		t.Errorf("a link of 24 hours: %v, signed %s", made, shareToken(id, ends))
	}
	f.As("", "GET", "/v1/share/"+shareToken(id, time.Now().Add(time.Minute)), nil).Want(200)
	f.As("", "GET", "/v1/share/"+shareToken(id, time.Now().Add(-time.Second)), nil).Refused(404, dispatch.NotFound)
	_, key := f.NewAccount("Two")
	f.As(key, "POST", "/v1/messages/"+id+"/share", m{"hours": 24}).Refused(404, dispatch.NotFound)
}

func TestProviders_DescribeTheirFields(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	all := f.Do("GET", "/v1/providers", nil).Want(200).Data()
	if len(all) != 4 {
		t.Fatalf("providers: %v", all)
	}
	for _, p := range all {
		title, _ := p["title"].(string)
		setUp, _ := p["set_up"].(string)
		if title == "" || setUp == "" || len(p["kinds"].([]any)) == 0 || len(p["secrets"].([]any)) == 0 {
			t.Errorf("provider: %v", p)
		}
	}
	first := all[0]["secrets"].([]any)[0].(map[string]any)
	if all[0].Text("name") != "meta" || first["name"] != "access_token" || first["required"] != true || first["generated"] != false {
		t.Errorf("the first: %v", all[0])
	}
}

func TestDeliveries_OfAMessage(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	hook := f.Do("POST", "/v1/webhooks", m{"url": "https://hooks.example/in"}).Want(201)
	body := m{"to": "+15550000199", "type": "template", "template": m{"name": f.template("hello"), "language": "en"}}
	id := f.Do("POST", "/v1/messages", body).Want(202).Text("message_id")
	f.Do("POST", "/v1/messages", body).Want(202)
	path := "/v1/messages/" + id + "/deliveries"
	var all []apitest.Object
	for began := time.Now(); len(all) == 0 && time.Since(began) < time.Minute; { // other tests' transactions hold the log up
		if _, _, err := f.Hooks.ExpandWebhooks(t.Context(), false, 100, webhook.Render); err != nil {
			t.Fatal(err)
		}
		all = f.Do("GET", path, nil).Want(200).Data()
	}
	if len(all) != 1 || all[0].Text("message_id") != id || all[0].Text("event") != "message.queued" || all[0].Text("state") != "pending" ||
		all[0].Text("webhook_id") != hook.Text("id") || all[0].Text("request.url") != "https://hooks.example/in" {
		t.Errorf("deliveries: %v", all)
	}
	_, key := f.NewAccount("Two")
	f.As(key, "GET", path, nil).Refused(404, dispatch.NotFound)
	f.Do("GET", "/v1/messages/none/deliveries", nil).Refused(404, dispatch.NotFound)
}

func TestStats_Figures(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.template("hello")
	f.Do("POST", "/v1/messages", m{"to": "+15550000199", "type": "template", "template": m{"name": "hello", "language": "en"}}).Want(202)
	for span, buckets := range map[string]int{"hour": 60, "day": 48, "month": 30} {
		st := f.Do("GET", "/v1/stats?range="+span, nil).Want(200)
		if st.Text("total_keys") != "1" || st.Text("active_keys") != "1" || st.Text("templates_configured") != "1" || st.Text("waiting") != "1" ||
			st["success_rate"] != nil ||
			len(st["series"].([]any)) != buckets ||
			len(st["channels"].([]any)) != 1 {
			t.Errorf("%s: %v", span, st)
		}
		last := st["series"].([]any)[buckets-1].(map[string]any)
		if last["per_second"].(float64) <= 0 {
			t.Errorf("%s: the newest point: %v", span, last)
		}
	}
	f.Do("GET", "/v1/stats?range=year", nil).Refused(422, dispatch.Invalid, "/range")
}

// What a person looks at takes no connection from the messages; a key's reads do.
func TestSession_ReadsOnItsOwnConnections(t *testing.T) {
	t.Parallel()
	f := &front{apitest.NewOn(t, storetest.Session(t, "it looks at the server's sessions"))}
	b := f.signIn("viewer")
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	f.Do("POST", "/v1/messages", m{"to": "+15550000100", "type": "text", "text": m{"body": "x"}}).Want(202)
	reads := func(application string) (n int) {
		t.Helper()
		err := f.DB.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1
			AND query LIKE '%m.recipient, m.content%'`, application).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if own, messages := reads("sendoff-serve-readers"), reads("sendoff-serve"); own+messages != 0 {
		t.Fatalf("before: %d and %d", own, messages)
	}
	b.do("GET", "/v1/messages", nil).Want(200)
	if own, messages := reads("sendoff-serve-readers"), reads("sendoff-serve"); own == 0 || messages != 0 {
		t.Errorf("a session: %d reads on its own connections, %d on those of messages", own, messages)
	}
	f.Do("GET", "/v1/messages", nil).Want(200)
	if messages := reads("sendoff-serve"); messages == 0 {
		t.Error("a key does not read on the connections of messages")
	}
}
