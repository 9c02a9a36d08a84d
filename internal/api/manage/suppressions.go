package manage

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// suppressionView is a suppressed number as it is shown.
type suppressionView struct{ account.Suppression }

func (v *suppressionView) location() string { return "/v1/suppressions/" + v.Phone }

func viewSuppression(p account.Suppression) *suppressionView {
	p.CreatedAt = p.CreatedAt.UTC()
	return &suppressionView{p}
}

type suppressionList struct {
	Paging
	Search string `query:"search" maxLength:"64" doc:"The first digits of the number."`
}

type suppressionCreate struct {
	Body struct {
		Phone  string `json:"phone" required:"true" maxLength:"64"`
		Reason string `json:"reason,omitempty" maxLength:"500" doc:"Why, in your own words: kept as the detail."`
	}
}

type suppressionPath struct {
	Phone string `path:"phone" doc:"In international form."`
}

func (m *manager) suppressions() {
	s := m.s
	const tag = "Suppressions"
	handle(m, route{method: http.MethodGet, path: "/v1/suppressions", permissions: forMessages, tag: tag, summary: "List suppressed numbers", text: "In the order of the numbers."}, s.listSuppressions)
	handle(m, route{method: http.MethodPost, path: "/v1/suppressions", permissions: forManage, tag: tag, summary: "Suppress a number", text: "Nothing is sent to it from then on, not even what is waiting.", status: http.StatusCreated}, s.createSuppression)
	remove(m, route{path: "/v1/suppressions/{phone}", permissions: forManage, tag: tag, summary: "Let a number be sent to again"}, s.deleteSuppression)
}

func (s *server) listSuppressions(ctx context.Context, who *accept.Caller, in *suppressionList) (middleware.List[*suppressionView], error) {
	var none middleware.List[*suppressionView]
	after, err := in.after()
	if err != nil {
		return none, err
	}
	prefix := ""
	if digits := digitsOf(in.Search); digits != "" {
		prefix = "+" + digits
	} else if in.Search != "" {
		return middleware.List[*suppressionView]{Data: []*suppressionView{}}, nil
	}
	ps, err := s.Accounts.Suppressions(ctx, who.Account.ID, prefix, after, in.Limit+1)
	if err != nil {
		return none, err
	}
	views := make([]*suppressionView, len(ps))
	for i := range ps {
		views[i] = viewSuppression(ps[i])
	}
	return pageOf(views, in.Limit, func(v **suppressionView) string { return (*v).Phone }), nil
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func (s *server) createSuppression(ctx context.Context, who *accept.Caller, in *suppressionCreate) (*suppressionView, error) {
	var f dispatch.Faults
	number := phone(&f, "/phone", in.Body.Phone)
	if err := f.Err(); err != nil {
		return nil, err
	}
	var p account.Suppression
	err := s.change(ctx, who, func(st *account.Store) (_ account.Note, err error) {
		p, err = st.Suppress(ctx, who.Account.ID, number, "manual", in.Body.Reason)
		return account.Note{Action: "suppression.create", Target: "phone:" + number}, err
	})
	return viewSuppression(p), err
}

func (s *server) deleteSuppression(ctx context.Context, who *accept.Caller, in *suppressionPath) error {
	given, err := url.PathUnescape(in.Phone) // echo leaves %2B as it is
	if err != nil {
		return dispatch.ErrNotFound
	}
	number, err := dispatch.ParsePhone(given)
	if err != nil {
		return dispatch.ErrNotFound
	}
	return s.change(ctx, who, func(st *account.Store) (account.Note, error) {
		return account.Note{Action: "suppression.delete", Target: "phone:" + number}, st.Unsuppress(ctx, who.Account.ID, number)
	})
}
