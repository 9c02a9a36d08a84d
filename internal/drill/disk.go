package drill

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// disk is a small one of its own for a folder of the stack.
type disk struct {
	folder string // under the stack's; "": that itself
	size   string // as mount has it
}

// mount makes the disk in the stack's folder dir.
func (d *disk) mount(t T, dir string) {
	t.Helper()
	at := filepath.Join(dir, d.folder)
	if err := mountDisk(at, d.size); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { unmountDisk(at) })
}

func mountDisk(at, size string) error {
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=755,size="+size, "tmpfs", at).CombinedOutput(); err != nil {
		return fmt.Errorf("mount a small disk: %w: %s", err, out)
	}
	return nil
}

func unmountDisk(at string) {
	if exec.Command("umount", at).Run() != nil {
		_ = exec.Command("umount", "-l", at).Run()
	}
}

// Unable returns why the scenario can't run on this machine, or nothing.
func (c Scenario) Unable() string {
	if disks[c.Name] == nil {
		return ""
	}
	const why = "it needs a small disk, which root on Linux can mount"
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return why
	}
	dir, err := os.MkdirTemp("", "sendoff-drill-disk")
	if err != nil {
		return err.Error()
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := mountDisk(dir, "1m"); err != nil {
		return why + ": " + err.Error()
	}
	unmountDisk(dir)
	return ""
}

// fill writes a file until its disk is full, and returns what removes it.
func (s *Stack) fill(dir string) (free func()) {
	s.t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		s.t.Fatalf("fill the disk: %v", err)
	}
	defer func() { _ = f.Close() }()
	zeros := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(zeros)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		s.t.Fatalf("fill the disk: %v", err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			s.t.Errorf("make room: %v", err)
		}
	}
}

// disks are those of scenarios that need one.
var disks = map[string]*disk{"disk-full": {"", "600m"}, "tables-full": {"tables", "200m"}}

// diskScenarios fill disks.
func diskScenarios() []Scenario {
	return []Scenario{
		{
			Name: "disk-full", Fault: "the disk of Postgres and Redis is full for 12 seconds: Postgres stops and does not start",
			Seen: "503 with Retry-After until there is room", run: diskFull,
		},
		{
			Name: "tables-full", Fault: "the disk of the tables is full for 12 seconds; that of the log has room",
			Seen: "503 with Retry-After until there is room", run: tablesFull,
		},
	}
}

// diskFull fills the disk of everything. Postgres ends when it needs a new file of its
// log, and cannot start.
func diskFull(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":20}`)
	x := s.SendMany(o.Messages)
	x.During([]int{30}, func() {
		free := s.fill(s.dir)
		defer free()
		Until(s.t, time.Minute, "postgres stops", func() error {
			_, err := s.DB.Exec(`SELECT pg_switch_wal(), pg_logical_emit_message(true, 'drill', 'x')`)
			if err == nil {
				return errors.New("it still writes")
			}
			if s.DB.Ping() == nil {
				return fmt.Errorf("it runs: %w", err)
			}
			return nil
		})
		s.pass(12 * time.Second)
	})
	x.refusedAsBusy()
	return x.once(1+unknownRetries, "delivered")
}

// tablesFull moves the tables of messages to a small disk and fills it.
func tablesFull(s *Stack, o Options) Result {
	s.Configure(`{"latency_ms":20}`)
	dir := filepath.Join(s.dir, "tables")
	var data string
	if err := s.DB.QueryRow(`SHOW data_directory`).Scan(&data); err != nil {
		s.t.Fatalf("find postgres: %v", err)
	}
	if out, err := exec.Command("chown", "--reference="+data, dir).CombinedOutput(); err != nil {
		s.t.Fatalf("give the disk to postgres: %v: %s", err, out)
	}
	space := filepath.Join(dir, "space")
	if out, err := exec.Command("install", "-d", "-m", "700", space).CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("chown", "--reference="+data, space).CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	for _, statement := range []string{
		`CREATE TABLESPACE small LOCATION '` + space + `'`,
		`DO $do$ DECLARE p record; BEGIN
			FOR p IN SELECT inhrelid::regclass AS name FROM pg_inherits WHERE inhparent IN ('messages'::regclass, 'events'::regclass,
				'attempts'::regclass) LOOP EXECUTE format('ALTER TABLE %s SET TABLESPACE small', p.name); END LOOP; END $do$`,
	} {
		if _, err := s.DB.Exec(statement); err != nil {
			s.t.Fatalf("move the tables: %v", err)
		}
	}
	x := s.SendMany(o.Messages)
	x.During([]int{30}, func() {
		free := s.fill(dir)
		defer free()
		before := x.accepted.Load()
		s.pass(12 * time.Second)
		if more := x.accepted.Load() - before; more > int64(o.Messages)/4 {
			s.t.Errorf("%d messages accepted while the tables' disk was full", more)
		}
	})
	x.refusedAsBusy()
	return x.once(1+unknownRetries, "delivered")
}

// refusedAsBusy holds that requests were refused, each with 503 and Retry-After or
// not answered at all.
func (x *Sending) refusedAsBusy() {
	x.t.Helper()
	if x.busy.Load() == 0 {
		x.t.Errorf("no request was answered 503: the fault hit nothing")
	}
	x.noFaults()
}

// noFaults holds that no answer with 5xx was anything but a 503 with Retry-After.
func (x *Sending) noFaults() {
	x.t.Helper()
	if n := x.faults.Load(); n > 0 {
		text, _ := x.fault.Load().(string)
		x.t.Errorf("%d answers with 5xx that are not a 503 with Retry-After, the last one %s", n, text)
	}
}
