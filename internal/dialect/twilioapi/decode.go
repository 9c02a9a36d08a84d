package twilioapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	wire "github.com/sendoff/sendoff/internal/address"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// form is the request's fields, with the first fault found in them: Twilio
// names one at a time.
type form struct {
	url.Values
	err error
}

// fail notes a fault under the pointer that reject turns into Twilio's code.
func (f *form) fail(pointer, format string, args ...any) {
	if f.err == nil {
		f.err = dispatch.InvalidField(pointer, format, args...)
	}
}

// decode reads a form body. Fields that we have no use for are ignored.
func decode(r *http.Request, body []byte) ([]dispatch.Draft, error) {
	if err := ownAccount(r); err != nil {
		return nil, err
	}
	f, err := readForm(r, body)
	if err != nil {
		return nil, err
	}
	d := dispatch.Draft{AccountSID: r.PathValue("sid"), StatusCallback: f.callback()}
	d.Kind, d.To = f.recipient()
	f.sender(&d)
	d.Content, d.Variables = f.content()
	d.SendAt, d.TTL = f.sendAt(), f.validity()
	if !d.SendAt.IsZero() {
		d.SendGrace = grace
	}
	if f.err != nil {
		return nil, f.err
	}
	return []dispatch.Draft{d}, nil
}

// readForm reads the fields of a form body.
func readForm(r *http.Request, body []byte) (*form, error) {
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if t := strings.ToLower(strings.TrimSpace(contentType)); t != "" && t != "application/x-www-form-urlencoded" {
		return nil, dispatch.Errorf(dispatch.UnsupportedMedia, "Content-Type must be application/x-www-form-urlencoded")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &dispatch.Error{Code: dispatch.Malformed, Msg: "the request body is not a valid form", Err: err}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !storable.Text(name) || slices.ContainsFunc(values[name], func(s string) bool { return !storable.Text(s) }) {
			return nil, dispatch.InvalidField("/"+dialect.Escape(strings.ToValidUTF8(name, "?")), "must be UTF-8 without NUL characters")
		}
	}
	return &form{Values: values}, nil
}

// recipient reads To.
func (f *form) recipient() (kind, number string) {
	kind, number = address(f.Get("To"))
	if number == "" {
		f.fail("/to", "is required")
	}
	return kind, number
}

// serviceSID is a Messaging Service's.
var serviceSID = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)

// sender reads From or, without it, MessagingServiceSid: either the one that
// the channel itself sends through, or a channel's key or id.
func (f *form) sender(d *dispatch.Draft) {
	service := strings.TrimSpace(f.Get("MessagingServiceSid"))
	kind, number := address(f.Get("From"))
	if serviceSID.MatchString(number) { // a Messaging Service may stand in From, too
		service, number = number, ""
	}
	switch {
	case number == "" && service == "":
		f.fail("/from", "is required")
	case number == "":
		d.Channel, d.ChannelBy = service, dispatch.ByIDOrKey
		if serviceSID.MatchString(service) {
			d.ChannelBy = dispatch.BySender
		}
	case kind != d.Kind && d.To != "":
		f.fail("/pair", "must be of the same channel")
	default:
		d.Channel, d.ChannelBy = number, dispatch.BySender
	}
}

// contentSID is a content template's.
var contentSID = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)

// maxMedia is the maximum number of MediaUrl fields at Twilio.
const maxMedia = 10

// content reads a template (ContentSid), which Body and media don't change,
// media, or a text.
func (f *form) content() (dispatch.Content, *dispatch.Variables) {
	body, media, sid := f.Get("Body"), f.Values["MediaUrl"], f.Get("ContentSid")
	switch {
	case sid != "":
		if !contentSID.MatchString(sid) {
			f.fail("/template/id", "is not a content sid")
		}
		use := &dispatch.TemplateUse{ProviderTemplateID: sid}
		return dispatch.Content{Type: dispatch.TypeTemplate, Template: use}, &dispatch.Variables{Named: f.variables()}
	case f.Get("ContentVariables") != "":
		f.fail("/content_sid", "is required with ContentVariables")
	case slices.ContainsFunc(media, listed):
		f.fail("/image", "is a list; repeat MediaUrl for each file")
	case len(media) > maxMedia:
		f.fail("/more_media", "has more than %d entries", maxMedia)
	case len(media) > 0:
		return withMedia(media, body), nil
	case strings.TrimSpace(body) == "":
		f.fail("/body", "is required")
	}
	return dispatch.Content{Type: dispatch.TypeText, Text: &dispatch.Text{Body: body}}, nil
}

