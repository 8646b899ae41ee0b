// Sentinel-sidecar joins a tailnet as a node of its own, watches it, and feeds the service named by --connect with what
// it sees.
//
// An edge that is run by hand or by another supervisor than the service may be given these variables; they win over
// what the service says. With --managed they are not read.
//
//	SENTINEL_TSNET_HOSTNAME        host name of the node
//	SENTINEL_TSNET_CONTROL_URL     control server; Tailscale's own if unset
//	SENTINEL_TSNET_EPHEMERAL       remove the node from the tailnet when the sidecar ends
//	SENTINEL_TSNET_LOG_UPLOAD      upload the Tailscale client's own logs to Tailscale
//	SENTINEL_TSNET_ADVERTISE_TAGS  tags that the node asks for, separated by commas
//	SENTINEL_TAILSCALE_AUTH_KEY    auth key; SENTINEL_TSNET_AUTH_KEY is another name for it
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"sentinel/sidecar/internal/settings"
	"sentinel/sidecar/internal/statedir"
)

// version is replaced at build time by -ldflags "-X main.version=…".
var version = "0.1.0"

// lockPatience is how long an edge waits for its predecessor to leave the state directory.
const lockPatience = 10 * time.Second

func main() {
	options, err := parseOptions(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintf(os.Stderr, "sentinel-sidecar: %v\n", err)
		os.Exit(2)
	case options.version:
		fmt.Printf("sentinel-sidecar %s (tailscale %s)\n", version, tailscaleVersion())
		return
	}
	logs := newLogs(os.Stderr, options.level)
	if err := run(options, logs); err != nil {
		logs.own.Error("the sidecar cannot run", "error", err.Error())
		os.Exit(1)
	}
}

func run(options options, logs logs) error {
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

	edge := newEdge(options, own, logs)
	if options.managed {
		go edge.endWith(os.Stdin)
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
