//go:build fault

package fault

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/drill"
	"github.com/sendoff/sendoff/internal/storetest"
)

// image is the root of the Dockerfile's image: the binary, the certificates and an
// empty /tmp, bound read-only, for a user who is nobody.
type image struct {
	*stack
	root string
	tmp  bool // /tmp is a memory of its own, as Kubernetes' emptyDir
}

// newImage returns an image, or skips the test where none can be mounted.
func (s *stack) newImage(tmp bool) *image {
	s.t.Helper()
	i := &image{s, s.t.TempDir(), tmp}
	for _, dir := range []string{"usr/local/bin", "etc/ssl/certs", "tmp", "proc"} {
		storetest.Must(s.t, os.MkdirAll(filepath.Join(i.root, dir), 0o755))
	}
	raw, err := os.ReadFile(binary)
	storetest.Must(s.t, err)
	storetest.Must(s.t, os.WriteFile(filepath.Join(i.root, "usr/local/bin/sendoff"), raw, 0o755))
	for dir := i.root; dir != "/"; dir = filepath.Dir(dir) { // nobody must come in
		if info, err := os.Stat(dir); err == nil && info.Mode()&0o001 == 0 {
			storetest.Must(s.t, os.Chmod(dir, info.Mode()|0o011))
		}
	}
	if out, err := i.command("--version").CombinedOutput(); err != nil {
		s.t.Skipf("NOT TESTED: a read-only root cannot be mounted here (unshare, mount, chroot as root): %v: %s", err, out)
	}
	return i
}

// command returns a command of the image, with the environment of serve and work.
func (i *image) command(args ...string) *exec.Cmd {
	script := `mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && `
	if i.tmp {
		script += `mount -t tmpfs -o size=64m tmpfs "$0/tmp" && chmod 1777 "$0/tmp" && `
	}
	script += `exec chroot --userspec=65532:65532 "$0" /usr/local/bin/sendoff "$@"`
	cmd := exec.Command("unshare", append([]string{"-m", "sh", "-c", script, i.root}, args...)...)
	cmd.Env = append(i.Environ(), "TMPDIR=/tmp", "HOME=/")
	return cmd
}

// start starts a process of the image, which must leave at SIGTERM without an error.
func (i *image) start(name string) {
	i.t.Helper()
	cmd := i.command(name)
	log := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	storetest.Must(i.t, cmd.Start())
	i.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			i.t.Errorf("%s: %v\n%s", name, err, log)
		}
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, "read-only file system") {
				i.t.Errorf("%s: %s", name, line)
			}
		}
	})
}

// Everything runs from a read-only root: migrate, doctor, serve and work, with a
// writable /tmp and without.
func TestReadOnlyRoot(t *testing.T) {
	for _, tmp := range []bool{true, false} {
		t.Run(fmt.Sprintf("tmp %v", tmp), func(t *testing.T) {
			s := servers(t)
			i := s.newImage(tmp)
			for _, args := range [][]string{{"migrate", "status"}, {"migrate", "up"}} {
				if out, err := i.command(args...).CombinedOutput(); err != nil {
					t.Fatalf("%q: %v\n%s", args, err, out)
				}
			}
			i.start("serve")
			drill.Until(t, time.Minute, "serve ready", func() error { return s.Get(s.Dev.BaseURL+"/readyz", nil) })
			i.start("work")
			x := s.SendMany(200)
			x.During(nil, nil)
			if r := x.Check(1, "delivered"); r.Duplicates > 0 {
				t.Errorf("%d duplicates", r.Duplicates)
			}
			out, err := i.command("doctor").CombinedOutput()
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || strings.Contains(string(out), "read-only file system") {
				t.Errorf("doctor: %v\n%s", err, out)
			}
			if err != nil {
				t.Errorf("doctor finds fault with a healthy stack:\n%s", out)
			}
			i.batch()
		})
	}
}

// batch sends more messages than serve keeps results of in memory, where it has a
// /tmp.
func (i *image) batch() {
	i.t.Helper()
	const n = 40_000
	at := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	lines := make([]string, n)
	for k := range lines {
		lines[k] = fmt.Sprintf(`{"to":"+1555%07d","type":"text","text":{"body":"x"},"send_at":%q}`, 2_000_000+k, at)
	}
	var answer struct {
		Accepted int `json:"accepted"`
		Rejected int `json:"rejected"`
	}
	i.Ask(http.MethodPost, "/v1/messages/batch", "application/json", []byte(`{"messages":[`+strings.Join(lines, ",")+`]}`), &answer)
	if answer.Accepted+answer.Rejected != n {
		i.t.Errorf("%d accepted and %d rejected of %d", answer.Accepted, answer.Rejected, n)
	}
}
