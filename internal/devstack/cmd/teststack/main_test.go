package main

import (
	"strings"
	"testing"
)

func TestRun_CommandsCodeAndEnvironment(t *testing.T) {
	t.Parallel()
	var out, errOut strings.Builder
	script := `echo "$SENDOFF_TEST_POSTGRES_URL $SENDOFF_TEST_REDIS_URL"; exit 3`
	code := run(t.Context(), []string{"--", "sh", "-c", script}, &out, &errOut)
	if strings.Contains(errOut.String(), "find ") {
		t.Skipf("SKIPPED, NOT TESTED: %s", errOut.String())
	}
	if code != 3 {
		t.Errorf("run = %d, want the command's 3; %s", code, errOut.String())
	}
	if pg, rd, _ := strings.Cut(out.String(), " "); !strings.HasPrefix(pg, "postgres://") || !strings.HasPrefix(rd, "redis://") {
		t.Errorf("the command's environment has %q", out.String())
	}
}

func TestRun_NoCommand_IsRefused(t *testing.T) {
	t.Parallel()
	var out, errOut strings.Builder
	if code := run(t.Context(), []string{"--"}, &out, &errOut); code != 2 || !strings.Contains(errOut.String(), "usage") {
		t.Errorf("run = %d, %q, want 2 and the usage", code, errOut.String())
	}
}
