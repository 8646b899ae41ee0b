package edge

import (
	"io"
	"log"
	"log/slog"
	"runtime/debug"
	"strings"

	"sentinel/sidecar/internal/record"
)

// logs are JSON lines in one output, told apart by their source.
type logs struct {
	own       *slog.Logger
	tailscale *slog.Logger
}

func newLogs(output io.Writer, level slog.Level) logs {
	handler := slog.NewJSONHandler(output, &slog.HandlerOptions{Level: level, ReplaceAttr: rename})
	root := slog.New(handler)
	made := logs{
		own:       root.With("log_source", "sidecar"),
		tailscale: root.With("log_source", "tailscale"),
	}
	// Parts of the Tailscale client write to the standard logger.
	log.SetFlags(0)
	log.SetOutput(debugLines{made.tailscale})
	return made
}

func rename(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return attr
	}
	switch attr.Key {
	case slog.TimeKey:
		attr.Key = "timestamp"
	case slog.MessageKey:
		attr.Key = "message"
	case slog.LevelKey:
		attr.Value = slog.StringValue(strings.ToLower(attr.Value.String()))
	}
	return attr
}

type debugLines struct{ log *slog.Logger }

func (d debugLines) Write(line []byte) (int, error) {
	d.log.Debug(record.WithoutSecrets(strings.TrimSpace(string(line))))
	return len(line), nil
}

// tailscaleVersion is that of the module that is linked in.
func tailscaleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "tailscale.com" {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return "unknown"
}
