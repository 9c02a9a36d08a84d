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
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
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
)

// client calls the native API.
type client struct {
	base string
	key  string
	http *http.Client
}

// client returns a client with the address and the key of the flags, the
// environment or .sendoff/dev.json. It returns console.ErrUsage without a key.
func (r *Flags) client() (*client, error) {
	key, err := console.GivenSecret("key", r.KeyFile, "SENDOFF_API_KEY")
	c := &client{base: r.URL, key: key, http: &http.Client{}}
	if errors.Is(err, console.ErrNoSecret) && r.URL == "" {
		if c.base, c.key, err = fromDev(filepath.Join(".sendoff", "dev.json")); errors.Is(err, os.ErrNotExist) {
			err = console.ErrNoSecret
		}
	}
	if errors.Is(err, console.ErrNoSecret) {
		return nil, fmt.Errorf("%w: no API key: set SENDOFF_API_KEY or name a file with --key-file; "+
			"create one with: sendoff key create", console.ErrUsage)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	if _, ok := auth.Parse(c.key); !ok {
		return nil, fmt.Errorf("%w: the API key is incomplete: it must look like sk_live_... or sk_test_... with 46 characters", console.ErrUsage)
	}
	c.base = strings.TrimRight(cmp.Or(c.base, defaultURL), "/")
	if u, err := url.Parse(c.base); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%w: --url (SENDOFF_URL) must look like http://127.0.0.1:8080", console.ErrUsage)
	}
	return c, nil
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

// Problem is an error of the API (RFC 9457).
type Problem struct {
	Status    int              `json:"status"`
	Title     string           `json:"title"`
	Detail    string           `json:"detail"`
	Code      dispatch.Code    `json:"code"`
	Errors    []dispatch.Fault `json:"errors"`
	RequestID string           `json:"request_id"`
	path      string
}

// Error returns the detail, the fault of each field and, for errors of the
// server, the request id.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%d %s)", cmp.Or(p.Detail, p.Title), p.Status, p.Code)
	for _, f := range p.Errors {
		if len(p.Errors) == 1 && f.Msg == p.Detail {
			fmt.Fprintf(&b, " at %s", f.Field)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s", f.Field, f.Msg)
	}
	switch {
	case p.Status == http.StatusUnauthorized:
		b.WriteString("; check SENDOFF_API_KEY, or create a key with: sendoff key create")
	case p.Status == http.StatusNotFound && p.path != "":
		b.WriteString(": the account of this key has no " + p.path)
	case p.Status >= 500 && p.RequestID != "":
		b.WriteString("; request id " + p.RequestID)
	}
	return b.String()
}

// errUnanswered is returned for a call without an answer, which may or may not
// have arrived.
var errUnanswered = errors.New("no answer")

// call sends a request and decodes its answer into out, unless that is a 304.
func (c *client) call(ctx context.Context, method, path string, header http.Header, body, out any) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime+pollTime)
	defer cancel()
	resp, err := c.open(ctx, method, path, header, body)
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

// rawBody is a body that is sent as it is.
type rawBody []byte

// open sends a request. It returns a *Problem for a status other than 2xx and 304.
func (c *client) open(ctx context.Context, method, path string, header http.Header, body any) (*http.Response, error) {
	var in io.Reader
	kind := "application/json"
	if raw, ok := body.(rawBody); ok {
		in, kind = bytes.NewReader(raw), "application/octet-stream"
	} else if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, in)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("User-Agent", "sendoff-cli/"+version.Version())
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s does not answer; is sendoff serve (or sendoff dev) running there? Set another address with --url. %w: %w",
			c.base, errUnanswered, err)
	}
	if resp.StatusCode/100 == 2 || resp.StatusCode == http.StatusNotModified {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	p := &Problem{}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || json.Unmarshal(raw, p) != nil || p.Code == "" {
		return nil, fmt.Errorf("%s%s answered %s: not Sendoff's API? check --url", c.base, path, resp.Status)
	}
	p.Status, p.path = resp.StatusCode, strings.TrimPrefix(path, "/v1/")
	return nil, p
}
