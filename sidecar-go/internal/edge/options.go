package edge

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
)

// longestSocketPath is what the kernel takes in a socket's address.
const longestSocketPath = 107

// options are the command line.
type options struct {
	target   string
	source   string
	stateDir string
	managed  bool
	level    slog.Level
	version  bool
}

func parseOptions(args []string, output io.Writer) (options, error) {
	var o options
	var connect, level string
	flags := flag.NewFlagSet("sentinel-sidecar", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&connect, "connect", "", "`address` of the service: unix:/path, or just /path")
	flags.StringVar(&o.source, "source", "", "`name` of the source that this edge feeds")
	flags.StringVar(&o.stateDir, "state-dir", "", "`directory` in which the node keeps its identity")
	flags.BoolVar(&o.managed, "managed", false, "end when standard input is closed, and read no SENTINEL_ variables")
	flags.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	flags.BoolVar(&o.version, "version", false, "print the version and end")
	if err := flags.Parse(args); err != nil || o.version {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if o.target, err = target(connect); err != nil {
		return o, err
	}
	if o.source == "" {
		return o, errors.New("--source is missing")
	}
	if o.stateDir == "" {
		return o, errors.New("--state-dir is missing")
	}
	if o.stateDir, err = filepath.Abs(o.stateDir); err != nil {
		return o, fmt.Errorf("--state-dir: %w", err)
	}
	o.level, err = logLevel(level)
	return o, err
}

// target turns an address into gRPC's spelling.
func target(address string) (string, error) {
	path := strings.TrimPrefix(address, "unix:")
	switch {
	case address == "":
		return "", errors.New("--connect is missing")
	case !filepath.IsAbs(path):
		return "", fmt.Errorf("--connect %q: give unix:/path/to/socket or /path/to/socket, with an absolute path", address)
	case len(path) > longestSocketPath:
		return "", fmt.Errorf("--connect: the socket's path has %d bytes, at most %d are possible: choose a shorter one",
			len(path), longestSocketPath)
	}
	return "unix:" + filepath.Clean(path), nil
}

func logLevel(text string) (slog.Level, error) {
	var level slog.Level
	switch strings.ToLower(text) {
	case "debug", "info", "error":
	case "warn", "warning":
		text = "warn"
	default:
		return level, fmt.Errorf("--log-level %q: choose debug, info, warn or error", text)
	}
	return level, level.UnmarshalText([]byte(text))
}
