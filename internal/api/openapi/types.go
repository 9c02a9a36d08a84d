package openapi

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/apidoc"
)

// registerTypes registers the schemas of the types of apidoc, which is free of huma.
func registerTypes(r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[apidoc.Any](), reflect.TypeFor[anyJSON]())
	r.RegisterTypeAlias(reflect.TypeFor[apidoc.Object](), reflect.TypeFor[object]())
	r.RegisterTypeAlias(reflect.TypeFor[apidoc.IDOrText](), reflect.TypeFor[idOrText]())
	r.RegisterTypeAlias(reflect.TypeFor[apidoc.Texts](), reflect.TypeFor[texts]())
	r.RegisterTypeAlias(reflect.TypeFor[apidoc.ErrorOrNull](), reflect.TypeFor[errorOrNull]())
	r.RegisterTypeAlias(reflect.TypeFor[apidoc.MessageType](), reflect.TypeFor[messageType]())
	r.RegisterTypeAlias(reflect.TypeFor[apidoc.Status](), reflect.TypeFor[status]())
}

type (
	anyJSON     struct{}
	object      struct{}
	idOrText    struct{}
	texts       struct{}
	errorOrNull struct{}
	messageType struct{}
	status      struct{}
)

// Schema returns the schema of apidoc.Any.
func (anyJSON) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// Schema returns the schema of apidoc.Object.
func (object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// Schema returns the schema of apidoc.IDOrText.
func (idOrText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeString}}}
}

// Schema returns the schema of apidoc.Texts.
func (texts) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: &huma.Schema{Type: huma.TypeString}}
}

// Schema returns the schema of apidoc.ErrorOrNull.
func (errorOrNull) Schema(huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Schema{
		Type: huma.TypeObject, Nullable: true, Required: []string{"code", "message"},
		Properties: map[string]*huma.Schema{"code": text, "provider_code": text, "message": text},
	}
}

// Schema returns the schema of apidoc.MessageType.
func (messageType) Schema(huma.Registry) *huma.Schema {
	return oneOf("text", "template", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "reaction")
}

// Schema returns the schema of apidoc.Status.
func (status) Schema(huma.Registry) *huma.Schema {
	return oneOf("scheduled", "queued", "sending", "sent", "delivered", "read", "failed", "expired", "cancelled", "unknown")
}

func oneOf(values ...any) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Enum: values} }
