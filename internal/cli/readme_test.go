package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/devstack"
)

// startDev runs sendoff dev in a folder of its own and returns the folder and what
// dev.json holds.
func startDev(t *testing.T) (string, *devFile) {
	t.Helper()
	dir, err := devstack.MkdirTemp("", "dev-test-")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	c := &devCmd{Dir: filepath.Join(dir, ".sendoff"), Listen: "127.0.0.1:0", LogLevel: "warn"}
	go func() { done <- c.Run(&console.Env{Ctx: ctx, Stdout: io.Discard, Stderr: os.Stderr}) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("dev ended with %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("dev did not end")
		}
		_ = os.RemoveAll(dir)
	})
	f := &devFile{}
	for range 600 {
		raw, err := os.ReadFile(filepath.Join(c.Dir, "dev.json"))
		if err == nil && json.Unmarshal(raw, f) == nil {
			return dir, f
		}
		select {
		case err := <-done:
			t.Fatalf("dev ended with %v", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatal("dev was not ready after a minute")
	return "", nil
}

// shell runs a script in a folder. curl fails at an answer of 400 or more.
func shell(t *testing.T, dir, script string, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-euc", "curl() { command curl --fail-with-body -sS \"$@\"; }\n"+script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Errorf("%v:\n%s\nprinted\n%s", err, script, &out)
	}
}

// Every curl of the README and of /docs runs as it is printed on a fresh dev, in the
// order of the page.
func TestCurls_OfReadmeAndDocs_Run(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"curl", "node"} {
		if _, err := exec.LookPath(program); err != nil && os.Getenv("SENDOFF_TEST_REQUIRED") == "" {
			t.Skip(err)
		}
	}
	dir, dev := startDev(t)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	// The page is one session: its first block sets what the others use.
	var script strings.Builder
	curls := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		if n := strings.Count(block[1], "curl "); n > 0 {
			curls += n
			script.WriteString(block[1])
		}
	}
	if curls < 12 {
		t.Errorf("%d curls in the README", curls)
	}
	shell(t, dir, strings.ReplaceAll(script.String(), "localhost:8080", strings.TrimPrefix(dev.BaseURL, "http://")))

	guide := runnable(t, "quick-start.md") + runnable(t, "campaigns.md")
	if n := strings.Count(guide, "curl "); n < 6 {
		t.Errorf("%d curls in the guides", n)
	}
	shell(t, dir, strings.ReplaceAll(guide, "localhost:8080", strings.TrimPrefix(dev.BaseURL, "http://")))

	blocks := regexp.MustCompile(`(?s)<pre>(curl.*?)</pre>`).FindAllStringSubmatch(page(t, dev.BaseURL+"/docs"), -1)
	if len(blocks) != 8 { // the first message, and each dialect
		t.Errorf("%d curls in /docs", len(blocks))
	}
	for _, block := range blocks {
		shell(t, dir, html.UnescapeString(block[1]), "SENDOFF_API_KEY="+dev.APIKey, "SENDOFF_ACCOUNT_SID="+dev.AccountSID,
			"SENDOFF_CHANNEL_KEY="+dev.Channels[1].Key)
	}
}

// page reads a page.
func page(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", url, resp.StatusCode, err)
	}
	return string(raw)
}
