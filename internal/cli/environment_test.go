package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A secret of a container is a file: its variable is the setting's with _FILE.
func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	t.Setenv("SENDOFF_SECRET_KEY_FILE", write("key", "sixteen letters.\n"))
	t.Setenv("SENDOFF_SECRET_KEY", "") // removed by unsetEmpty, restored after the test
	unsetEmpty()
	if err := readFiles(nil); err != nil || os.Getenv("SENDOFF_SECRET_KEY") != "sixteen letters." {
		t.Fatalf("%q, %v", os.Getenv("SENDOFF_SECRET_KEY"), err)
	}
	if err := readFiles(nil); err == nil || !strings.Contains(err.Error(), "SENDOFF_SECRET_KEY and SENDOFF_SECRET_KEY_FILE are both set") {
		t.Errorf("both set: %v", err)
	}
	if err := readFiles([]string{"SENDOFF_SECRET_KEY_FILE"}); err != nil {
		t.Errorf("a setting whose own name ends in _FILE: %v", err)
	}
	for want, file := range map[string]string{
		"no such file": filepath.Join(dir, "absent"), "is empty": write("empty", " \n"), "64 KiB": write("large", strings.Repeat("x", 70_000)),
	} {
		if err := os.Unsetenv("SENDOFF_SECRET_KEY"); err != nil {
			t.Fatal(err)
		}
		t.Setenv("SENDOFF_SECRET_KEY_FILE", file)
		if r := sendoff("", "account", "list"); r.Code != 2 || !strings.Contains(r.Err, want) ||
			!strings.Contains(r.Err, "SENDOFF_SECRET_KEY_FILE") {
			t.Errorf("%s: code %d, %s", file, r.Code, r.Err)
		}
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	root := parser(t, newCLI()).Model.Node
	for line, want := range map[string]string{
		"chan": "channel", "channel paus": "pause", "channel update --rat": "--rate", "send --lane ": "bulk normal otp",
		"send --text channel --lane o": "otp", "completion f": "fish", "send --text ": "", "nonsense x": "",
	} {
		if got := strings.Join(complete(root, strings.Split(line, " ")), " "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	if all := complete(root, nil); !slices.Contains(all, "serve") || slices.Contains(all, completeWord) {
		t.Errorf("commands %v", all)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if r := sendoff("", "completion", shell); r.Code != 0 || !strings.Contains(r.Out, "sendoff "+completeWord) {
			t.Errorf("%s: code %d, %s%s", shell, r.Code, r.Out, r.Err)
		}
	}
	if r := sendoff("", completeWord, "acc"); r.Code != 0 || r.Out != "account\n" {
		t.Errorf("code %d, %q", r.Code, r.Out)
	}
}

// The flags of a command itself come before those of many commands.
func TestHelp_OwnFlagsFirst(t *testing.T) {
	t.Parallel()
	for command, own := range map[string]string{"serve": "--listen", "channel update": "--rate", "send": "--to", "key create": "--name"} {
		r := sendoff("", append(strings.Fields(command), "--help")...)
		common := strings.Index(r.Out, "Common flags:")
		if at := strings.Index(r.Out, own+"="); at < 0 || common < at || strings.Index(r.Out, "--config") < common {
			t.Errorf("%s: %s at %d, common flags at %d", command, own, at, common)
		}
	}
}
