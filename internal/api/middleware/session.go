package middleware

import (
	"context"
	"net/http"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// SessionCookie is the name of the cookie that holds a session's token.
const SessionCookie = "sendoff_session"

// Sessions finds the caller of a session. It returns an error with the code
// dispatch.Unauthorized if the session has ended.
type Sessions interface {
	Caller(ctx context.Context, token string) (*accept.Caller, error)
	// Recheck is Caller for a request that goes on, by a read that others share.
	Recheck(ctx context.Context, token string) (*accept.Caller, error)
	// Reading returns the context of a request that only reads for a person.
	Reading(ctx context.Context) context.Context
}

// SessionToken returns the token of a request's session, or "" if it has none.
func SessionToken(r *http.Request) string {
	c, err := r.Cookie(SessionCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// SameOrigin returns a refusal of a request that changes something and that
// another site's page made the browser send.
func (a *Auth) SameOrigin(r *http.Request) error {
	if err := a.origins.Check(r); err != nil {
		return &dispatch.Error{Code: dispatch.Forbidden, Reason: "origin", Msg: "the request comes from another site", Err: err}
	}
	return nil
}

// TrustOrigin accepts requests from pages at a public URL, in front of which a
// proxy changes the host. An URL that is none is left out.
func (a *Auth) TrustOrigin(public string) { _ = a.origins.AddTrustedOrigin(public) }

// play is a request that the dashboard's playground makes.
type play struct {
	who      *accept.Caller
	simulate bool
}

type playKey struct{}

// Play returns a context whose request is authenticated as who, whatever key it
// carries. With simulate it sends nothing.
func Play(ctx context.Context, who *accept.Caller, simulate bool) context.Context {
	return context.WithValue(ctx, playKey{}, play{who, simulate})
}

// Simulated reports whether the request of a context must not send anything.
func Simulated(ctx context.Context) bool {
	p, ok := ctx.Value(playKey{}).(play)
	return ok && p.simulate
}
