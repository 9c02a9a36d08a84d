package app

import (
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dialect/aisoule"
	"github.com/sendoff/sendoff/internal/dialect/external"
	"github.com/sendoff/sendoff/internal/dialect/kaleyra"
	"github.com/sendoff/sendoff/internal/dialect/metaapi"
	"github.com/sendoff/sendoff/internal/dialect/socialone"
	"github.com/sendoff/sendoff/internal/dialect/sociocs"
	"github.com/sendoff/sendoff/internal/dialect/twilioapi"
)

// dialects is the list of formats that the front door accepts besides its own.
func dialects() []dialect.Dialect {
	return []dialect.Dialect{socialone.New(), external.New(), aisoule.New(), sociocs.New(), kaleyra.New(), metaapi.New(), twilioapi.New()}
}
