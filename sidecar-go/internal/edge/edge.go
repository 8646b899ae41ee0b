// Package edge is the whole sidecar but for its name and version: it wires the parts together, runs the Tailscale client
// and answers the service.
package edge

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/health"
	"sentinel/sidecar/internal/observe"
	"sentinel/sidecar/internal/settings"
	"sentinel/sidecar/internal/uplink"
)

const (
	ringLimit = 64 << 20
	// endPatience is how long everything that has to end may take together.
	endPatience = 7 * time.Second
)

// edge wires the parts together and answers the service.
type edge struct {
	version  string
	options  options
	own      *settings.Own
	logs     logs
	bootID   string
	observer *observe.Observer
	monitor  *health.Monitor
	runner   *runner
	uplink   *uplink.Uplink

	endOnce sync.Once
	end     chan struct{}
}

func newEdge(version string, options options, own *settings.Own, logs logs, hooks Hooks) *edge {
	bootID := rand.Text()
	var ledger *uplink.Ledger
	connect := func(snapshot func() uplink.Snapshot) observe.Ledger {
		ledger = uplink.NewLedger(bootID, ringLimit, snapshot)
		return ledger
	}
	observer := observe.New(tailscaleVersion(), logs.own, hooks.Reached, connect)
	monitor := new(health.Monitor)
	e := &edge{
		version: version, options: options, own: own, logs: logs, bootID: bootID,
		observer: observer, monitor: monitor,
		runner: newRunner(options.stateDir, own, observer, monitor, logs, hooks.Started),
		end:    make(chan struct{}),
	}
	e.uplink = uplink.New(options.target, ledger, e, logs.own, hooks.Reached)
	return e
}

// run works until the context is done or somebody else ends the edge, and then ends cleanly.
func (e *edge) run(ctx context.Context) error {
	log := e.logs.own
	log.Info("sidecar started", "version", e.version, "tailscale_version", tailscaleVersion(), "source", e.options.source,
		"boot_id", e.bootID, "own_variables", e.own.Names)
	uplinkCtx, stopUplink := context.WithCancel(context.Background())
	runnerCtx, stopRunner := context.WithCancel(context.Background())
	defer stopUplink()
	defer stopRunner()
	var uplinkDone, runnerDone sync.WaitGroup
	uplinkDone.Go(func() { e.uplink.Run(uplinkCtx) })
	failed := make(chan error, 1)
	runnerDone.Go(func() { failed <- e.runner.run(runnerCtx) })

	var err error
	select {
	case <-ctx.Done():
		log.Info("sidecar ends", "because", "signal")
	case <-e.end:
	case err = <-failed:
	}
	// What hangs in Tailscale's own shutdown must not keep a supervisor waiting.
	timer := time.AfterFunc(endPatience, func() {
		log.Warn("sidecar ends without waiting any longer")
		os.Exit(0)
	})
	defer timer.Stop()
	stopRunner()
	stopUplink()
	uplinkDone.Wait()
	runnerDone.Wait()
	log.Info("sidecar ended")
	return err
}

// endWith ends the edge when its supervisor does: the pipe from it is closed then, however it died.
func (e *edge) endWith(pipe io.Reader) {
	_, err := io.Copy(io.Discard, pipe)
	e.stop("the supervisor's pipe is closed", "error", errorText(err))
}

func (e *edge) stop(because string, fields ...any) {
	e.endOnce.Do(func() {
		e.logs.own.Info("sidecar ends", append([]any{"because", because}, fields...)...)
		close(e.end)
	})
}

// Hello introduces the edge.
func (e *edge) Hello() *wirev1.Hello {
	return &wirev1.Hello{
		EdgeVersion: e.version, TailscaleVersion: tailscaleVersion(), BootId: e.bootID, Source: e.options.source,
		OwnVariables: e.own.Names,
	}
}

// Welcomed takes the service's configuration.
func (e *edge) Welcomed(config *wirev1.EdgeConfig) {
	e.runner.configure(settings.FromWire(config), func([]string, []string, error) {})
}

// Freshness says how well the edge sees.
func (e *edge) Freshness() *wirev1.Freshness {
	freshness := e.monitor.Freshness(time.Now(), controlMessages())
	freshness.Resyncs, freshness.AuditMismatches = e.observer.Counts()
	return freshness
}

// Command carries a command of the service out.
func (e *edge) Command(command *wirev1.Command, reply func(*wirev1.CommandResult)) {
	result := &wirev1.CommandResult{CommandId: command.GetCommandId()}
	answer := func(err error) {
		result.Done, result.Error = err == nil, errorText(err)
		reply(result)
	}
	switch c := command.GetCommand().(type) {
	case *wirev1.Command_Configure:
		e.runner.configure(settings.FromWire(c.Configure.GetConfig()), func(applied, restarted []string, err error) {
			result.Applied, result.RestartedFor = applied, restarted
			answer(err)
		})
	case *wirev1.Command_Login:
		e.runner.login(answer)
	case *wirev1.Command_Audit:
		e.observer.Audit(func(differences int, err error) {
			if err == nil && differences > 0 {
				err = fmt.Errorf("differences between the replica and the client's status: %d", differences)
			}
			answer(err)
			result.Done = err == nil || differences > 0
		})
	case *wirev1.Command_ShutDown:
		answer(nil)
		e.stop("the service says so", "reason", c.ShutDown.GetReason())
	default:
		answer(fmt.Errorf("sentinel-sidecar %s does not know this command", e.version))
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
