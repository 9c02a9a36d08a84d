package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/docs"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// told returns a duration as the documentation writes it.
func told(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// What the documentation says of attempts, leases, windows and expiry is what a channel
// has of which nothing else is said.
func TestDocs_RetriesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	p := dispatch.DefaultPolicy()
	long := func(d time.Duration) string {
		s := strings.NewReplacer(" h", " hours", " min", " minutes", " s", " seconds").Replace(told(d))
		return regexp.MustCompile(`^1 (\w+)s$`).ReplaceAllString(s, "1 $1")
	}
	retry := fmt.Sprintf("a random part of %d, %d, %d … seconds, at most %s,", p.BackoffBase/time.Second, 2*p.BackoffBase/time.Second,
		4*p.BackoffBase/time.Second, long(p.BackoffCap))
	windows := fmt.Sprintf("(one-time passwords %s, normal %s, bulk %s)", long(p.ResolveWindow[dispatch.OTP]),
		long(p.ResolveWindow[dispatch.Normal]), long(p.ResolveWindow[dispatch.Bulk]))
	expiry := fmt.Sprintf("one-time passwords after %s, normal ones after %s, bulk after %s,", long(dispatch.OTP.TTL()),
		long(dispatch.Normal.TTL()), long(dispatch.Bulk.TTL()))
	then := func(l dispatch.Lane) string { return told(l.Lease()) + " + " + told(p.ResolveWindow[l]) }
	dies := fmt.Sprintf("%s, normal %s, bulk %s", then(dispatch.OTP), then(dispatch.Normal), then(dispatch.Bulk))
	if p.UnknownRetries != [3]int{1, 1, 0} || p.MaxAge != 0 {
		t.Errorf("U is %v, max_age_s %v: say so in docs/concepts.md", p.UnknownRetries, p.MaxAge)
	}
	for page, sentences := range map[string][]string{
		"concepts.md": {
			retry, fmt.Sprintf("A message has %d attempts", p.MaxAttempts), windows, expiry,
			"one more try for one-time passwords and normal messages, none for bulk",
		},
		"operations.md":   {"one-time passwords " + dies},
		"../../README.md": {"otp " + dies},
	} {
		raw, err := docs.FS.ReadFile(page)
		if strings.HasPrefix(page, ".") {
			raw, err = os.ReadFile(page)
		}
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(string(raw)), " ")
		for _, s := range sentences {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q", page, s)
			}
		}
	}
}

// Every variable of ours that the documentation, the manifests and compose.yaml name is
// one that the program reads.
func TestDocs_VariablesExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{
		"SENDOFF_API_KEY": true, // of sendoff send and its like, which have no flag for it
		"SENDOFF_PORT":    true, // of compose.yaml itself
	}
	model := parser(t, newCLI()).Model
	nodes := append(model.Leaves(false), model.Node)
	for _, n := range nodes {
		for _, group := range n.AllFlags(false) {
			for _, flag := range group {
				for _, name := range flag.Envs {
					known[name], known[name+"_FILE"] = true, true
				}
			}
		}
	}
	names := regexp.MustCompile(`SENDOFF_[A-Z][A-Z_]*[A-Z]`)
	seen := 0
	for _, place := range []string{
		"README.md", "compose.yaml", "Dockerfile", "docs/*.md", "configs/*", "deploy/*/*.yaml", "deploy/*/*/*.yaml", "deploy/*/*/*/*.yaml",
	} {
		files, err := filepath.Glob(filepath.Join("../..", filepath.FromSlash(place)))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", place, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names.FindAllString(string(raw), -1) {
				if seen++; !known[name] && !strings.HasPrefix(name, "SENDOFF_TEST_") {
					t.Errorf("%s names %s, which nobody reads", file, name)
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("%d names", seen)
	}
}
