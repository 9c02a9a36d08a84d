package dashboard

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/api/manage"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	users "github.com/sendoff/sendoff/internal/store/session"
)

// signInBody is the input of POST /v1/session.
type signInBody struct {
	Email    string `json:"email" maxLength:"254"`
	Password string `json:"password" maxLength:"200"`
}

// Required lists the required fields.
func (*signInBody) Required() []string { return []string{"email", "password"} }

// sessionBody is who is signed in.
type sessionBody struct {
	User    *userBody   `json:"user" doc:"Null for an API key."`
	Account accountBody `json:"account"`
	Role    string      `json:"role" doc:"owner, admin, sender or viewer; key for an API key."`
	Can     []string    `json:"can" doc:"The permissions."`
}

type userBody struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Role  string `json:"role"`
}

type accountBody struct {
	ID   int64  `json:"id"`
	SID  string `json:"sid"`
	Name string `json:"name"`
}

func newSessionBody(who *accept.Caller) sessionBody {
	b := sessionBody{
		Account: accountBody{who.Account.ID, who.Account.SID, who.Account.Name}, Role: "key", Can: who.Permissions.Names(),
	}
	if u := who.User; u != nil {
		b.Role, b.User = string(u.Role), &userBody{u.ID, u.Name, u.Email, string(u.Role)}
	}
	return b
}

// signIn begins a session.
func (h *Handler) signIn(c echo.Context) error {
	if err := h.available(c); err != nil {
		return err
	}
	in, err := decode[signInBody](c)
	if err != nil {
		return err
	}
	token, u, err := h.Sessions.SignIn(c.Request().Context(), in.Email, in.Password, clientAddress(c.Request()))
	if err != nil {
		return readable(err)
	}
	return h.begun(c, token, u)
}

// available returns a refusal of a request from another site, or where there is no
// dashboard.
func (h *Handler) available(c echo.Context) error {
	if h.Sessions == nil {
		return dispatch.ErrNotFound
	}
	return h.auth.SameOrigin(c.Request())
}

// begun answers the beginning of a session.
func (h *Handler) begun(c echo.Context, token string, u users.User) error {
	h.setCookie(c, token, 0)
	role := auth.Role(u.Role)
	a, err := h.Accounts.Account(c.Request().Context(), u.Account)
	if err != nil {
		return middleware.Unavailable(err)
	}
	who := &accept.Caller{Account: a, Permissions: role.Permissions(), User: &accept.User{ID: u.ID, Name: u.Name, Email: u.Email, Role: role}}
	return c.JSON(http.StatusOK, newSessionBody(who))
}

// setCookie sets the session's cookie; maxAge is in seconds, zero until the
// browser ends.
func (h *Handler) setCookie(c echo.Context, token string, maxAge int) {
	c.Response().Header().Set("Cache-Control", "no-store")
	c.SetCookie(&http.Cookie{
		Name: middleware.SessionCookie, Value: token, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: c.Request().TLS != nil || strings.HasPrefix(h.PublicURL, "https://"),
	})
}

// session returns who is signed in.
func (h *Handler) session(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, newSessionBody(middleware.Caller(c)))
}

// login returns what the sign-in page is filled in with, on a developer's machine.
func (h *Handler) login(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if h.Login == nil || !local(c.Request()) || h.auth.SameOrigin(c.Request()) != nil {
		return c.JSON(http.StatusOK, Login{})
	}
	return c.JSON(http.StatusOK, h.Login)
}

// signOut ends the session.
func (h *Handler) signOut(c echo.Context) error {
	if err := h.available(c); err != nil {
		return err
	}
	if token := middleware.SessionToken(c.Request()); token != "" {
		if err := h.Sessions.SignOut(c.Request().Context(), token); err != nil {
			return readable(err)
		}
	}
	h.setCookie(c, "", -1)
	return c.NoContent(http.StatusNoContent)
}

// passwordBody is the input of POST /v1/session/password.
type passwordBody struct {
	Current string `json:"current_password" maxLength:"200"`
	New     string `json:"new_password" minLength:"10" maxLength:"200"`
}

// Required lists the required fields.
func (*passwordBody) Required() []string { return []string{"current_password", "new_password"} }

// password changes the password of the signed-in user.
func (h *Handler) password(c echo.Context) error {
	if err := signedIn(c); err != nil {
		return err
	}
	in, err := decode[passwordBody](c)
	if err != nil {
		return err
	}
	if err := h.Sessions.ChangePassword(c.Request().Context(), middleware.SessionToken(c.Request()), in.Current, in.New); err != nil {
		return readable(err)
	}
	return c.NoContent(http.StatusNoContent)
}

// signedIn returns a refusal of an API key.
func signedIn(c echo.Context) error {
	if middleware.Caller(c).User != nil {
		return nil
	}
	return &dispatch.Error{Code: dispatch.Forbidden, Reason: "session", Msg: "this is for signed-in users, not for API keys"}
}

// inviteBody is the input of POST /v1/invitations.
type inviteBody struct {
	User  string  `json:"user_id,omitempty" maxLength:"64" doc:"A user who exists; else name and email of a new one."`
	Name  *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Email *string `json:"email,omitempty" minLength:"1" maxLength:"254"`
	Role  *string `json:"role,omitempty" enum:"owner,admin,sender,viewer" doc:"sender if left out."`
}

// invitationBody is an invitation.
type invitationBody struct {
	User      *admin.User `json:"user"`
	URL       string      `json:"url" doc:"The one-time link. Only in this answer."`
	ExpiresAt time.Time   `json:"expires_at"`
}

// invite creates a user, unless one is named, and a link for the first sign-in.
func (h *Handler) invite(c echo.Context) error {
	who := middleware.Caller(c)
	if err := h.mayInvite(c, who); err != nil {
		return err
	}
	in, err := decode[inviteBody](c)
	if err != nil {
		return err
	}
	actor := manage.Actor(who)
	var u *admin.User
	if in.User != "" {
		u, err = h.Admin.Invited(c.Request().Context(), actor, in.User)
	} else {
		u, err = h.Admin.CreateUser(c.Request().Context(), actor, admin.UserCreate{Name: in.Name, Email: in.Email, Role: in.Role})
	}
	if err != nil {
		return err
	}
	token, until, err := h.Sessions.Invite(c.Request().Context(), u.ID)
	if err != nil {
		return readable(err)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusCreated, invitationBody{u, h.PublicURL + "/sign-in#invitation=" + token, until})
}

func (h *Handler) mayInvite(c echo.Context, who *accept.Caller) error {
	if h.Sessions == nil {
		return dispatch.ErrNotFound
	}
	if err := h.limits.Spend(c, who, 1, true); err != nil {
		return err
	}
	if err := who.Require("manage"); err != nil {
		return err
	}
	return who.RequireData(false)
}

// acceptBody is the input of POST /v1/invitations/accept.
type acceptBody struct {
	Token    string `json:"token" maxLength:"200"`
	Password string `json:"password" minLength:"10" maxLength:"200"`
}

// Required lists the required fields.
func (*acceptBody) Required() []string { return []string{"token", "password"} }

// accept uses an invitation up and begins a session.
func (h *Handler) accept(c echo.Context) error {
	if err := h.available(c); err != nil {
		return err
	}
	in, err := decode[acceptBody](c)
	if err != nil {
		return err
	}
	token, u, err := h.Sessions.Accept(c.Request().Context(), in.Token, in.Password)
	if err != nil {
		return readable(err)
	}
	return h.begun(c, token, u)
}
