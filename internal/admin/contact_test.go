package admin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
)

func newContact(phone string, lists ...int64) admin.ContactCreate {
	return admin.ContactCreate{ContactUpdate: admin.ContactUpdate{Phone: &phone}, ListIDs: lists}
}

func (f *fixture) createContact(in admin.ContactCreate) *admin.Contact {
	f.t.Helper()
	c, err := f.CreateContact(f.t.Context(), f.who, in)
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *fixture) createList(name string) *admin.List {
	f.t.Helper()
	l, err := f.CreateList(f.t.Context(), f.who, admin.ListCreate{ListUpdate: admin.ListUpdate{Name: &name}})
	if err != nil {
		f.t.Fatal(err)
	}
	return l
}

func TestContact_CreatedChangedDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	l := f.createList("a")
	c := f.createContact(newContact("+1 555 000-0101", l.ID))
	if *c.Phone != "+15550000101" || c.Name != "" || string(c.Fields) != "{}" || fmt.Sprint(c.Lists) != "[1]" ||
		c.Location() != "/v1/contacts/1" {
		t.Errorf("created %+v", c)
	}
	c, err := f.UpdateContact(t.Context(), f.who, c.ID, admin.ContactUpdate{Name: new("Ada"), Fields: new(input.Object(`{"city":"Bath"}`))})
	if err != nil || c.Name != "Ada" || !strings.Contains(string(c.Fields), "Bath") || *c.Phone != "+15550000101" {
		t.Errorf("changed %+v, %v", c, err)
	}
	f.createContact(newContact("+15550000102"))
	_, err = f.UpdateContact(t.Context(), f.who, c.ID, admin.ContactUpdate{Phone: new("+15550000102")})
	refused(t, err, dispatch.Conflict)
	_, err = f.CreateContact(t.Context(), f.who, newContact("+15550000102"))
	refused(t, err, dispatch.Conflict)
	_, err = f.Contact(t.Context(), f.stranger, c.ID)
	refused(t, err, dispatch.NotFound)
	refused(t, f.DeleteContact(t.Context(), f.stranger, c.ID), dispatch.NotFound)
	if err := f.DeleteContact(t.Context(), f.who, c.ID); err != nil {
		t.Error(err)
	}
	f.noted(
		"list.create list:1",
		"contact.create contact:1",
		"contact.update contact:1",
		"contact.create contact:2",
		"contact.delete contact:1",
	)
}

func TestContact_Faults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.CreateContact(t.Context(), f.who, admin.ContactCreate{})
	refused(t, err, dispatch.Invalid, "/phone")
	in := newContact("nobody", 1, 2)
	in.Name = new(strings.Repeat("x", 201))
	_, err = f.CreateContact(t.Context(), f.who, in)
	refused(t, err, dispatch.Invalid, "/phone", "/name", "/list_ids/0", "/list_ids/1")
	f.createContact(newContact("+15550000101"))
	_, err = f.UpdateContact(t.Context(), f.who, 1, admin.ContactUpdate{Phone: new("")})
	refused(t, err, dispatch.Invalid, "/phone")
}

func TestContacts_Filtered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	l := f.createList("a")
	for i, name := range []string{"Ada", "Bo", "Cy_"} {
		in := newContact(fmt.Sprintf("+1555000010%d", i))
		in.Name = &name
		if i == 0 {
			in.ListIDs = []int64{l.ID}
		}
		f.createContact(in)
	}
	for _, c := range []struct {
		in   admin.ContactFilter
		want int
	}{
		{admin.ContactFilter{}, 3},
		{admin.ContactFilter{Search: "a"}, 1},
		{admin.ContactFilter{Search: "_"}, 1},
		{admin.ContactFilter{Search: "%"}, 0},
		{admin.ContactFilter{Search: "+1 555 000-0102"}, 1},
		{admin.ContactFilter{List: l.ID}, 1},
		{admin.ContactFilter{List: 9}, 0},
		{admin.ContactFilter{Paging: admin.Paging{Limit: 2}}, 2},
	} {
		if p, err := f.Contacts(t.Context(), f.who, c.in); err != nil || len(p.Data) != c.want {
			t.Errorf("%+v: %d, %v", c.in, len(p.Data), err)
		}
	}
}

