package devstack

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestStartTemp_Stop_RemovesFolder(t *testing.T) {
	t.Parallel()
	skipWithoutPostgres(t)
	s, stop, err := StartTemp(t.Context(), Options{})
	if err != nil {
		t.Fatalf("StartTemp: %v", err)
	}
	data := s.place.data
	runSQL(t, s.PostgresURL(), `CREATE TABLE kept AS SELECT 1 AS n`)
	if err := stop(context.Background()); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := os.Stat(data); err == nil {
		t.Errorf("%s is still there", data)
	}
}

func TestSweep_RemovesTheDeadAndSparesTheLiving(t *testing.T) {
	t.Parallel()
	base := folder(t)
	living, dead := filepath.Join(base, "stack-1"), filepath.Join(base, "stack-2")
	fresh := filepath.Join(base, "stack-3")
	for _, dir := range []string{living, dead, fresh} {
		if err := os.MkdirAll(filepath.Join(dir, "data"), 0o711); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := takeLock(filepath.Join(living, "stack.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	old := time.Now().Add(-time.Hour)
	for _, dir := range []string{living, dead} {
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}

	sweep(t.Context(), base)
	for dir, want := range map[string]bool{living: true, dead: false, fresh: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", filepath.Base(dir), err == nil, want)
		}
	}
}
