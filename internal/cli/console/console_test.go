package console

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]string{
		"2030-01-02T03:04:05+02:00": "2030-01-02T01:04:05Z",
		"2030-01-02":                "2030-01-02T00:00:00Z",
		"90s":                       "2026-01-02T03:05:35Z",
		"+10m":                      "2026-01-02T03:14:05Z",
		"30d":                       "2026-02-01T03:04:05Z",
		"0d":                        "2026-01-02T03:04:05Z",
	} {
		if got, err := ParseTime(text, now); err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "soon", "-1h", "-1d", "2030-13-01", "1.5d", "d", "2030"} {
		if got, err := ParseTime(text, now); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

func TestSplitPair(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{"a=b": {"a", "b"}, "a=": {"a", ""}, "a=b=c": {"a", "b=c"}} {
		if name, value, err := SplitPair(text); err != nil || name != want[0] || value != want[1] {
			t.Errorf("%s: %s, %s, %v", text, name, value, err)
		}
	}
	for _, text := range []string{"", "a", "=b"} {
		if _, _, err := SplitPair(text); err == nil || !strings.Contains(err.Error(), "name=value") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// asker reads from text.
func asker(text string) *Asker {
	return NewAsker(&Env{Stdin: strings.NewReader(text), Stderr: &bytes.Buffer{}})
}

func TestSecret_FromFileEnvironmentStdin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(" from the file \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const variable = "SENDOFF_TEST_CONSOLE_SECRET"
	a := asker("first\nsecond")
	for _, want := range []string{"first", "second"} {
		if got, err := a.Secret("token", "", variable); err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := a.Secret("token", "", variable); !errors.Is(err, ErrNoSecret) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := GivenSecret("token", "", variable); !errors.Is(err, ErrNoSecret) {
		t.Errorf("given nowhere: %v", err)
	}
	t.Setenv(variable, "from the environment")
	if got, err := a.Secret("token", "", variable); err != nil || got != "from the environment" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := a.Secret("token", file, variable); err != nil || got != "from the file" {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.WriteFile(file, []byte("two\nlines"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Secret("token", file, variable); err == nil || !strings.Contains(err.Error(), "token must be one line") ||
		strings.Contains(err.Error(), "lines") && strings.Contains(err.Error(), "two") {
		t.Errorf("got %v", err)
	}
	if _, err := a.Secret("token", file+"x", variable); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	t.Setenv(variable, "")
	if _, err := GivenSecret("token", "", variable); !errors.Is(err, ErrNoSecret) {
		t.Errorf("an empty variable is given: %v", err)
	}
}

func TestText_IsForPeople(t *testing.T) {
	t.Parallel()
	var f dispatch.Faults
	f.Add("/name", "is required")
	f.Add("/settings/base_url", "must look like https://host")
	notFound := dispatch.Errorf(dispatch.NotFound, "not found")
	for want, err := range map[string]error{
		"name: is required\nsettings/base_url: must look like https://host": f.Err(),
		"not found":       notFound,
		"there is no key": Explain(notFound, "there is no key"),
		"name: is required\nsettings/base_url: must look like https://host\nset NAME": Advise(f.Err(), "set NAME"),
		"read file: gone": fmt.Errorf("read file: %w", errors.New("gone")),
		"internal_error: something went wrong on our side; try again": &dispatch.Error{
			Code: dispatch.Internal,
			Msg:  "something went wrong on our side; try again",
		},
	} {
		if got := Text(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if dispatch.CodeOf(Explain(notFound, "x")) != dispatch.NotFound || dispatch.CodeOf(Advise(f.Err(), "x")) != dispatch.Invalid {
		t.Error("machines must get the code")
	}
	if Advise(nil, "x") != nil || Advise(notFound) != error(notFound) {
		t.Error("without advice an error stays as it is")
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := PrintTable(&out, "ID NAME", [][]string{{"1", "Acme"}, {"100", "B"}}); err != nil ||
		out.String() != "ID   NAME\n1    Acme\n100  B\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	out.Reset()
	if err := PrintTable(&out, "", [][]string{{"id", "1"}}); err != nil || out.String() != "id  1\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	out.Reset()
	if err := PrintJSON(&out, map[string]string{"url": "a&b<c>"}); err != nil || out.String() != "{\n  \"url\": \"a&b<c>\"\n}\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	if LocalTime(nil) != "-" || LocalTime(&time.Time{}) != "-" || LocalTime(&at) != "2026-01-02 03:04:05" {
		t.Errorf("%s", LocalTime(&at))
	}
}

func TestFinding(t *testing.T) {
	t.Parallel()
	f := Finding{Name: "clock"}
	if got := f.Failed("late", "run NTP"); got != (Finding{"clock", false, "late", "run NTP"}) {
		t.Errorf("%+v", got)
	}
	if got := f.Failed("late", "run NTP").Passed("fine"); got != (Finding{"clock", true, "fine", ""}) {
		t.Errorf("%+v", got)
	}
}
