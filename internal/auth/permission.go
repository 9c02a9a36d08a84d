package auth

import (
	"fmt"
	"strings"
)

// Permissions is a set of permissions; each constant is a set of one.
type Permissions uint8

// The permissions. The bits live only in the process: in the API and
// in the database a permission is its name.
const (
	SendTemplate  Permissions = 1 << iota // templates
	SendText                              // text, interactive, location, contacts, reaction
	SendMedia                             // image, video, audio, document, sticker
	ViewTemplates                         //
	ViewMessages                          //
	Manage                                // administration
	Credits                               // topping up, and turning charging on or off
)

// permissionNames are in the order of the bits.
var permissionNames = [...]string{"send_template", "send_text", "send_media", "view_templates", "view_messages", "manage", "credits"}

const (
	viewing        = ViewTemplates | ViewMessages
	Sending        = SendTemplate | SendText | SendMedia
	AllPermissions = Sending | viewing | Manage | Credits
)

// ParsePermissions makes a set of names. An unknown name is an error: a key
// must never silently have less, or more, than was asked for.
func ParsePermissions(names []string) (Permissions, error) {
	var set Permissions
	for _, name := range names {
		p := PermissionNamed(name)
		if p == 0 {
			return 0, fmt.Errorf("unknown permission %q (use %s)", name, strings.Join(permissionNames[:], ", "))
		}
		set |= p
	}
	return set, nil
}

// PermissionNamed finds one permission; 0 when there is none of that name.
func PermissionNamed(name string) Permissions {
	for i, n := range permissionNames {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// Has reports whether every permission of want is in the set. Nothing at all is
// never had, so that a misspelled permission opens no door.
func (p Permissions) Has(want Permissions) bool { return want != 0 && p&want == want }

// Names lists the set in a fixed order.
func (p Permissions) Names() []string {
	names := make([]string, 0, len(permissionNames))
	for i, n := range permissionNames {
		if p&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

// String returns the names, for logs and messages.
func (p Permissions) String() string { return strings.Join(p.Names(), ", ") }

// Role is what a dashboard user is.
type Role string

// The roles, most powerful first. An owner can do what an admin can, and alone
// may make or remove owners: that is decided by the role.
const (
	Owner  Role = "owner"
	Admin  Role = "admin"
	Sender Role = "sender"
	Viewer Role = "viewer"
)

// Roles lists every role, most powerful first.
var Roles = []Role{Owner, Admin, Sender, Viewer}

// Permissions is what the role may do; an unknown role nothing.
func (r Role) Permissions() Permissions {
	switch r {
	case Owner, Admin:
		return AllPermissions
	case Sender:
		return Sending | viewing
	case Viewer:
		return viewing
	}
	return 0
}
