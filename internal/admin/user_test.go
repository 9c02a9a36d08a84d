package admin_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
)

func newUser(name, email string) admin.UserCreate {
	return admin.UserCreate{Name: &name, Email: &email}
}

func TestCreateUser_Defaults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	u, err := f.CreateUser(t.Context(), f.who, newUser("Ada", "Ada@Example.com"))
	if err != nil || u.Role != "sender" || u.Email != "ada@example.com" || u.CanLogin || u.Disabled || u.Location() != "/v1/users/"+u.ID {
		t.Errorf("%+v, %v", u, err)
	}
	in := newUser("Bo", "bo@example.com")
	in.Password, in.Role = new("ten letters"), new("owner")
	u, err = f.CreateUser(t.Context(), f.who, in)
	if err != nil || !u.CanLogin || u.Role != "owner" {
		t.Errorf("%+v, %v", u, err)
	}
	var hash string
	if err := f.db.QueryRow(`SELECT password_hash FROM users WHERE email = 'bo@example.com'`).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	if right, err := auth.VerifyPassword(t.Context(), hash, "ten letters"); !right || err != nil {
		t.Errorf("the password is not what was given: %v", err)
	}
	if n := f.count(`audit_log WHERE detail::text LIKE '%ten letters%' OR detail::text LIKE '%argon2%'`); n != 0 {
		t.Error("the audit log contains the password")
	}
}

func TestUser_Faults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.CreateUser(t.Context(), f.who, admin.UserCreate{})
	refused(t, err, dispatch.Invalid, "/name", "/email")
	u, err := f.CreateUser(t.Context(), f.who, newUser("Ada", "ada@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.CreateUser(t.Context(), f.who, newUser("Ada", "ADA@example.com"))
	refused(t, err, dispatch.Conflict)
	if !strings.Contains(err.Error(), "a user with this e-mail address exists already") {
		t.Error(err)
	}
	_, err = f.CreateUser(t.Context(), f.stranger, newUser("Ada", "ada@example.com"))
	refused(t, err, dispatch.Invalid, "/email") // does not learn whose it is
	for at, in := range map[string]admin.UserUpdate{
		"/name":     {Name: new("")},
		"/email":    {Email: new("Ada <ada@example.com>")},
		"/role":     {Role: new("king")},
		"/password": {Password: new("short")},
	} {
		_, err := f.UpdateUser(t.Context(), f.who, u.ID, in)
		refused(t, err, dispatch.Invalid, at)
	}
	for _, id := range []string{"", "x", uuid.NewString()} {
		_, err = f.User(t.Context(), f.who, id)
		refused(t, err, dispatch.NotFound)
		refused(t, f.DeleteUser(t.Context(), f.who, id), dispatch.NotFound)
	}
	_, err = f.UpdateUser(t.Context(), f.stranger, u.ID, admin.UserUpdate{Name: new("x")})
	refused(t, err, dispatch.NotFound)
}

func TestUser_LastOwner_Stays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := newUser("Ada", "ada@example.com")
	in.Role = new("owner")
	ada, err := f.CreateUser(t.Context(), f.who, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []admin.UserUpdate{{Role: new("admin")}, {Disabled: new(true)}} {
		_, err := f.UpdateUser(t.Context(), f.who, ada.ID, change)
		refused(t, err, dispatch.Conflict)
	}
	refused(t, f.DeleteUser(t.Context(), f.who, ada.ID), dispatch.Conflict)
	bo, err := f.CreateUser(t.Context(), f.who, newUser("Bo", "bo@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []admin.UserUpdate{{Role: new("owner")}, {Disabled: new(true)}, {Disabled: new(false)}} {
		if _, err := f.UpdateUser(t.Context(), f.who, bo.ID, change); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.DeleteUser(t.Context(), f.who, ada.ID); err != nil {
		t.Error(err)
	}
	f.noted(
		"user.create user:"+ada.ID,
		"user.create user:"+bo.ID,
		"user.update user:"+bo.ID,
		"user.disable user:"+bo.ID,
		"user.enable user:"+bo.ID,
		"user.delete user:"+ada.ID,
	)
}

func TestUsers_ArePagedInTheirOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range []string{"a", "b", "c"} {
		if _, err := f.CreateUser(t.Context(), f.who, newUser(name, name+"@example.com")); err != nil {
			t.Fatal(err)
		}
	}
	first, err := f.Users(t.Context(), f.who, admin.Paging{Limit: 2})
	if err != nil || len(first.Data) != 2 || first.Next == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := f.Users(t.Context(), f.who, admin.Paging{Limit: 2, Cursor: first.Next})
	if err != nil || len(second.Data) != 1 || second.Data[0].Name != "c" || second.Next != "" {
		t.Errorf("%+v, %v", second, err)
	}
}
