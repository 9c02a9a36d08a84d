package migrations_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/migrations"
)

// A migration that takes something from the binary before stands in docs/upgrade.md.
func TestMigrations_WhatIsDroppedIsTold(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	dropped := regexp.MustCompile(`(?m)^\s*(?:ALTER TABLE (?:IF EXISTS )?\w+ )?DROP ` +
		`(?:INDEX|TABLE|COLUMN|FUNCTION|VIEW)\s+(?:CONCURRENTLY )?(?:IF EXISTS )?(\w+)`)
	told := 0
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		if number <= "00086" { // the version before, see internal/e2e
			continue
		}
		raw, err := migrations.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(raw), "-- +goose Down")
		for _, m := range dropped.FindAllStringSubmatch(up, -1) {
			made := regexp.MustCompile(`CREATE (?:UNIQUE )?\w+ (?:CONCURRENTLY )?(?:IF NOT EXISTS )?` + m[1] + `\b`)
			if made.MatchString(up) {
				continue // what an interrupted run left behind, or another definition
			}
			if !strings.Contains(string(text), number) {
				t.Errorf("%s drops %s, of which docs/upgrade.md says nothing", name, m[1])
			}
			told++
		}
	}
	if told == 0 {
		t.Error("nothing is dropped: the test finds nothing")
	}
}
