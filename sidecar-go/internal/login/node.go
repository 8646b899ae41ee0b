// Package login runs the edge's own node: it starts Tailscale's client inside the process with the right credentials.
package login

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tailscale.com/client/local"
	"tailscale.com/envknob"
	_ "tailscale.com/feature/identityfederation" // Lets a node log in with a federated identity.
	"tailscale.com/tsnet"

	"sentinel/sidecar/internal/bus"
	"sentinel/sidecar/internal/record"
	"sentinel/sidecar/internal/settings"
)

// Node is one run of the Tailscale client.
type Node struct {
	server *tsnet.Server
	local  *local.Client
	client *bus.Client
}

// Start brings the client up on the state in dir; it does not wait for a login. With OAuth or federated credentials it
// asks Tailscale's API for a key first, which may take long, and which only a node that is not enrolled needs, or one
// for which force is set.
func Start(dir string, s *settings.Settings, credentials settings.Credentials, force bool, log *slog.Logger) (*Node, error) {
	// A map kept on disk would show the tailnet of yesterday as that of today.
	envknob.Setenv("TS_USE_CACHED_NETMAP", "false")
	envknob.Setenv("TS_NO_LOGS_NO_SUPPORT", strconv.FormatBool(!s.LogUpload))
	// Without it the client asks an enrolled node for no login even if its key has expired.
	envknob.Setenv("TSNET_FORCE_LOGIN", strconv.FormatBool(force))
	if Enrolled(dir) && !force {
		credentials = offline(credentials)
	}
	server := &tsnet.Server{
		Dir: dir, Hostname: s.Hostname, ControlURL: s.ControlURL, Ephemeral: s.Ephemeral,
		AdvertiseTags: s.AdvertiseTags, AuthKey: credentials.AuthKey, ClientSecret: credentials.ClientSecret,
		ClientID: credentials.ClientID, IDToken: credentials.IDToken, Audience: credentials.Audience,
		Logf: logf(log), UserLogf: logf(log),
	}
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start the Tailscale client: %s", record.WithoutSecrets(err.Error()))
	}
	local, err := server.LocalClient()
	if err != nil {
		return nil, fmt.Errorf("reach the Tailscale client: %w", err)
	}
	return &Node{server: server, local: local, client: bus.New(local)}, nil
}

// Client speaks to the running client.
func (n *Node) Client() *bus.Client { return n.client }

// Local is the running client as Tailscale hands it out; only tests need more of it than Client has.
func (n *Node) Local() *local.Client { return n.local }

// Close ends the client; an ephemeral node leaves the tailnet with it. It takes up to five seconds.
func (n *Node) Close() error {
	if err := n.server.Close(); err != nil {
		return fmt.Errorf("end the Tailscale client: %w", err)
	}
	return nil
}

// Enrolled reports whether the state in dir belongs to a node that has logged in before.
func Enrolled(dir string) bool {
	data, err := os.ReadFile(filepath.Join(dir, "tailscaled.state"))
	if err != nil {
		return false
	}
	var state map[string]json.RawMessage
	if err := json.Unmarshal(data, &state); err != nil {
		return false
	}
	for name := range state {
		if strings.HasPrefix(name, "profile-") {
			return true
		}
	}
	return false
}

// offline leaves only what needs no question to Tailscale's API: an enrolled node must start without it.
func offline(c settings.Credentials) settings.Credentials {
	if strings.HasPrefix(c.AuthKey, "tskey-client-") {
		return settings.Credentials{}
	}
	return settings.Credentials{AuthKey: c.AuthKey}
}

// logf writes the client's own lines for debugging. The line with the login URL is left out: the edge has its own.
func logf(log *slog.Logger) func(format string, args ...any) {
	return func(format string, args ...any) {
		if strings.HasPrefix(format, "To start this tsnet server") {
			return
		}
		log.Debug(strings.TrimSpace(record.WithoutSecrets(fmt.Sprintf(format, args...))))
	}
}
