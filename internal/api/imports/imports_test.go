package imports_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/importer"
	"github.com/sendoff/sendoff/internal/store/audience"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

type m = apitest.M

// front is an API server with an importer beside it.
type front struct {
	*apitest.Front
	pool *pg.DB
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{Front: apitest.New(t)}
	db := storetest.Open(t, f.PostgresURL, 4)
	f.pool = db
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); importer.New(audience.New(db), slog.New(slog.DiscardHandler)).Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	return f
}

func (f *front) send(method, path, contentType, body string) *apitest.Reply {
	f.T.Helper()
	return f.sendAs(f.Key, method, path, contentType, body)
}

func (f *front) sendAs(key, method, path, contentType, body string) *apitest.Reply {
	f.T.Helper()
	return f.Ask(method, path, apitest.Sent{Headers: []string{"Authorization", "Bearer " + key, "Content-Type", contentType}, Body: body})
}

// ended waits until an import has ended.
func (f *front) ended(id string) apitest.Object {
	f.T.Helper()
	var i apitest.Object
	wait.Until(f.T, "the import has ended", func() bool {
		i = f.Do("GET", "/v1/imports/"+id, nil).Want(200)
		s := i.Text("status")
		return s != "running" && s != "uploading"
	})
	return i
}

func counts(i apitest.Object) string {
	var out []string
	for _, name := range []string{"status", "lines", "created", "updated", "unchanged", "duplicate", "suppressed", "bad"} {
		out = append(out, i.Text(name))
	}
	return strings.Join(out, " ")
}

const people = "phone;name;city\n+491761234567;Ada;=1+1\nx;Bo;Rome\n+15550000100;Cy;\n+15550000100;Dee;\n"

func TestImport_ReportErrorsUndoExport(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	list := f.Do("POST", "/v1/lists", m{"name": "VIP"}).Want(201).ID()
	made := f.send("POST", "/v1/imports?kind=contacts&list="+list, "text/csv", people)
	id := made.Want(202).ID()
	if made.Header.Get("Location") != "/v1/imports/"+id {
		t.Errorf("made: %s", made.Body)
	}
	i := f.ended(id)
	columns := "[map[field:phone name:phone sample:+491761234567] map[field:name name:name sample:Ada] " +
		"map[field:fields.city name:city sample:=1+1]]"
	if counts(i) != "done 4 2 0 0 1 0 1" || i.Text("delimiter") != ";" || i.Text("encoding") != "utf-8" || i.Text("columns") != columns {
		t.Errorf("import: %v", i)
	}
	bad := string(f.Do("GET", "/v1/imports/"+id+"/errors.csv", nil).Body)
	if !strings.HasPrefix(bad, "_line,_column,_error,phone,name,city\n3,phone,") || !strings.HasSuffix(bad, ",x,Bo,Rome\n") {
		t.Errorf("errors: %s", bad)
	}
	export := f.Do("GET", "/v1/lists/"+list+"/contacts.csv", nil)
	want := "phone,wa_id,user_id,name,time_zone,fields.city,fields\n'+15550000100,,,Cy,,,\n'+491761234567,,,Ada,,'=1+1,\n"
	if string(export.Body) != want || export.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("export: %s", export.Body)
	}
	again := f.ended(f.send("POST", "/v1/imports?kind=contacts&list="+list, "text/csv", string(export.Body)).Want(202).ID())
	if got := counts(again); got != "done 2 0 0 2 0 0 0" {
		t.Errorf("our own export: %s", got)
	}
	f.Do("DELETE", "/v1/imports/"+id, nil).Want(202)
	if got := f.ended(id); got.Text("status") != "undone" {
		t.Errorf("undone: %v", got)
	}
	if got := f.Do("GET", "/v1/contacts", nil).Want(200).Data(); len(got) != 0 {
		t.Errorf("contacts: %v", got)
	}
	f.Do("DELETE", "/v1/imports/"+id, nil).Want(202)
	if got := f.Do("GET", "/v1/imports?kind=contacts&limit=1", nil).Want(200); got.Data()[0].ID() != again.ID() || got["next_cursor"] == nil {
		t.Errorf("list: %v", got)
	}
	f.Do("GET", "/v1/lists/99/contacts.csv", nil).Refused(404, dispatch.NotFound)
}

