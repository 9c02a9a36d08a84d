package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/cli/remote"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestReport_ExitCodesAndTexts(t *testing.T) {
	t.Parallel()
	invalid := dispatch.InvalidField("/name", "is required")
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{console.ErrReported, 1, ""},
		{errors.New("disk full"), 1, "sendoff: disk full\n"},
		{fmt.Errorf("%w: --x is odd", console.ErrUsage), 2, "sendoff: --x is odd\n"},
		{errors.Join(fmt.Errorf("%w: a", console.ErrUsage), fmt.Errorf("%w: b", console.ErrUsage)), 2, "sendoff: a\nsendoff: b\n"},
		{invalid, 2, "sendoff: name: is required\n"},
		{dispatch.Errorf(dispatch.Conflict, "in use"), 1, "sendoff: in use\n"},
		{console.Advise(invalid, "set NAME"), 2, "sendoff: name: is required\nsendoff: set NAME\n"},
		{console.Explain(dispatch.Errorf(dispatch.NotFound, "not found"), "there is no key 9"), 1, "sendoff: there is no key 9\n"},
	} {
		var out bytes.Buffer
		if code := report(&out, c.err, false); code != c.code || out.String() != c.want {
			t.Errorf("%v: code %d, %q; want code %d, %q", c.err, code, out.String(), c.code, c.want)
		}
	}
}

func TestReport_JSON_HasTheMembersOfAProblem(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := report(&out, console.Advise(dispatch.InvalidField("/name", "is required"), "set NAME"), true); code != 2 {
		t.Errorf("code %d", code)
	}
	var got remote.Problem
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Code != string(dispatch.Invalid) || got.Detail != "name is required" ||
		len(got.Errors) != 1 ||
		got.Errors[0].Pointer != "/name" {
		t.Errorf("%s: %+v, %v", out.String(), got, err)
	}
	// A refusal of the API is its problem.
	out.Reset()
	asked := &remote.Problem{Status: 404, Detail: "not found", Code: string(dispatch.NotFound), RequestID: "r1"}
	if code := report(&out, fmt.Errorf("message m1: %w", asked), true); code != 1 {
		t.Errorf("code %d", code)
	}
	var back remote.Problem
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back.Status != 404 || back.Code != string(dispatch.NotFound) ||
		back.RequestID != "r1" {
		t.Errorf("%s: %+v, %v", out.String(), back, err)
	}
	// What is no refusal stays a line of text.
	out.Reset()
	if code := report(&out, errors.New("disk full"), true); code != 1 || out.String() != "sendoff: disk full\n" {
		t.Errorf("code %d, %q", code, out.String())
	}
}

func TestWantsJSON_IsTheCommandsFlag(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{"key list --json": true, "key list": false, "emulate": false} {
		parser, err := newParser(io.Discard, io.Discard, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		k, err := parser.Parse(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		if wantsJSON(k) != want {
			t.Errorf("%s: want %v", line, want)
		}
	}
}

func TestHelp_NoTextIsMissing(t *testing.T) {
	t.Parallel()
	for command, n := range leaves(t) {
		if n.Help == "" {
			t.Errorf("%s has no help", command)
		}
		for _, f := range n.Flags {
			if f.Help == "" && !f.Hidden || strings.Contains(f.Help, "${") {
				t.Errorf("%s --%s: help %q", command, f.Name, f.Help)
			}
		}
	}
}

func TestSecretKey_IsCreatedOnce_ForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret.key")
	first, err := secretKey(file)
	if err != nil || len(first) != 64 {
		t.Fatalf("%q, %v", first, err)
	}
	if again, err := secretKey(file); err != nil || again != first {
		t.Errorf("%q, then %q, %v", first, again, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := secretKey(filepath.Join(file, "x")); err == nil {
		t.Error("a folder that is a file is no error")
	}
}

func TestReplaceFile_LeavesTheOldOneOrTheNewOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "dev.json")
	for _, text := range []string{"old", "new"} {
		if err := replaceFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(name); err != nil || string(b) != text {
			t.Errorf("%s, %v", b, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files, %v", len(entries), err)
	}
	if err := replaceFile(filepath.Join(dir, "none", "x"), nil); err == nil {
		t.Error("a missing folder is no error")
	}
}

func TestEmulate_OpenToAll_WantsAToken(t *testing.T) {
	t.Parallel()
	sendoff("", "emulate", "--listen", "0.0.0.0:0").MustFail(t, 2, "--token (SENDOFF_EMULATOR_TOKEN) is required")
	sendoff("", "emulate", "--listen", "nowhere").MustFail(t, 2, "--listen")
}

func TestDev_AddressInUse_IsNamed(t *testing.T) {
	t.Parallel()
	sendoff("", "dev", "--dir", t.TempDir(), "--listen", "203.0.113.1:1").MustFail(t, 2, "choose another address with --listen")
}

func TestMigrate_TextAndConfirmation(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	run := func(args ...string) clitest.Result { return sendoff("", append(args, "--postgres-url", url)...) }
	if r := run("migrate", "status"); r.Code != 0 || !strings.Contains(r.Out, "missing") || strings.Contains(r.Out, "applied") {
		t.Errorf("before: %+v", r)
	}
	if r := run("migrate", "up"); r.Code != 0 || !strings.Contains(r.Out, "up to date") {
		t.Errorf("up: %+v", r)
	}
	run("migrate", "down").MustFail(t, 2, "--yes")
	if r := run("migrate", "status"); strings.Contains(r.Out, "missing") {
		t.Errorf("down without --yes: %+v", r)
	}
	sendoff("", "migrate", "up").MustFail(t, 2, "postgres-url")
}
