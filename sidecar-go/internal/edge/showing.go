package edge

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	healthSocket = "health.sock"
	// healthPatience is how long either side waits for the other.
	healthPatience = 3 * time.Second
)

// condition is how an edge is, as it says it at its health socket: one JSON line to everybody who connects.
type condition struct {
	Connected     bool `json:"connected"`
	SeesTailnet   bool `json:"sees_tailnet"`
	WaitsForLogin bool `json:"waits_for_login"`
	// Trouble is why it is not connected; empty if it is, or if nothing is known.
	Trouble string `json:"trouble,omitempty"`
}

// String says it in words.
func (c condition) String() string {
	switch {
	case !c.Connected && c.Trouble != "":
		return "not connected to the service: " + c.Trouble
	case !c.Connected:
		return "not connected to the service"
	case c.WaitsForLogin:
		return "connected to the service; the node waits for a login"
	case !c.SeesTailnet:
		return "connected to the service; the node does not see the tailnet yet"
	default:
		return "connected to the service; the node sees the tailnet"
	}
}

func (e *edge) condition() condition {
	return condition{
		Connected: e.uplink.Connected(), SeesTailnet: e.observer.SeesTailnet(),
		WaitsForLogin: e.observer.WaitsForLogin(), Trouble: e.uplink.Trouble(),
	}
}

// showHealth answers in the state directory, which is this process's alone, until the returned function is called. An
// edge works without, so whatever is wrong with it is only logged.
func (e *edge) showHealth() (stop func()) {
	listener, err := listenHealth(e.options.stateDir)
	if err != nil {
		e.logs.own.Warn("the edge's health cannot be asked", "error", err.Error())
		return func() {}
	}
	go answerHealth(listener, e.condition, e.logs.own)
	return func() { _ = listener.Close() }
}

func listenHealth(dir string) (net.Listener, error) {
	path := filepath.Join(dir, healthSocket)
	if len(path) > longestSocketPath {
		return nil, fmt.Errorf("the path of %s has %d bytes, at most %d are possible", path, len(path), longestSocketPath)
	}
	// The lock on the directory is held, so a socket that is still here is stale.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove a stale socket: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

// answerHealth answers one after another until the listener is closed.
func answerHealth(listener net.Listener, how func() condition, log *slog.Logger) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_ = conn.SetDeadline(time.Now().Add(healthPatience))
		if err := json.NewEncoder(conn).Encode(how()); err != nil {
			log.Debug("an answer about the edge's health was not taken", "error", err.Error())
		}
		_ = conn.Close()
	}
}

// askHealth is the command that asks a running edge; the exit code is 0 only if the service hears it. That a node waits
// for a login is no reason to end it: a new start would only make the login's address void.
func askHealth(args []string, stdout, stderr io.Writer) (code int) {
	flags := flag.NewFlagSet("sentinel-sidecar health", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("state-dir", "", "state `directory` of the edge that is asked")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case *dir == "" || flags.NArg() > 0:
		fmt.Fprintln(stderr, "sentinel-sidecar health: give --state-dir DIRECTORY and nothing else")
		return 2
	}
	found, err := asked(filepath.Join(*dir, healthSocket))
	if err != nil {
		fmt.Fprintf(stderr, "sentinel-sidecar health: no edge answers in %s: %v\n", *dir, err)
		return 1
	}
	fmt.Fprintln(stdout, found)
	if !found.Connected {
		return 1
	}
	return 0
}

func asked(path string) (found condition, err error) {
	conn, err := net.DialTimeout("unix", path, healthPatience)
	if err != nil {
		return found, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(healthPatience)); err != nil {
		return found, err
	}
	return found, json.NewDecoder(conn).Decode(&found)
}
