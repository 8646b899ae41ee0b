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
//
// `sentinel-sidecar health --state-dir DIR` asks the edge that runs on that directory how it is and ends with 0 if it
// has the service's ear; it is what containers' health checks run.
package main

import (
	"os"

	"sentinel/sidecar/internal/boundary"
	"sentinel/sidecar/internal/edge"
)

// version is replaced at build time by -ldflags "-X main.version=…".
var version = "0.1.0"

func main() { os.Exit(edge.Main(version, os.Args[1:], edge.Hooks{Reached: boundary.Unwatched})) }
