package provider

import (
	"context"
	"io"
	"net/url"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
)

// Passer is a Provider whose vendor serves more than messages under the same
// credentials, such as media.
type Passer interface {
	// Pass makes a call with the channel's credentials. The answer is a JSON object
	// without secrets of the channel. Its error is an *Error.
	Pass(ctx context.Context, ch *dispatch.Channel, c Call) (outbound.Response, error)
}

// Call is a call of a vendor's API that a client asked for.
type Call struct {
	Method, Path string // the path begins with a slash
	Query        url.Values
	ContentType  string
	Body         io.Reader // nil for none
	Length       int64     // of Body in bytes; -1: not known
}
