package client_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/client"
	"github.com/sendoff/sendoff/internal/apitest"
)

// front returns a running API and a client of it.
func front(t *testing.T) (*apitest.Front, *client.ClientWithResponses) {
	t.Helper()
	f := apitest.New(t)
	f.Do("POST", "/v1/templates", apitest.M{
		"name": "order", "language": "en", "category": "utility", "components": []apitest.M{{"type": "body", "text": "It is on its way."}},
	}).Want(201)
	c, err := client.New(client.Options{BaseURL: f.URL + "/", Key: f.Key})
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

func simple(to string) client.SendRequest {
	return client.SendRequest{To: to, Type: client.SendRequestTypeTemplate, Template: &client.TemplateRequest{Name: new("order")}}
}

// A message is sent, read, listed and cancelled with the types of the answers.
//
//go:fix inline
func TestMessages_RoundTrip(t *testing.T) {
	t.Parallel()
	_, c := front(t)
	ctx := t.Context()
	made, err := c.PostMessagesWithResponse(ctx, nil, simple("+15550000100"))
	if err != nil {
		t.Fatal(err)
	}
	if made.JSON202 == nil || *made.JSON202.To != "+15550000100" || made.JSON202.Status != client.ReceiptBodyStatusQueued {
		t.Fatalf("accepted: %s", made.Body)
	}
	id := *made.JSON202.MessageId
	got, err := c.GetMessagesIdWithResponse(ctx, id, nil)
	if err != nil || got.JSON200 == nil || *got.JSON200.To != "+15550000100" {
		t.Fatalf("read: %v %+v", err, got)
	}
	unchanged, err := c.GetMessagesId(ctx, id, &client.GetMessagesIdParams{IfNoneMatch: new(got.HTTPResponse.Header.Get("ETag"))})
	if err != nil || unchanged.StatusCode != http.StatusNotModified {
		t.Errorf("not modified: %v %v", err, unchanged)
	}
	list, err := c.GetMessagesWithResponse(ctx, &client.GetMessagesParams{To: new("+15550000100")})
	if err != nil || len(list.JSON200.Data) != 1 || list.JSON200.Data[0].MessageId != id {
		t.Errorf("listed: %v %s", err, list.Body)
	}
	ended, err := c.PostMessagesIdCancelWithResponse(ctx, id)
	if err != nil || ended.JSON200.Status != "cancelled" {
		t.Errorf("cancelled: %v %s", err, ended.Body)
	}
}

// The types of the answers fit what the server answers, wherever a list or an
// account of one record can be read.
func TestReads_FitTheTypes(t *testing.T) {
	t.Parallel()
	f, c := front(t)
	ctx := t.Context()
	f.Do("POST", "/v1/contacts", apitest.M{"phone": "+15550000100", "name": "Ada", "fields": apitest.M{"order": "A-17"}}).Want(201)
	f.Do("POST", "/v1/lists", apitest.M{"name": "all"}).Want(201)
	f.Do("POST", "/v1/suppressions", apitest.M{"phone": "+15550000101"}).Want(201)
	f.Do("POST", "/v1/webhooks", apitest.M{"url": "https://example.com/hook"}).Want(201)
	f.Do("POST", "/v1/keys", apitest.M{"name": "two", "permissions": []string{"send_text"}}).Want(201)
	f.Do("POST", "/v1/campaigns", apitest.M{
		"name": "c", "type": "text", "text": apitest.M{"body": "x"}, "audience": apitest.M{"contacts": []apitest.M{{"to": "+15550000102"}}},
	}).Want(201)
	for name, read := range map[string]func() (status int, body []byte, data any, err error){
		"account": func() (int, []byte, any, error) {
			r, err := c.GetAccountWithResponse(ctx)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"contacts": func() (int, []byte, any, error) {
			r, err := c.GetContactsWithResponse(ctx, nil)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"lists": func() (int, []byte, any, error) {
			r, err := c.GetListsWithResponse(ctx, nil)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"suppressions": func() (int, []byte, any, error) {
			r, err := c.GetSuppressionsWithResponse(ctx, nil)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"webhooks": func() (int, []byte, any, error) {
			r, err := c.GetWebhooksWithResponse(ctx, nil)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"keys": func() (int, []byte, any, error) {
			r, err := c.GetKeysWithResponse(ctx, nil)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"campaigns": func() (int, []byte, any, error) {
			r, err := c.GetCampaignsWithResponse(ctx, nil)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"templates": func() (int, []byte, any, error) {
			r, err := c.GetTemplatesWithResponse(ctx, nil)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"channels": func() (int, []byte, any, error) {
			r, err := c.GetChannelsWithResponse(ctx, nil)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"usage": func() (int, []byte, any, error) {
			r, err := c.GetUsageWithResponse(ctx, nil)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"audit": func() (int, []byte, any, error) {
			r, err := c.GetAuditWithResponse(ctx, nil)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
		"credits": func() (int, []byte, any, error) {
			r, err := c.GetCreditsWithResponse(ctx)
			return r.StatusCode(), r.Body, r.JSON200, err
		},
	} {
		status, body, data, err := read()
		if err != nil || status != http.StatusOK || data == nil || len(body) < 20 {
			t.Errorf("%s: %v, %d %s", name, err, status, body)
		}
	}
}

func TestProblem_IsAnError(t *testing.T) {
	t.Parallel()
	_, c := front(t)
	_, err := c.PostMessagesWithResponse(t.Context(), nil, simple("nobody"))
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || p.Status != 422 || p.Code != "validation_failed" || len(p.Errors) != 1 || p.Errors[0].Pointer != "/to" || p.RequestID == "" {
		t.Fatalf("refused: %v, %+v", err, p)
	}
	if !strings.Contains(err.Error(), "422 validation_failed") || !strings.Contains(err.Error(), "/to: ") {
		t.Errorf("error %q", err)
	}
	if _, err := c.GetMessagesIdWithResponse(t.Context(), "01890000-0000-7000-8000-000000000000", nil); err == nil {
		t.Error("a message that is not there was read")
	}
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for _, o := range []client.Options{
		{BaseURL: "sendoff.example.com", Key: "k"},
		{BaseURL: "ftp://sendoff.example.com", Key: "k"},
		{Key: "k"},
		{BaseURL: "https://sendoff.example.com"},
	} {
		if _, err := client.New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