func TestImport_Resumed(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	i := f.send("POST", "/v1/imports?kind=contacts&map=Mobil:phone&map=x:-&update=none&default_country=DE", "", "").Want(202)
	if i.Text("status") != "uploading" || i.Text("received") != "0" {
		t.Errorf("made: %v", i)
	}
	path := "/v1/imports/" + i.ID()
	file := "Mobil,name,x\n0176 1234567,Ada,1\n"
	f.send("PUT", path+"?offset=5", "", file).Refused(409, dispatch.Conflict)
	if got := f.send("PUT", path+"?offset=0", "text/csv", file[:20]).Want(200); got.Text("received") != "20" {
		t.Errorf("put: %v", got)
	}
	f.send("PUT", path+"?offset=10", "", file[10:]).Want(200) // ten bytes again
	f.send("PUT", path+"?offset=x", "", "").Refused(422, dispatch.Invalid, "/offset")
	f.Do("POST", path+"/continue", nil).Refused(409, dispatch.Conflict)
	if got := f.Do("POST", path+"/finish", nil).Want(202); got.Text("received") != fmt.Sprint(len(file)) {
		t.Errorf("finished: %v", got)
	}
	f.Do("POST", path+"/finish", nil).Want(202)
	if got := counts(f.ended(i.ID())); got != "done 1 1 0 0 0 0 0" {
		t.Errorf("ended: %s", got)
	}
	f.send("PUT", path+"?offset=0", "", file).Refused(409, dispatch.Conflict)
	c := f.Do("GET", "/v1/contacts", nil).Want(200).Data()
	if len(c) != 1 || c[0].Text("phone") != "+491761234567" || c[0].Text("fields") != "map[]" {
		t.Errorf("contacts: %v", c)
	}
}

func TestImport_FormsAndFormats(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "people.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte(`{"phone":"+15550000100","fields":{"n":1}}` + "\n"))
	_ = w.Close()
	i := f.ended(f.send("POST", "/v1/imports?kind=audience", w.FormDataContentType(), form.String()).Want(202).ID())
	if counts(i) != "done 1 1 0 0 0 0 0" || i.Text("file") != "people.ndjson" {
		t.Errorf("form: %v", i)
	}
	s := f.ended(f.send("POST", "/v1/imports?kind=suppressions", "text/csv", "phone,scope\n+15550000100,marketing\n").Want(202).ID())
	if counts(s) != "done 1 1 0 0 0 0 0" {
		t.Errorf("suppressions: %v", s)
	}
	export := string(f.Do("GET", "/v1/suppressions.csv", nil).Body)
	if !strings.HasPrefix(export, "phone,wa_id,user_id,scope,reason,detail,created_at\n'+15550000100,,,marketing,manual,,20") {
		t.Errorf("export: %s", export)
	}
	again := f.ended(f.send("POST", "/v1/imports?kind=suppressions", "text/csv", export).Want(202).ID())
	if counts(again) != "done 1 0 0 1 0 0 0" {
		t.Errorf("again: %v", again)
	}
	failed := f.ended(f.send("POST", "/v1/imports?kind=contacts", "text/csv", "a,a\n1,2\n").Want(202).ID())
	if failed.Text("status") != "failed" || !strings.Contains(failed.Text("error"), "two columns") {
		t.Errorf("failed: %v", failed)
	}
}

func TestImport_Refused(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for query, at := range map[string]string{
		"": "/kind", "kind=x": "/kind", "kind=contacts&list=9": "/list", "kind=contacts&list=x": "/list", "kind=audience&list=1": "/list",
		"kind=audience&campaign=9": "/campaign", "kind=contacts&update=all": "/update", "kind=contacts&dry_run=maybe": "/dry_run",
	} {
		f.send("POST", "/v1/imports?"+query, "text/csv", people).Refused(422, dispatch.Invalid, at)
	}
	f.send("POST", "/v1/imports?kind=contacts", "application/pdf", people).Refused(415, dispatch.UnsupportedMedia)
	id := f.send("POST", "/v1/imports?kind=contacts", "text/csv", people).Want(202).ID()
	_, stranger := f.NewAccount("Two")
	sender := f.NewKey(f.Account.ID, "send_template")
	views := f.NewKey(f.Account.ID, "view_messages")
	f.ended(id)
	for _, path := range []string{"/v1/imports/" + id, "/v1/imports/" + id + "/errors.csv"} {
		f.As(stranger, "GET", path, nil).Refused(404, dispatch.NotFound)
		f.As(sender, "GET", path, nil).Refused(403, dispatch.Forbidden)
		f.As(views, "GET", path, nil).Refused(403, dispatch.Forbidden)
		f.As("", "GET", path, nil).Refused(401, dispatch.Unauthorized)
	}
	f.sendAs(sender, "POST", "/v1/imports?kind=contacts", "text/csv", people).Refused(403, dispatch.Forbidden)
	f.sendAs(sender, "POST", "/v1/imports?kind=audience", "text/csv", people).Want(202)
	if got := f.As(sender, "GET", "/v1/imports", nil).Want(200).Data(); len(got) != 1 || got[0].Text("kind") != "audience" {
		t.Errorf("a sender sees %v", got)
	}
	f.As(sender, "GET", "/v1/contacts.csv", nil).Refused(403, dispatch.Forbidden)
	if r := f.As(views, "GET", "/v1/contacts.csv", nil); r.Status != 200 {
		t.Errorf("a viewer's export: %d %s", r.Status, r.Body)
	}
	audit := f.Do("GET", "/v1/audit?target=import:"+id, nil).Want(200).Data()
	if len(audit) != 2 || audit[1].Text("action") != "import.create" {
		t.Errorf("audit: %v", audit)
	}
}

