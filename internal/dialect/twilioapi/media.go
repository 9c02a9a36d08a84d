package twilioapi

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// twilioMedia is a file of a message.
type twilioMedia struct {
	SID         string `json:"sid" required:"true"`
	AccountSID  string `json:"account_sid" required:"true"`
	ParentSID   string `json:"parent_sid" required:"true"`
	ContentType string `json:"content_type" required:"true"`
	DateCreated string `json:"date_created" required:"true"`
	DateUpdated string `json:"date_updated" required:"true"`
	URI         string `json:"uri" required:"true"`
}

// twilioMediaPage is the list of a message's files, always one page.
type twilioMediaPage struct {
	Paging

	MediaList []twilioMedia `json:"media_list" required:"true" nullable:"false"`
}

// readMedia answers GET Messages/SM.../Media.json: the links that were sent.
func readMedia(ctx context.Context, src dialect.Reader, a dialect.Account, r *http.Request) (dialect.Reply, error) {
	if err := mayRead(a, r); err != nil {
		return dialect.Reply{}, err
	}
	id, ok := messageID(strings.TrimSuffix(r.PathValue("message"), ".json") + ".json")
	if !ok {
		return dialect.Reply{}, dispatch.Errorf(dispatch.NotFound, "no such message")
	}
	v, err := src.Message(ctx, a.ID, id)
	if err != nil {
		return dialect.Reply{}, err
	}
	m := fromView(a.SID, &v)
	uri := strings.TrimSuffix(m.URI, ".json") + "/Media"
	list := []twilioMedia{}
	for i, link := range links(&v) {
		sid := uuid.NewSHA1(v.ID, []byte(strconv.Itoa(i)))
		me := "ME" + hex.EncodeToString(sid[:])
		list = append(list, twilioMedia{
			SID: me, AccountSID: a.SID, ParentSID: m.SID, ContentType: contentType(link),
			DateCreated: m.DateCreated, DateUpdated: m.DateUpdated, URI: uri + "/" + me + ".json",
		})
	}
	body := twilioMediaPage{onlyPage(uri+".json?PageSize=50&Page=0", len(list)), list}
	return dialect.Reply{Status: http.StatusOK, Body: body}, nil
}

// links returns the addresses of the files of a message.
func links(v *dispatch.View) (out []string) {
	var c dispatch.Content
	if json.Unmarshal(v.Content, &c) != nil {
		return nil // redacted
	}
	if m := c.MediaObject(); m != nil && m.Link != "" {
		out = append(out, m.Link)
	}
	for i := range c.MoreMedia {
		out = append(out, c.MoreMedia[i].Link)
	}
	return out
}

// contentType returns the type that an address suggests: we don't fetch it.
func contentType(link string) string {
	if u, err := url.Parse(link); err == nil {
		if t, _, _ := strings.Cut(mime.TypeByExtension(strings.ToLower(path.Ext(u.Path))), ";"); t != "" {
			return t
		}
	}
	return "application/octet-stream"
}
