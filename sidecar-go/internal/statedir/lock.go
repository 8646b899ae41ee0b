// Package statedir guards the directory in which a node keeps its identity.
package statedir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lockName = "sidecar.lock"
	retry    = 100 * time.Millisecond
)

// Lock is the exclusive use of a state directory.
type Lock struct {
	file *os.File
}

// Acquire makes the directory if there is none and locks it, waiting for as long as the context allows. Two processes
// on one directory would be two nodes with one identity.
func Acquire(ctx context.Context, dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory %s cannot be made: %w", dir, plain(err))
	}
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state directory %s cannot be written to: %w: check its owner and mode", dir, plain(err))
	}
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return &Lock{file: file}, readable(dir)
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = file.Close()
			return nil, fmt.Errorf("state directory %s cannot be locked: %w", dir, err)
		}
		if !pause(ctx) {
			_ = file.Close()
			return nil, fmt.Errorf("state directory %s is in use by another sentinel-sidecar: "+
				"end that one, or give this one a --state-dir of its own", dir)
		}
	}
}

// Release gives the directory free.
func (l *Lock) Release() error { return l.file.Close() }

// readable finds a state that the node could not load before anything depends on it.
func readable(dir string) error {
	file, err := os.OpenFile(filepath.Join(dir, "tailscaled.state"), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("state directory %s has a state that cannot be used: %w: check its owner and mode", dir, plain(err))
	}
	return file.Close()
}

// plain takes the path off an error whose text names the directory already.
func plain(err error) error {
	if pathError, ok := errors.AsType[*os.PathError](err); ok {
		return pathError.Err
	}
	return err
}

func pause(ctx context.Context) bool {
	timer := time.NewTimer(retry)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
