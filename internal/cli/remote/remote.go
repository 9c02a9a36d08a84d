// Package remote holds the commands that call the API over HTTP: send, status,
// tail and those of what a key may manage.
package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	api "github.com/sendoff/sendoff/client"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/version"
)

// Flags are the flags of the commands that call the API.
type Flags struct {
	URL     string `name:"url" env:"SENDOFF_URL" help:"${remote_url}" placeholder:"URL"`
	KeyFile string `type:"existingfile" help:"File with the API key (or SENDOFF_API_KEY)." placeholder:"FILE"`
	JSON    bool   `name:"json" help:"Print JSON."`
}

const (
	defaultURL = "http://127.0.0.1:8080"
	// callTime bounds a call; one that waits for a change takes up to pollTime
	// longer.
	callTime  = 20 * time.Second
	pollTime  = 20 * time.Second
	maxAnswer = 8 << 20
	never     = -1 // repeats: each command decides itself
)

// client is the generated client of the API at base.
type client struct {
	*api.ClientWithResponses
	base string
}

// call is a call of a method of the generated client.
type call func(context.Context, *client) (*http.Response, error)

// client returns a client with the address and the key of access.
func (r *Flags) client() (*client, error) {
	base, key, err := r.access()
	if err != nil {
		return nil, err
	}
	c, err := api.New(api.Options{
		BaseURL: base, Key: key, UserAgent: "sendoff-cli/" + version.Version(),
		Retries: never, HTTP: &http.Client{},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: --url (SENDOFF_URL) must look like http://127.0.0.1:8080", console.ErrUsage)
	}
	return &client{c, base}, nil
}

// access returns the address and the key of the flags, the environment or
// .sendoff/dev.json. It returns console.ErrUsage without a key.
func (r *Flags) access() (base, key string, err error) {
	base = r.URL
	key, err = console.GivenSecret("key", r.KeyFile, "SENDOFF_API_KEY")
	if errors.Is(err, console.ErrNoSecret) && base == "" {
		if base, key, err = fromDev(filepath.Join(".sendoff", "dev.json")); errors.Is(err, os.ErrNotExist) {
			err = console.ErrNoSecret
		}
	}
	if errors.Is(err, console.ErrNoSecret) {
		return "", "", fmt.Errorf("%w: no API key: set SENDOFF_API_KEY or name a file with --key-file; "+
			"create one with: sendoff key create", console.ErrUsage)
	}
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	if _, ok := auth.Parse(key); !ok {
		return "", "", fmt.Errorf("%w: the API key is incomplete: it must look like sk_live_... or sk_test_... with 46 characters",
			console.ErrUsage)
	}
	return strings.TrimRight(cmp.Or(base, defaultURL), "/"), key, nil
}

// fromDev returns address and key of the sendoff dev in this folder.
func fromDev(file string) (base, key string, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", "", fmt.Errorf("read %s: %w", file, err)
	}
	var d struct {
		BaseURL string `json:"base_url"`
		APIKey  string `json:"api_key"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return "", "", fmt.Errorf("read %s: %w", file, err)
	}
	return d.BaseURL, d.APIKey, nil
}

// Problem is an error of the API, as the commands print it.
type Problem api.Problem

// Error returns the detail, the fault of each field and, for errors of the
// server, the request id.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%d %s)", cmp.Or(p.Detail, p.Title), p.Status, p.Code)
	for _, f := range p.Errors {
		if len(p.Errors) == 1 && f.Detail == p.Detail {
			fmt.Fprintf(&b, " at %s", f.Pointer)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s", f.Pointer, f.Detail)
	}
	switch {
	case p.Status == http.StatusUnauthorized:
		b.WriteString("; check SENDOFF_API_KEY, or create a key with: sendoff key create")
	case p.Status == http.StatusNotFound && named(p.Path) != "":
		b.WriteString(": the account of this key has no " + named(p.Path))
	case p.Status >= 500 && p.RequestID != "":
		b.WriteString("; request id " + p.RequestID)
	}
	return b.String()
}

// singular has the names of what paths name by another plural than with an s.
var singular = map[string]string{"deliveries": "delivery", "inbound": "inbound message"}

// named returns what a path of the API names, as "campaign 7" for
// /v1/campaigns/7/launch, or "" if it names nothing.
func named(path string) string {
	parts, out := strings.Split(strings.TrimPrefix(path, "/v1/"), "/"), ""
	for i := 0; i+1 < len(parts); i += 2 {
		noun := cmp.Or(singular[parts[i]], strings.TrimSuffix(parts[i], "s")) + " " + parts[i+1]
		if out != "" {
			noun += " of " + out
		}
		out = noun
	}
	return out
}

// errUnanswered is returned for a call without an answer, which may or may not
// have arrived.
var errUnanswered = errors.New("no answer")

// ask makes a call and decodes its answer into out, unless out is nil or the answer
// is a 304.
func (c *client) ask(ctx context.Context, out any, do call) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime+pollTime)
	defer cancel()
	resp, err := c.open(ctx, do)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	if out == nil || resp.StatusCode == http.StatusNotModified {
		return resp.Header, nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, fmt.Errorf("%s does not answer like Sendoff's API; check --url: %w", c.base, err)
	}
	return resp.Header, nil
}

// open makes a call. It returns a *Problem for an answer that is an error.
func (c *client) open(ctx context.Context, do call) (*http.Response, error) {
	resp, err := do(ctx, c)
	if err == nil {
		return resp, nil
	}
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return nil, (*Problem)(p)
	}
	if strange, ok := errors.AsType[*api.StatusError](err); ok {
		return nil, fmt.Errorf("%s%s answered %s: not Sendoff's API? check --url", c.base, strange.Path, strange.Status)
	}
	return nil, fmt.Errorf("%s does not answer; is sendoff serve (or sendoff dev) running there? Set another address with --url. %w: %w",
		c.base, errUnanswered, err)
}

const jsonType = "application/json"

// jsonOf returns v as the body of a request.
func jsonOf(v any) *bytes.Reader {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and slices of texts and numbers
	}
	return bytes.NewReader(raw)
}

// given returns a pointer to v, or nil if it is zero.
func given[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}
