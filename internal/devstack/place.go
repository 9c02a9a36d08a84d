package devstack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
)

// place is the folder of a stack: Dir itself, which is ours, and data in it,
// which belongs to the servers.
type place struct {
	data  string // where the servers keep everything
	owner *owner // whom the servers run as
	lock  *os.File
}

// openPlace makes the folders and takes the lock that keeps a second stack out.
func openPlace(dir string, log *slog.Logger) (*place, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	// The servers show the data folder's real path in their command lines.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("find folder: %w", err)
	}
	p := &place{}
	if p.lock, err = takeLock(filepath.Join(dir, "stack.lock")); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if err := p.makeData(dir, log); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// takeLock fails when another process has the lock. The kernel releases it
// when its holder dies, however that happens.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errors.New("another sendoff uses this folder")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// makeData makes dir/data: a folder, or where the owner can't reach dir, a
// link to one under the system's temporary folder, whose name is derived from
// dir so that a second start finds it again.
func (p *place) makeData(dir string, log *slog.Logger) error {
	link := filepath.Join(dir, "data")
	var err error
	if p.owner, err = findOwner(link); err != nil {
		return err
	}
	p.data = link
	target, err := os.Readlink(link)
	switch {
	case err == nil:
		p.data = target
	case errors.Is(err, fs.ErrNotExist) && !p.owner.reaches(dir):
		p.data = tempData(dir, p.owner)
		if err := os.Symlink(p.data, link); err != nil {
			return fmt.Errorf("link data folder: %w", err)
		}
		log.Info("data lie outside the folder, which the servers' user can't reach", "folder", dir, "data", p.data)
	}
	if err := p.secure(); err != nil {
		return fmt.Errorf("make data folder %s: %w", p.data, err)
	}
	return nil
}

// tempData names a folder for dir's data under the first temporary folder that
// the owner can reach: TMPDIR may be root's own.
func tempData(dir string, o *owner) string {
	sum := sha256.Sum256([]byte(dir))
	name := "sendoff-" + hex.EncodeToString(sum[:6])
	for _, temp := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if real, err := filepath.EvalSymlinks(temp); err == nil && o.reaches(real) {
			return filepath.Join(real, name)
		}
	}
	return filepath.Join(os.TempDir(), name)
}

// secure makes the data folder the owner's alone, and refuses one that
// somebody else put there: its name under the temporary folder can be guessed.
func (p *place) secure() error {
	if err := os.Mkdir(p.data, 0o700); err == nil {
		return p.owner.own(p.data)
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(p.data)
	if err != nil {
		return err
	}
	uid := os.Geteuid()
	if p.owner != nil {
		uid = p.owner.uid
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || (int(st.Uid) != uid && st.Uid != 0) {
		return fmt.Errorf("it exists and is not a folder of user %d", uid)
	}
	if err := p.owner.own(p.data); err != nil {
		return err
	}
	return os.Chmod(p.data, 0o700)
}

// file is a path in the data folder.
func (p *place) file(name string) string { return filepath.Join(p.data, name) }

// write puts a file into the data folder, readable by its owner alone.
func (p *place) write(name, content string) error {
	path := p.file(name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return p.owner.own(path)
}

// openLog opens a server's log for appending; one that has grown large makes
// way for a new one.
func (p *place) openLog(name string) (*os.File, error) {
	path := p.file(name)
	if info, err := os.Stat(path); err == nil && info.Size() > 16<<20 {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, fmt.Errorf("rotate log: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	if err := p.owner.own(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// close releases the folder; a second time it does nothing.
func (p *place) close() error {
	if err := p.lock.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
