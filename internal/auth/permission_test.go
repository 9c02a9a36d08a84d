package auth

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestPermissions_RoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		set := Permissions(rapid.Uint8Max(uint8(AllPermissions)).Draw(rt, "set"))
		got, err := ParsePermissions(set.Names())
		if err != nil || got != set {
			rt.Errorf("%v came back as %v, %v", set, got, err)
		}
	})
}

func TestParsePermissions_UnknownName_IsNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "send", "SEND_TEXT", "manage "} {
		if _, err := ParsePermissions([]string{"send_text", name}); err == nil || !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestHas(t *testing.T) {
	t.Parallel()
	set := SendText | ViewMessages
	for want, has := range map[Permissions]bool{
		SendText: true, SendText | ViewMessages: true, SendMedia: false, SendText | SendMedia: false, 0: false,
	} {
		if set.Has(want) != has {
			t.Errorf("%v has %v: %t", set, want, !has)
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	want := map[Role]string{
		Owner:    "send_template, send_text, send_media, view_templates, view_messages, manage, credits",
		Admin:    "send_template, send_text, send_media, view_templates, view_messages, manage, credits",
		Sender:   "send_template, send_text, send_media, view_templates, view_messages",
		Viewer:   "view_templates, view_messages",
		"intern": "",
	}
	for role, names := range want {
		if got := role.Permissions().String(); got != names {
			t.Errorf("%s: %s", role, got)
		}
		if slices.Contains(Roles, role) != (names != "") {
			t.Errorf("%s: wrong in Roles", role)
		}
	}
}

// Every permission that a message may need has a bit here.
func TestPermissionNamed_KnowsTheDomain(t *testing.T) {
	t.Parallel()
	for typ, want := range map[dispatch.Type]Permissions{
		"text": SendText, "template": SendTemplate, "image": SendMedia, "reaction": SendText,
		"sticker": SendMedia,
	} {
		if got := PermissionNamed(typ.Permission()); got != want {
			t.Errorf("%s needs %v, want %v", typ, got, want)
		}
	}
}
