package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Get reads JSON from an address; into may be nil.
func (s *Stack) Get(url string, into any) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return s.Do(req, into)
}

// Do sends a request with the demo key and reads the JSON of its answer; into may be nil.
func (s *Stack) Do(req *http.Request, into any) error {
	req.Header.Set("Authorization", "Bearer "+s.Dev.APIKey)
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s", req.Method, req.URL, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// Ask sends a request to the API, repeated while the server is away.
func (s *Stack) Ask(method, path, contentType string, body []byte, into any) {
	s.t.Helper()
	Until(s.t, time.Minute, method+" "+path, func() error {
		req, err := http.NewRequest(method, s.Dev.BaseURL+path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", contentType)
		return s.Do(req, into)
	})
}

// Configure changes the emulator.
func (s *Stack) Configure(settings string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPut, s.Dev.EmulatorURL+"/_emulator/settings", strings.NewReader(settings))
	if err == nil {
		err = s.Do(req, nil)
	}
	if err != nil {
		s.t.Fatalf("configure emulator: %v", err)
	}
}

// Until polls f until it succeeds, or fails the drill after d.
func Until(t T, d time.Duration, what string, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %v: %v", what, d, err)
		case <-tick.C:
		}
	}
}
