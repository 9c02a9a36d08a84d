package manage

import (
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
)

var _ huma.StatusError = (*middleware.Problem)(nil)

// humaProblem returns the problem for an error of a handler, which huma passes
// as the single cause of a 500, or for what huma itself found wrong with a
// request.
func humaProblem(hc huma.Context, status int, msg string, errs ...error) huma.StatusError {
	var e *dispatch.Error
	switch {
	case status == http.StatusInternalServerError && len(errs) == 1:
		e = dispatch.AsError(errs[0])
	case status == http.StatusRequestEntityTooLarge:
		e = dispatch.Errorf(dispatch.TooLarge, "the body is larger than %d bytes", middleware.MaxBody)
	case status == http.StatusBadRequest:
		e = dispatch.Errorf(dispatch.Malformed, "%s", msg)
	default:
		e = invalidRequest(errs)
	}
	if hc == nil {
		return middleware.NewProblem(e)
	}
	c := humaecho.Unwrap(hc)
	middleware.Failed(c, e)
	middleware.Drain(c)
	middleware.SetRetryAfter(c, e)
	p := middleware.NewProblem(e)
	p.RequestID = middleware.RequestID(c)
	return p
}

// invalidRequest returns what huma found wrong with the parameters of a request,
// without their values.
func invalidRequest(errs []error) *dispatch.Error {
	var faults dispatch.Faults
	for _, err := range errs {
		d, ok := errors.AsType[*huma.ErrorDetail](err)
		switch {
		case !ok:
			faults.Add("", "is not valid")
		case strings.HasPrefix(d.Location, "path."):
			return &dispatch.Error{Code: dispatch.NotFound, Msg: "not found"}
		default:
			faults = append(faults, fault(d))
		}
	}
	e := dispatch.AsError(faults.Err())
	if len(faults) == 0 {
		e = dispatch.Errorf(dispatch.Invalid, "the request is not valid")
	}
	return e
}

// fault words a finding of huma's about a query parameter.
func fault(d *huma.ErrorDetail) dispatch.Fault {
	return dispatch.Fault{Field: strings.ReplaceAll(strings.TrimPrefix(d.Location, "query"), ".", "/"), Msg: d.Message}
}
