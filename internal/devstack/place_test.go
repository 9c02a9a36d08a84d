package devstack

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/wait"
)

func TestOpenPlace_RootsOwnFolder_LinksDataUnderTemp(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root lends its servers to another user")
	}
	dir := folder(t)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: dir}
	s := start(t, o)
	data := s.place.data
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	if filepath.Dir(data) != filepath.Clean(os.TempDir()) {
		t.Errorf("data lie in %s, want them under %s", data, os.TempDir())
	}
	if got, err := os.Readlink(filepath.Join(dir, "data")); err != nil || got != data {
		t.Errorf("dir/data -> %q, %v, want %q", got, err, data)
	}
	runSQL(t, s.PostgresURL(), `CREATE TABLE kept AS SELECT 1 AS n`)
	stop(t, s)
	if got := count(t, start(t, o).PostgresURL()); got != 1 {
		t.Errorf("rows after a second start = %d, want 1", got)
	}
}

func TestSecure_FolderOfAnother_IsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "guessed")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	if err := (&place{data: link}).secure(); err == nil {
		t.Error("a link in the data folder's place was accepted")
	}
}

func TestOpenLog_Large_IsRotated(t *testing.T) {
	t.Parallel()
	p := &place{data: t.TempDir()}
	if err := os.WriteFile(p.file("x.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(p.file("x.log"), 17<<20); err != nil {
		t.Fatal(err)
	}
	f, err := p.openLog("x.log")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if size := logSize(f); size != 0 {
		t.Errorf("new log has %d bytes, want 0", size)
	}
}

func TestFindPostgres_LoneWrapper_IsPassedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) 17.2'\n"
	for i, name := range []string{"postgres", "initdb", "pg_ctl"} {
		want := 0
		if i == 2 {
			want = 17
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := postgresMajor(dir); got != want {
			t.Errorf("with %s: version %d, want %d", name, got, want)
		}
	}
}

func TestNewestFirst_ComparesNumbers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, v := range []string{"9", "15", "17"} {
		if err := os.MkdirAll(filepath.Join(dir, "pg", v, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got := newestFirst(filepath.Join(dir, "pg/*/bin"))
	if len(got) != 3 || !strings.HasSuffix(got[0], "17/bin") || !strings.HasSuffix(got[2], "9/bin") {
		t.Errorf("newestFirst = %v, want 17, 15, 9", got)
	}
}

func TestFreePort_LiesBelowOutgoingPorts(t *testing.T) {
	t.Parallel()
	port, err := freePort()
	if err != nil || port < firstPort || port >= lastPort {
		t.Errorf("freePort = %d, %v, want one in [%d, %d)", port, err, firstPort, lastPort)
	}
}

func TestStartMiniredis_ExpiresKeys(t *testing.T) {
	t.Parallel()
	m, err := startMiniredis(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := &Stack{redis: m}
	c := client(t, s)
	if err := c.Set(t.Context(), "k", "v", 50*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the key expires by the clock", func() bool { return c.Exists(t.Context(), "k").Val() == 0 })
	if s.RedisKind() != "miniredis" || s.RedisPID() != 0 {
		t.Errorf("kind %q, pid %d, want miniredis and 0", s.RedisKind(), s.RedisPID())
	}
	if err := m.stop(t.Context()); err != nil {
		t.Error(err)
	}
}
