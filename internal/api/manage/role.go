package manage

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/webhook"
)

// audience are the resources that users with the role sender may change.
var audience = []string{"/v1/contacts", "/v1/lists", "/v1/campaigns", "/v1/imports"}

// RoleMay reports whether the role of a signed-in user allows what its permissions
// do not: everybody of a team may look, except at secrets, and senders work with
// contacts and campaigns.
func RoleMay(c echo.Context, who *accept.Caller) bool {
	if who.User == nil {
		return false
	}
	if c.Request().Method == http.MethodGet {
		return who.Permissions.Has(auth.ViewMessages) && c.Path() != "/v1/webhooks"+webhook.TokenPath
	}
	return who.User.Role == auth.Sender && slices.ContainsFunc(audience, func(path string) bool {
		return c.Path() == path || strings.HasPrefix(c.Path(), path+"/")
	})
}
