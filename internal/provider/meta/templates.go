package meta

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
)

const (
	templatePage     = 100     // templates asked for at once
	maxTemplatePages = 100     // more than a business account may have
	templateBody     = 8 << 20 // a page's longest answer
)

// templatePageBody is an answer of message_templates.
type templatePageBody struct {
	Data []struct {
		Name       string               `json:"name"`
		Language   string               `json:"language"`
		Status     string               `json:"status"`
		Category   string               `json:"category"`
		Format     string               `json:"parameter_format"`
		Components []template.Component `json:"components"`
	} `json:"data"`
	Paging struct {
		Cursors struct {
			After string `json:"after"`
		} `json:"cursors"`
		Next string `json:"next"`
	} `json:"paging"`
}

// Templates pulls the templates of the channel's business account.
func (c *Client) Templates(ctx context.Context, ch *dispatch.Channel) ([]template.Template, error) {
	waba := ch.Settings["waba_id"]
	if waba == "" {
		return nil, &provider.Error{Kind: provider.Permanent, Code: dispatch.FailAccount, Msg: "setting waba_id is missing"}
	}
	var ts []template.Template
	after := ""
	for range maxTemplatePages {
		page, err := c.templatePage(ctx, ch, waba, after)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Data {
			ts = append(ts, template.Template{
				Name: d.Name, Language: d.Language, Category: strings.ToLower(d.Category),
				Status: templateStatus(d.Status), ParameterFormat: templateFormat(d.Format), Components: d.Components,
			})
		}
		// The last page has no "next"; the cursor alone proves nothing, the
		// Graph API returns one there too.
		next := page.Paging.Cursors.After
		if next == "" || next == after || len(page.Data) == 0 || (page.Paging.Next == "" && len(page.Data) < templatePage) {
			break
		}
		after = next
	}
	return ts, nil
}

// templatePage requests one page. The address that the answer contains for the
// next page isn't followed: it carries the token, and could name any host.
func (c *Client) templatePage(ctx context.Context, ch *dispatch.Channel, waba, after string) (*templatePageBody, error) {
	q := url.Values{
		"limit":  {strconv.Itoa(templatePage)},
		"fields": {"id,name,language,status,category,parameter_format,components"},
	}
	if after != "" {
		q.Set("after", after)
	}
	res, err := c.get(ctx, ch, "/"+url.PathEscape(waba)+"/message_templates?"+q.Encode(), templateBody)
	if err != nil {
		return nil, err
	}
	var page templatePageBody
	if res.Status != http.StatusOK {
		return nil, refusal(ch, res)
	}
	if err := json.Unmarshal(res.Body, &page); err != nil && !wrongType(err) {
		res.Body = nil
		return nil, refusal(ch, res)
	}
	return &page, nil
}

// templateStatus maps Meta's states to the registry's five.
func templateStatus(s string) string {
	switch s = strings.ToLower(s); s {
	case "approved", "pending", "rejected", "paused", "disabled":
		return s
	case "in_appeal", "pending_review":
		return "pending"
	}
	return "disabled" // pending_deletion, deleted, limit_exceeded, archived
}

func templateFormat(s string) string {
	if strings.EqualFold(s, "named") {
		return "named"
	}
	return "positional"
}
