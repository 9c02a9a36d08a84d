package imports_test

import (
	"strings"
	"testing"
)

// Files that we write read back to the same data, whatever is in it, and no cell
// is a formula to a spreadsheet.
func TestExport_ReadsBackToTheSame(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	list := f.Do("POST", "/v1/lists", m{"name": "All"}).Want(201).ID()
	for _, c := range []m{
		{
			"phone": "+4915112345671", "name": `=HYPERLINK("http://x","y")`, "time_zone": "Asia/Kolkata",
			"fields": m{"order": "-5", "note": "a;b,c\"d\ne"},
		},
		{"phone": "+4915112345672", "name": "'=quoted", "fields": m{"order": "''twice", "note": "@here", "n": 5, "vip": true}},
		{"phone": "+4915112345673", "wa_id": "4915112345674", "name": "ألفا \u202e Ω", "fields": m{"order": "\ttab", "note": " spaces "}},
		{"user_id": "DE.2000123", "name": "+1", "fields": m{"order": "007", "note": "1,50"}},
	} {
		id := f.Do("POST", "/v1/contacts", c).Want(201).ID()
		f.Do("POST", "/v1/lists/"+list+"/members", `{"contact_ids":[`+id+`]}`).Want(200)
	}
	for _, s := range []m{
		{"phone": "+4915112345675", "reason": "=1+1"}, {"phone": "+4915112345676", "scope": "marketing"}, {"user_id": "DE.2000124"},
	} {
		f.Do("POST", "/v1/suppressions", s).Want(201)
	}
	for kind, path := range map[string]string{
		"contacts&list=" + list: "/v1/lists/" + list + "/contacts.csv", "contacts": "/v1/contacts.csv", "suppressions": "/v1/suppressions.csv",
	} {
		export := string(f.Do("GET", path, nil).Body)
		for record := range strings.SplitSeq(export, "\n") {
			for cell := range strings.SplitSeq(record, ",") {
				if c := strings.TrimLeft(cell, `"`); c != "" && strings.ContainsAny(c[:1], "=+-@\t\r") {
					t.Errorf("%s: a spreadsheet runs %q", path, cell)
				}
			}
		}
		i := f.ended(f.send("POST", "/v1/imports?kind="+kind, "text/csv", export).Want(202).ID())
		if i.Text("status") != "done" || i.Text("unchanged") != i.Text("lines") || i.Text("lines") == "0" {
			t.Errorf("%s changes what it was written from: %s, from %q, bad %s", path, counts(i), export,
				f.Do("GET", "/v1/imports/"+i.ID()+"/errors.csv", nil).Body)
		}
		if again := string(f.Do("GET", path, nil).Body); again != export {
			t.Errorf("%s is %q, was %q", path, again, export)
		}
	}
	export := string(f.Do("GET", "/v1/contacts.csv", nil).Body)
	for _, c := range f.Do("GET", "/v1/contacts", nil).Want(200).Data() {
		f.Do("DELETE", "/v1/contacts/"+c.ID(), nil).Want(204)
	}
	if i := f.ended(f.send("POST", "/v1/imports?kind=contacts", "text/csv", export).Want(202).ID()); counts(i) != "done 4 4 0 0 0 0 0" {
		t.Errorf("into an empty account: %s", counts(i))
	}
	if again := string(f.Do("GET", "/v1/contacts.csv", nil).Body); again != export {
		t.Errorf("from an empty account: %q, want %q", again, export)
	}
}
