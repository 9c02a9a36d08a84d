package manage

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

var _ huma.StatusError = (*middleware.Problem)(nil)

// humaProblem answers, in our one form, what a handler returned (huma hands it
// in as the single cause of a 500) and what huma itself found wrong with a
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
	middleware.Drain(c)
	middleware.SetRetryAfter(c, e)
	p := middleware.NewProblem(e)
	p.RequestID = middleware.RequestID(c)
	return p
}

// invalidRequest lists what huma found wrong with JSON pointers. The values are
// left out: one may be a secret.
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

var (
	indexStep    = regexp.MustCompile(`\[(\d+)\]`)
	missingField = regexp.MustCompile(`^expected required property (\S+) to be present$`)
)

// fault words one finding of huma's as the rest of the API does.
func fault(d *huma.ErrorDetail) dispatch.Fault {
	at := indexStep.ReplaceAllString(d.Location, ".$1")
	at = strings.TrimPrefix(strings.TrimPrefix(at, "query"), "body")
	var pointer strings.Builder
	for step := range strings.SplitSeq(strings.TrimPrefix(at, "."), ".") {
		if step != "" {
			pointer.WriteString("/" + dialect.Escape(step))
		}
	}
	f := dispatch.Fault{Field: pointer.String(), Msg: d.Message}
	if m := missingField.FindStringSubmatch(d.Message); m != nil {
		return dispatch.Fault{Field: f.Field + "/" + dialect.Escape(m[1]), Msg: "is required"}
	}
	if d.Message == "unexpected property" {
		f.Msg = "unknown field"
	}
	return f
}