// listed reports whether a MediaUrl holds several addresses, separated by commas.
func listed(address string) bool {
	_, rest, found := strings.Cut(address, ",")
	rest = strings.ToLower(strings.TrimSpace(rest))
	return found && (strings.HasPrefix(rest, "http://") || strings.HasPrefix(rest, "https://"))
}

// variables reads ContentVariables: a JSON object, written as a string, of
// values that are neither null nor empty.
func (f *form) variables() map[string]string {
	text := f.Get("ContentVariables")
	if strings.TrimSpace(text) == "" {
		return nil
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &raw) != nil || raw == nil {
		f.fail("/template/variables", "must be a JSON object")
		return nil
	}
	out := make(map[string]string, len(raw))
	for name, value := range raw {
		s, ok := dialect.Value(value)
		switch {
		case !ok || s == "":
			f.fail("/template/variables/"+dialect.Escape(name), "must be a non-empty string")
		case !storable.Text(s) || !storable.Text(name):
			f.fail("/template/variables/"+dialect.Escape(strings.ReplaceAll(name, "\x00", "")), "must not have NUL characters")
		}
		out[name] = s
	}
	return out
}

// withMedia makes a message of the first file's kind; it carries the text.
func withMedia(links []string, body string) dispatch.Content {
	c := dispatch.Content{Type: mediaType(links[0])}
	dialect.SetMedia(&c, &dispatch.Media{Link: links[0], Caption: body})
	for _, link := range links[1:] {
		c.MoreMedia = append(c.MoreMedia, dispatch.Media{Link: link})
	}
	return c
}

// extensions of files that are no images; what is unknown counts as an image,
// the most common MMS by far.
var extensions = map[string]dispatch.Type{
	".mp4": dispatch.TypeVideo, ".3gp": dispatch.TypeVideo, ".3gpp": dispatch.TypeVideo, ".mov": dispatch.TypeVideo,
	".webm": dispatch.TypeVideo,
	".mp3":  dispatch.TypeAudio, ".ogg": dispatch.TypeAudio, ".oga": dispatch.TypeAudio, ".opus": dispatch.TypeAudio,
	".amr": dispatch.TypeAudio, ".aac": dispatch.TypeAudio, ".m4a": dispatch.TypeAudio, ".wav": dispatch.TypeAudio,
	".pdf": dispatch.TypeDocument, ".doc": dispatch.TypeDocument, ".docx": dispatch.TypeDocument, ".xls": dispatch.TypeDocument,
	".xlsx": dispatch.TypeDocument, ".ppt": dispatch.TypeDocument, ".pptx": dispatch.TypeDocument, ".txt": dispatch.TypeDocument,
	".csv": dispatch.TypeDocument, ".zip": dispatch.TypeDocument, ".vcf": dispatch.TypeDocument, ".ics": dispatch.TypeDocument,
}

// mediaType returns the type that a link's extension suggests: Twilio's form has
// no field for it.
func mediaType(link string) dispatch.Type {
	if u, err := url.Parse(link); err == nil {
		if t, ok := extensions[strings.ToLower(path.Ext(u.Path))]; ok {
			return t
		}
	}
	return dispatch.TypeImage
}

// callback reads StatusCallback and returns it in the form in which it is
// requested and signed.
func (f *form) callback() string {
	s := strings.TrimSpace(f.Get("StatusCallback"))
	if s == "" {
		return ""
	}
	normal, err := wire.Normal(s)
	if err != nil {
		f.fail("/status_callback", "is not a valid URL")
	}
	return normal
}

// grace lets requests take their time: what was to come when it was sent is.
const grace = time.Second

// sendAt reads SendAt and ScheduleType. Twilio requires 15 minutes to 35 days
// ahead and a Messaging Service; we take any time to come, and what was asked
// for later is never sent at once because ScheduleType is missing. Whether it
// has passed is for accept to decide, which recognises a repeat of what was sent in
// time.
func (f *form) sendAt() time.Time {
	at, kind := strings.TrimSpace(f.Get("SendAt")), f.Get("ScheduleType")
	if kind != "" && kind != "fixed" {
		f.fail("/schedule_type", "must be fixed")
	}
	if at == "" {
		if kind != "" {
			f.fail("/send_at", "is required with ScheduleType")
		}
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		f.fail("/send_at", "must be an ISO 8601 time in the future, such as 2030-01-02T15:04:05Z")
	}
	return dialect.Given(t.UTC())
}

// maxValidity is Twilio's longest ValidityPeriod, in seconds.
const maxValidity = 36000

// validity reads ValidityPeriod; zero leaves the lane's own expiry.
func (f *form) validity() time.Duration {
	s := strings.TrimSpace(f.Get("ValidityPeriod"))
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxValidity {
		f.fail("/ttl_seconds", "must be between 1 and %d", maxValidity)
		return 0
	}
	return time.Duration(n) * time.Second
}