// A fault of a setting names it.
func TestImport_SettingAtFault_IsNamed(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for query, at := range map[string]string{
		"default_country=Germany": "/default_country", "delimiter=x": "/delimiter", "encoding=zzz": "/encoding",
		"map=name": "/map", "map=a:phone&map=b:phone": "/map", "update=x": "/update", "dry_run=yes": "/dry_run",
	} {
		f.send("POST", "/v1/imports?kind=contacts&"+query, "text/csv", "phone\n").Refused(422, dispatch.Invalid, at)
	}
	f.Do("GET", "/v1/imports?kind=people&status=ready", nil).Refused(422, dispatch.Invalid, "/kind", "/status")
	f.Do("GET", "/v1/imports?kind=audience&status=done", nil).Want(200)
	ended := f.ended(f.send("POST", "/v1/imports?kind=contacts&delimiter=;", "text/csv", "who;to,\nAda;+15550000100\n").Want(202).ID())
	if counts(ended) != "done 1 1 0 0 0 0 0" || ended.Text("delimiter") != ";" {
		t.Errorf("delimiter=;: %v", ended)
	}
}

// A suppression that is refused keeps its cells: corrected, the file can be
// uploaded.
func TestImport_SuppressionOfNoScope_KeepsItsCells(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	bad := map[string]string{
		"text/csv":             "number,scope,reason\n+15550000100,marketing,asked\n+15550000101,Everything,asked\n+15550000102,,\n",
		"application/x-ndjson": `{"number":"+15550000103","scope":"all"}` + "\n" + `{"number":"+15550000104","fields":{"scope":5}}` + "\n",
	}
	for media, want := range map[string]string{
		"text/csv": "_line,_column,_error,number,scope,reason\n3,scope,the scope must be all or marketing,'+15550000101,Everything,asked\n",
		"application/x-ndjson": "_line,_column,_error,phone,wa_id,user_id,name,time_zone,fields,_raw\n" +
			"2,scope,the scope must be all or marketing,'+15550000104,,,,,\"{\"\"scope\"\":5}\",\n",
	} {
		i := f.ended(f.send("POST", "/v1/imports?kind=suppressions", media, bad[media]).Want(202).ID())
		if i.Text("status") != "done" || i.Text("bad") != "1" {
			t.Errorf("%s: %v", media, i)
		}
		if got := string(f.Do("GET", "/v1/imports/"+i.ID()+"/errors.csv", nil).Body); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", media, got, want)
		}
	}
	i := f.ended(f.send("POST", "/v1/imports?kind=contacts", "text/csv", "phone,scope\n+15550000105,yard\n").Want(202).ID())
	if counts(i) != "done 1 1 0 0 0 0 0" {
		t.Errorf("a contact's own field: %v", i)
	}
}

// Rows for a campaign come before its launch, not too late and not unseen.
func TestImport_ForACampaign_BeforeItsLaunch(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	body := m{
		"name": "x", "type": "text", "text": m{"body": "hi"}, "start_at": "2035-01-01T10:00:00",
		"audience": m{"contacts": []m{{"to": "+15550000100"}}},
	}
	id := f.Do("POST", "/v1/campaigns", body).Want(201).ID()
	const file = "phone\n+15550000101\n"
	add := func() *apitest.Reply {
		return f.send("POST", "/v1/imports?kind=audience&campaign="+id, "text/csv", file)
	}
	i := f.ended(add().Want(202).ID()).ID()
	running := func(yes bool) {
		t.Helper()
		status := map[bool]string{true: "running", false: "done"}[yes]
		if _, err := f.DB.Exec(`UPDATE imports SET status = $2, lease_until = now() + interval '1 hour' WHERE id = $1`, i, status); err != nil {
			t.Fatal(err)
		}
	}
	running(true)
	f.Do("POST", "/v1/campaigns/"+id+"/launch", nil).Refused(422, dispatch.Invalid, "/audience/import")
	if v := f.Do("POST", "/v1/campaigns/"+id+"/validate", nil).Want(200); v.Text("ready") != "false" ||
		!strings.Contains(v.Text("problems"), "import "+i+" still adds to the audience") {
		t.Errorf("validation: %v", v)
	}
	running(false)
	f.Do("POST", "/v1/campaigns/"+id+"/launch", nil).Want(200)
	f.ended(add().Want(202).ID()) // it is scheduled
	f.Do("POST", "/v1/campaigns/"+id+"/cancel", nil).Want(200)
	add().Refused(409, dispatch.InvalidState)
	f.send("POST", "/v1/imports?kind=audience&campaign=99", "text/csv", file).Refused(422, dispatch.Invalid, "/campaign")
}
