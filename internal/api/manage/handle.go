package manage

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// route describes an administrative operation.
type route struct {
	path        string // in huma's syntax: /v1/keys/{id}
	permissions []string
	tag         string
	summary     string
	text        string // further description
}

// The permissions of which a key needs one.
var (
	forManage    = []string{"manage"}
	forCredits   = []string{"credits"}
	forBalance   = []string{"manage", "credits"}
	forCampaigns = []string{"manage", "send_template"}
	forMessages  = []string{"manage", "view_messages"}
	forTemplates = []string{"manage", "view_templates"}
)

// operation returns the huma operation of a route. Bodies are checked by package
// admin, not by huma.
func (r *route) operation(method string, status int) huma.Operation {
	id := strings.ToLower(method) + strings.NewReplacer("/v1", "", "/", "-", "{", "", "}", "").Replace(r.path)
	return huma.Operation{
		OperationID: id, Method: method, Path: r.path, Tags: []string{r.tag}, Summary: r.summary, Description: r.text, DefaultStatus: status,
		Security: []map[string][]string{{"bearer": {}}, {"api_key": {}}}, Metadata: map[string]any{permissionsKey: r.permissions},
		MaxBodyBytes: middleware.MaxBody + 1, SkipValidateBody: true, RequestBody: exampleBody(method, r.path),
		Errors: refusals(method, r.path),
	}
}

// refusals returns the statuses of the problems that a route may answer with.
func refusals(method, path string) []int {
	of := []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
	}
	if strings.Contains(path, "{") {
		of = append(of, http.StatusNotFound)
	}
	if method != http.MethodGet {
		of = append(of, http.StatusConflict)
	}
	if method != http.MethodGet && method != http.MethodDelete {
		of = append(of, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return append(of, http.StatusServiceUnavailable)
}

// body is a JSON body, which package admin decodes and checks.
type body[T any] struct {
	In     T               `json:"-"`
	Faults dispatch.Faults `json:"-"`
}

// UnmarshalJSON keeps the faults of the body for with.
func (b *body[T]) UnmarshalJSON(raw []byte) error {
	b.Faults = input.Decode(raw, &b.In)
	return nil
}

// with calls f with the decoded body b, the zero value of one that was left out.
func with[B, O any](b *body[B], who admin.Actor, f func(admin.Actor, B) (O, error)) (O, error) {
	if b == nil {
		b = new(body[B])
	}
	return admin.Probe(who, b.Faults, func(who admin.Actor) (O, error) { return f(who, b.In) })
}

// IDPath is a path with the id of a record.
type IDPath struct {
	ID int64 `path:"id" minimum:"1"`
}

// The inputs of routes.
type (
	createIn[B any] struct{ Body body[B] }
	updateIn[B any] struct {
		IDPath
		Body body[B]
	}
	actionIn[B any] struct {
		IDPath
		Body *body[B] // may be left out
	}
)

// answer is what huma writes of a result.
type answer[T any] struct {
	Location string `header:"Location"`
	Body     T
}

// located is a result with a path of its own.
type located interface{ Location() string }

// handle serves a route with a body in the answer.
func handle[I, O any](m *manager, method string, status int, r route, f func(context.Context, admin.Actor, *I) (O, error)) {
	huma.Register(m.api, r.operation(method, status), func(ctx context.Context, in *I) (*answer[O], error) {
		cl := ctx.Value(callKey{}).(*call)
		out, err := f(started(ctx, cl.c), cl.actor(), in)
		if err != nil {
			return nil, m.failed(cl.c, err)
		}
		a := &answer[O]{Body: out}
		if l, ok := any(out).(located); ok && (status == http.StatusCreated || status == http.StatusAccepted) {
			a.Location = l.Location()
		}
		return a, nil
	})
}

// remove serves a DELETE route.
func remove[I any](m *manager, r route, f func(context.Context, admin.Actor, *I) error) {
	huma.Register(m.api, r.operation(http.MethodDelete, http.StatusNoContent), func(ctx context.Context, in *I) (*struct{}, error) {
		cl := ctx.Value(callKey{}).(*call)
		if err := f(started(ctx, cl.c), cl.actor(), in); err != nil {
			return nil, m.failed(cl.c, err)
		}
		return nil, nil
	})
}

// list serves the route of a list, which F selects from.
func list[F, O any](m *manager, r route, f func(context.Context, admin.Actor, F) (O, error)) {
	handle(m, http.MethodGet, http.StatusOK, r, func(ctx context.Context, who admin.Actor, in *F) (O, error) { return f(ctx, who, *in) })
}

// get serves the route of one record, or of the account's only one.
func get[O any](m *manager, r route, f func(context.Context, admin.Actor, int64) (O, error)) {
	handle(m, http.MethodGet, http.StatusOK, r, func(ctx context.Context, who admin.Actor, in *IDPath) (O, error) {
		return f(ctx, who, in.ID)
	})
}

// only serves the route of something that an account has once.
func only[O any](m *manager, r route, f func(context.Context, admin.Actor) (O, error)) {
	handle(m, http.MethodGet, http.StatusOK, r, func(ctx context.Context, who admin.Actor, _ *struct{}) (O, error) { return f(ctx, who) })
}

// create serves a POST route with a body.
func create[B, O any](m *manager, status int, r route, f func(context.Context, admin.Actor, B) (O, error)) {
	handle(m, http.MethodPost, status, r, func(ctx context.Context, who admin.Actor, in *createIn[B]) (O, error) {
		return with(&in.Body, who, func(who admin.Actor, b B) (O, error) { return f(ctx, who, b) })
	})
}

// update serves a route that changes a record.
func update[B, O any](m *manager, method string, r route, f func(context.Context, admin.Actor, int64, B) (O, error)) {
	handle(m, method, http.StatusOK, r, func(ctx context.Context, who admin.Actor, in *updateIn[B]) (O, error) {
		return with(&in.Body, who, func(who admin.Actor, b B) (O, error) { return f(ctx, who, in.ID, b) })
	})
}

// updateOnly serves the PATCH route of something that an account has once.
func updateOnly[B, O any](m *manager, r route, f func(context.Context, admin.Actor, B) (O, error)) {
	handle(m, http.MethodPatch, http.StatusOK, r, func(ctx context.Context, who admin.Actor, in *createIn[B]) (O, error) {
		return with(&in.Body, who, func(who admin.Actor, b B) (O, error) { return f(ctx, who, b) })
	})
}

// action serves a POST route on a record whose body may be left out.
func action[B, O any](m *manager, status int, r route, f func(context.Context, admin.Actor, int64, B) (O, error)) {
	handle(m, http.MethodPost, status, r, func(ctx context.Context, who admin.Actor, in *actionIn[B]) (O, error) {
		return with(in.Body, who, func(who admin.Actor, b B) (O, error) { return f(ctx, who, in.ID, b) })
	})
}

// act serves a POST route on a record that takes no body.
func act[O any](m *manager, status int, r route, f func(context.Context, admin.Actor, int64) (O, error)) {
	handle(m, http.MethodPost, status, r, func(ctx context.Context, who admin.Actor, in *IDPath) (O, error) { return f(ctx, who, in.ID) })
}

// drop serves the DELETE route of a record.
func drop(m *manager, r route, f func(context.Context, admin.Actor, int64) error) {
	remove(m, r, func(ctx context.Context, who admin.Actor, in *IDPath) error { return f(ctx, who, in.ID) })
}
