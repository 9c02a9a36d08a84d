package app

import (
	"log/slog"
	"net/http"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/api"
	"github.com/sendoff/sendoff/internal/metrics"
)

// OpenAPI returns the description of the API at the address public. It needs no
// server.
func OpenAPI(public string) ([]byte, error) {
	return api.New(api.Options{
		Specs: Specs(), Dialects: dialects(), Admin: admin.New(admin.Options{}), Observer: metrics.New(), Metrics: http.NotFoundHandler(),
		Log: slog.New(slog.DiscardHandler), PublicURL: public,
	}).OpenAPI()
}
