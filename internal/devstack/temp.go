package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// StartTemp starts a stack for tests in a new temporary folder. The returned
// function stops it and removes the folder. Folders whose stack died without
// that are removed on the way.
func StartTemp(ctx context.Context, o Options) (*Stack, func(context.Context) error, error) {
	base := filepath.Join(os.TempDir(), "sendoff-test-"+strconv.Itoa(os.Geteuid()))
	// Others may pass through, since the servers run as another user when we
	// are root, but not look around.
	if err := os.MkdirAll(base, 0o711); err != nil {
		return nil, nil, fmt.Errorf("make temporary folder: %w", err)
	}
	sweep(ctx, base)
	dir, err := MkdirTemp(base, "stack-")
	if err != nil {
		return nil, nil, err
	}
	o.Dir, o.Fast = dir, true
	s, err := Start(ctx, o)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop := func(ctx context.Context) error {
		return errors.Join(s.Stop(ctx), os.RemoveAll(s.place.data), os.RemoveAll(dir))
	}
	return s, stop, nil
}

// MkdirTemp is os.MkdirTemp for a stack's folder: the servers' user, who is
// another one when root starts them, can reach it, so that their data lie in it
// and go with it.
func MkdirTemp(base, pattern string) (string, error) {
	dir, err := os.MkdirTemp(base, pattern)
	if err != nil {
		return "", fmt.Errorf("make temporary folder: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", fmt.Errorf("open temporary folder: %w", err)
	}
	return dir, nil
}

// sweep removes the folders under base that no living process has locked. It
// does what it can: a folder that resists is the next run's.
func sweep(ctx context.Context, base string) {
	dirs, err := filepath.Glob(filepath.Join(base, "stack-*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		// One that is being made has not taken its lock yet.
		info, err := os.Stat(dir)
		if err == nil && time.Since(info.ModTime()) > time.Minute {
			sweepOne(ctx, dir)
		}
	}
}

func sweepOne(ctx context.Context, dir string) {
	lock, err := takeLock(filepath.Join(dir, "stack.lock"))
	if err != nil {
		return
	}
	defer func() { _ = lock.Close() }() // a lock on a file that is gone holds nobody up
	data, err := filepath.EvalSymlinks(filepath.Join(dir, "data"))
	if err == nil {
		p := &place{data: data, lock: lock}
		pgErr := (&postgres{place: p}).endLeftover(ctx)
		redisErr := (&redisProcess{place: p}).endLeftover(ctx)
		if pgErr != nil || redisErr != nil || os.RemoveAll(data) != nil {
			return
		}
	}
	_ = os.RemoveAll(dir)
}
