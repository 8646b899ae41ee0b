package edge

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"tailscale.com/client/local"

	"sentinel/sidecar/internal/boundary"
	"sentinel/sidecar/internal/settings"
	"sentinel/sidecar/internal/statedir"
)

// lockPatience is how long an edge waits for its predecessor to leave the state directory.
const lockPatience = 10 * time.Second

// Hooks are how a program that is not for production looks inside.
type Hooks struct {
	// Reached is told each boundary at which the process may be killed.
	Reached boundary.Reached
	// Started is given each Tailscale client that was started, if it is not nil.
	Started func(*local.Client)
}

// Main runs an edge as the arguments say and returns the process's exit code.
func Main(version string, args []string, hooks Hooks) (code int) {
	if len(args) > 0 && args[0] == "health" {
		return askHealth(args[1:], os.Stdout, os.Stderr)
	}
	options, err := parseOptions(args, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(os.Stderr, "sentinel-sidecar: %v\n", err)
		return 2
	case options.version:
		fmt.Printf("sentinel-sidecar %s (tailscale %s)\n", version, tailscaleVersion())
		return 0
	}
	logs := newLogs(os.Stderr, options.level)
	if err := run(version, options, logs, hooks); err != nil {
		logs.own.Error("the sidecar cannot run", "error", err.Error())
		return 1
	}
	return 0
}

func run(version string, options options, logs logs, hooks Hooks) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)

	own, err := readOwn(options.managed)
	if err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	lock, err := statedir.Acquire(patience, options.stateDir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }()

	edge := newEdge(version, options, own, logs, hooks)
	if options.managed {
		go edge.endWith(os.Stdin)
	} else {
		defer edge.showHealth()()
	}
	return edge.run(ctx)
}

// readOwn reads the edge's own variables and takes the secret ones out of the environment, so that nothing that the
// process starts or prints can have them.
func readOwn(managed bool) (*settings.Own, error) {
	own := new(settings.Own)
	if !managed {
		var err error
		if own, err = settings.ReadOwn(os.LookupEnv); err != nil {
			return nil, err
		}
	}
	for _, name := range settings.SecretVariables() {
		if err := os.Unsetenv(name); err != nil {
			return nil, fmt.Errorf("take %s out of the environment: %w", name, err)
		}
	}
	return own, nil
}
