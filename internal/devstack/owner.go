package devstack

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is the user whom the servers run as. Postgres refuses to run as root,
// and a Redis of root's that anybody on the machine may talk to should not be.
// A nil owner means ourselves.
type owner struct{ uid, gid int }

// findOwner is nil for an ordinary user. Root lends the servers to whoever
// owns the data already, else to "postgres", else to "nobody".
func findOwner(data string) (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if info, err := os.Stat(data); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			return &owner{int(st.Uid), int(st.Gid)}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil && uid > 0 {
			return &owner{uid, gid}, nil
		}
	}
	return nil, errors.New("find a user to run the servers as: neither postgres nor nobody exists")
}

// own changes the owner of a file or folder.
func (o *owner) own(path string) error {
	if o == nil {
		return nil
	}
	return os.Lchown(path, o.uid, o.gid)
}

// lend makes cmd run as the owner.
func (o *owner) lend(cmd *exec.Cmd) {
	if o == nil {
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)},
	}
}

// reaches reports whether the owner may enter a folder, judged by the mode of
// it and of all above it. Groups are left out: a wrong no costs little.
func (o *owner) reaches(dir string) bool {
	if o == nil {
		return true
	}
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return false
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || !o.enters(st, info.Mode()) {
			return false
		}
		up := filepath.Dir(dir)
		if up == dir {
			return true
		}
		dir = up
	}
}

func (o *owner) enters(st *syscall.Stat_t, mode os.FileMode) bool {
	if int(st.Uid) == o.uid {
		return mode&0o100 != 0
	}
	return mode&0o001 != 0
}
