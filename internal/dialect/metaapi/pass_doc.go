package metaapi

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
)

// The requests and answers of what is passed on are Meta's own. The names of the
// types are the names of the schemas.
type (
	metaUpload struct {
		Product string `json:"messaging_product" required:"true" enum:"whatsapp"`
		File    string `json:"file" required:"true" format:"binary"`
		Type    string `json:"type,omitempty" doc:"The media type of the file."`
	}
	metaCreated struct {
		ID       string `json:"id" required:"true"`
		Status   string `json:"status,omitempty" doc:"Of a template."`
		Category string `json:"category,omitempty" doc:"Of a template."`
	}
	metaDone struct {
		Success bool `json:"success" required:"true"`
	}
	metaObject struct {
		ID       string `json:"id" required:"true"`
		Product  string `json:"messaging_product,omitempty"`
		URL      string `json:"url,omitempty" doc:"Of media: the address of the file at Meta, valid for five minutes."`
		MimeType string `json:"mime_type,omitempty"`
		SHA256   string `json:"sha256,omitempty"`
		Size     any    `json:"file_size,omitempty"`
		Number   string `json:"display_phone_number,omitempty" doc:"Of a phone number."`
		Name     string `json:"verified_name,omitempty"`
		Quality  string `json:"quality_rating,omitempty"`
	}
	metaList struct {
		Data   []any          `json:"data" required:"true" nullable:"false"`
		Paging map[string]any `json:"paging,omitempty"`
	}
	metaTemplateCreate struct {
		_          struct{} `additionalProperties:"true"`
		Name       string   `json:"name" required:"true"`
		Language   string   `json:"language" required:"true"`
		Category   string   `json:"category" required:"true"`
		Components []any    `json:"components" required:"true" nullable:"false"`
	}
	metaProfile struct {
		_       struct{} `additionalProperties:"true"`
		Product string   `json:"messaging_product" required:"true" enum:"whatsapp"`
		About   string   `json:"about,omitempty"`
	}
)

const (
	exampleCreated = `{"id":"1037543291543636"}`
	exampleDone    = `{"success":true}`
	exampleMedia   = `{"messaging_product":"whatsapp","url":"https://lookaside.fbsbx.com/...","mime_type":"image/png","sha256":"...",` +
		`"file_size":"303833","id":"1037543291543636"}`
	exampleList = `{"data":[{"id":"594425479261596","name":"hello_world","language":"en","status":"APPROVED","category":"UTILITY"}],` +
		`"paging":{"cursors":{}}}`
	exampleTemplate = `{"name":"hello_world","language":"en","category":"UTILITY","components":[{"type":"BODY","text":"Hello"}]}`
	exampleNumbers  = `{"data":[{"id":"106540352242922","display_phone_number":"+1 555-000-2222","quality_rating":"GREEN"}]}`
	exampleProfile  = `{"data":[{"about":"Open","messaging_product":"whatsapp"}]}`
	exampleAbout    = `{"messaging_product":"whatsapp","about":"Open"}`
	exampleUpload   = `{"messaging_product":"whatsapp","type":"image/png","file":"..."}`
)

var (
	uploadDoc = dialect.RouteDoc{
		Summary: "upload media", Request: apidoc.Request{Type: metaUpload{}, Media: "multipart/form-data", Examples: []string{exampleUpload}},
		Status: http.StatusOK, Reply: apidoc.Response{Type: metaCreated{}, Example: exampleCreated},
	}
	objectDoc         = passDoc("read media, a phone number or an account", metaObject{}, exampleMedia)
	deleteDoc         = passDoc("delete media", metaDone{}, exampleDone)
	templatesDoc      = passDoc("list Meta's templates", metaList{}, exampleList)
	createTemplateDoc = takes(passDoc("create a template at Meta", metaCreated{}, exampleCreated), metaTemplateCreate{}, exampleTemplate)
	deleteTemplateDoc = passDoc("delete a template at Meta", metaDone{}, exampleDone)
	numbersDoc        = passDoc("list phone numbers", metaList{}, exampleNumbers)
	profileDoc        = passDoc("read the business profile", metaList{}, exampleProfile)
	updateProfileDoc  = takes(passDoc("update the business profile", metaDone{}, exampleDone), metaProfile{}, exampleAbout)
)

// passDoc describes a route whose answer is Meta's.
func passDoc(summary string, reply any, example string) dialect.RouteDoc {
	return dialect.RouteDoc{
		Summary: summary, Status: http.StatusOK, Reply: apidoc.Response{Type: reply, Example: example},
		Query: []apidoc.Parameter{
			apidoc.Query("fields", "string", "The fields to return, as Meta's."),
			apidoc.Query("phone_number_id", "string", "The number whose access token is used for media; else that of the default channel."),
		},
	}
}

// takes returns d with a body.
func takes(d dialect.RouteDoc, body any, example string) dialect.RouteDoc {
	d.Request = apidoc.Request{Type: body, Examples: []string{example}}
	return d
}
