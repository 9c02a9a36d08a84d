package cli

import (
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/docs"
)

// shellBlock finds the blocks of commands in Markdown. Those marked "run" are run by
// TestCurls.
var shellBlock = regexp.MustCompile("(?s)```sh( run)?\n(.*?)```")

// runnable returns the blocks of a page that are marked to be run.
func runnable(t *testing.T, page string) string {
	t.Helper()
	text, err := docs.FS.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		if block[1] != "" {
			out.WriteString(block[2])
		}
	}
	return out.String()
}

// commandLine finds our commands at the begin of a line or beside an &.
var commandLine = regexp.MustCompile(`(?m)(?:^|& )(?:bin/)?sendoff ([^&\n]*)`)

// inlineCommand finds our commands within sentences, placeholder what stands for a number
// or an id there.
var (
	inlineCommand = regexp.MustCompile("`sendoff ([^`]*)`")
	placeholder   = regexp.MustCompile(`\b(?:ID|N)\b`)
)

// Every block of commands in the documentation is valid for sh, and every command
// of ours in it and in sentences exists, with its flags.
func TestDocs_CommandsParse(t *testing.T) {
	t.Parallel()
	pages, err := docs.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, page := range pages {
		text, err := docs.FS.ReadFile(page.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
			cmd := exec.CommandContext(t.Context(), "sh", "-n")
			cmd.Stdin = strings.NewReader(block[2])
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s\n%s", page.Name(), err, out, block[2])
			}
			joined := strings.ReplaceAll(block[2], "\\\n", " ")
			for _, line := range commandLine.FindAllStringSubmatch(joined, -1) {
				commands++
				parses(t, page.Name(), line[1], false)
			}
		}
	}
	for _, page := range pages {
		text, err := docs.FS.ReadFile(page.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range inlineCommand.FindAllStringSubmatch(string(text), -1) {
			line := strings.Join(strings.Fields(code[1]), " ")
			if strings.HasSuffix(line, "…") || strings.Contains(line, "|") {
				continue // several at once
			}
			commands++
			parses(t, page.Name(), placeholder.ReplaceAllString(line, "1"), true)
		}
	}
	if commands < 60 {
		t.Errorf("%d commands", commands)
	}
}

// parses fails the test unless a command line is one of ours, or only names one without
// its arguments, if it may.
func parses(t *testing.T, page, line string, named bool) {
	t.Helper()
	parser, err := newParser(io.Discard, io.Discard, func(code int) { t.Errorf("%s: %s: exit code %d", page, line, code) })
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ = strings.Cut(line, " #")
	args := words(line)
	if args[0] == "migrate" || args[0] == "restore" {
		args = append(args, "--postgres-url", "postgres://localhost/x")
	}
	_, err = parser.Parse(args)
	if err != nil && !(named && strings.HasPrefix(err.Error(), "expected ")) {
		t.Errorf("%s: sendoff %s: %v", page, line, err)
	}
}