func TestList_Members(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	l := f.createList("a")
	f.createContact(newContact("+15550000101"))
	f.createContact(newContact("+15550000102"))
	got, err := f.AddMembers(t.Context(), f.who, l.ID, admin.Members{Contacts: []int64{1, 2, 1}})
	if err != nil || got.Members != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = f.AddMembers(t.Context(), f.who, l.ID, admin.Members{Contacts: []int64{1, 8, 9}})
	refused(t, err, dispatch.Invalid, "/contact_ids/1", "/contact_ids/2")
	_, err = f.AddMembers(t.Context(), f.who, l.ID, admin.Members{})
	refused(t, err, dispatch.Invalid, "/contact_ids")
	_, err = f.AddMembers(t.Context(), f.who, l.ID, admin.Members{Contacts: make([]int64, 10_001)})
	refused(t, err, dispatch.Invalid, "/contact_ids")
	_, err = f.AddMembers(t.Context(), f.stranger, l.ID, admin.Members{Contacts: []int64{1}})
	refused(t, err, dispatch.NotFound)
	if err := f.RemoveMember(t.Context(), f.who, l.ID, 1); err != nil {
		t.Error(err)
	}
	refused(t, f.RemoveMember(t.Context(), f.who, l.ID, 1), dispatch.NotFound)
	if got, err := f.List(t.Context(), f.who, l.ID); err != nil || got.Members != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestList_RenamedAndDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a := f.createList("a")
	f.createList("b")
	for _, name := range []string{"", "  ", strings.Repeat("x", 201)} {
		_, err := f.CreateList(t.Context(), f.who, admin.ListCreate{ListUpdate: admin.ListUpdate{Name: &name}})
		refused(t, err, dispatch.Invalid, "/name")
	}
	_, err := f.UpdateList(t.Context(), f.who, a.ID, admin.ListUpdate{Name: new("b")})
	refused(t, err, dispatch.Conflict)
	if l, err := f.UpdateList(t.Context(), f.who, a.ID, admin.ListUpdate{Name: new("c")}); err != nil || l.Name != "c" ||
		l.Location() != "/v1/lists/1" {
		t.Errorf("%+v, %v", l, err)
	}
	if p, err := f.Lists(t.Context(), f.who, admin.Paging{Limit: 1}); err != nil || len(p.Data) != 1 || p.Next == "" {
		t.Errorf("%+v, %v", p, err)
	}
	refused(t, f.DeleteList(t.Context(), f.stranger, a.ID), dispatch.NotFound)
	if err := f.DeleteList(t.Context(), f.who, a.ID); err != nil {
		t.Error(err)
	}
	_, err = f.List(t.Context(), f.who, a.ID)
	refused(t, err, dispatch.NotFound)
}

func TestSuppression_AddedFoundRemoved(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, phone := range []string{"+1 555 000-0103", "+15550000101", "+447700900123"} {
		in := admin.SuppressionCreate{Person: admin.Person{Phone: phone}, Reason: "asked by mail"}
		if p, err := f.CreateSuppression(t.Context(), f.who, in); err != nil || p.Reason != "manual" || p.Detail != "asked by mail" {
			t.Errorf("%+v, %v", p, err)
		}
	}
	for _, phone := range []string{"", "nobody"} {
		_, err := f.CreateSuppression(t.Context(), f.who, admin.SuppressionCreate{Person: admin.Person{Phone: phone}})
		refused(t, err, dispatch.Invalid, "/phone")
	}
	for search, want := range map[string]string{
		"": "+15550000101 +15550000103 +447700900123", "1555": "+15550000101 +15550000103",
		"+44": "+447700900123", "x": "",
	} {
		p, err := f.Suppressions(t.Context(), f.who, admin.SuppressionFilter{Search: search})
		var got []string
		for _, s := range p.Data {
			got = append(got, s.Phone)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v", search, got, err)
		}
	}
	first, err := f.Suppressions(t.Context(), f.who, admin.SuppressionFilter{Paging: admin.Paging{Limit: 2}})
	if err != nil || first.Next == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	if next, err := f.Suppressions(t.Context(), f.who,
		admin.SuppressionFilter{Paging: admin.Paging{Limit: 2, Cursor: first.Next}}); err != nil ||
		len(next.Data) != 1 {
		t.Errorf("%+v, %v", next, err)
	}
	refused(t, f.DeleteSuppression(t.Context(), f.stranger, "+15550000101"), dispatch.NotFound)
	refused(t, f.DeleteSuppression(t.Context(), f.who, "nobody"), dispatch.NotFound)
	if err := f.DeleteSuppression(t.Context(), f.who, "1 555 000 0101"); err != nil {
		t.Error(err)
	}
	if n := f.count("suppressions WHERE account_id = 1"); n != 2 {
		t.Errorf("%d are left", n)
	}
}
