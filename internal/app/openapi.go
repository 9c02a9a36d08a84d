package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/api"
	"github.com/sendoff/sendoff/internal/metrics"
)

// OpenAPI returns the description of the API at the address public, as indented
// JSON.
func OpenAPI(public string) ([]byte, error) {
	spec, err := api.New(api.Options{
		Specs: Specs(), Dialects: dialects(), Admin: admin.New(admin.Options{}), Observer: metrics.New(), Metrics: http.NotFoundHandler(),
		Log: slog.New(slog.DiscardHandler), PublicURL: public,
	}).OpenAPI()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, spec, "", " "); err != nil {
		return nil, fmt.Errorf("indent description: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
