package api

import (
	"github.com/danielgtaylor/huma/v2"
)

// loose is JSON of any type, for the description.
type loose struct{}

// Schema takes anything.
func (loose) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// object is a JSON object of any fields, for the description.
type object struct{}

// Schema is an object's.
func (object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}
