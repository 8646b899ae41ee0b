package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"

	"golang.org/x/net/http2"
	"tailscale.com/control/controlhttp/controlhttpserver"
	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
)

const longestRequest = 1 << 20

// front ends the encrypted connections of clients and hands their requests to the test control server. It stands before
// that server because the latter hides who is ephemeral or logs out, and takes its process down on a request it does not
// know.
type front struct {
	net     *tailnet
	control *testcontrol.Server
	logins  *logins
	log     *slog.Logger
	authKey string // the only one accepted; empty accepts all
	private key.MachinePrivate
	legacy  key.MachinePrivate
}

func newFront(net *tailnet, baseURL, authKey string, interactive bool, log *slog.Logger) *front {
	control := &testcontrol.Server{
		Logf:            func(format string, args ...any) { log.Debug(fmt.Sprintf(format, args...)) },
		DERPMap:         net.derp,
		MagicDNSDomain:  dnsSuffix,
		ExplicitBaseURL: baseURL,
		RequireAuth:     interactive,
		RequireAuthKey:  authKey,
		AltMapStream:    net.serveMap,
	}
	return &front{
		net: net, control: control, log: log, authKey: authKey,
		logins:  newLogins(control),
		private: key.NewMachine(), legacy: key.NewMachine(),
	}
}

// handler serves what is reachable without encryption.
func (f *front) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /key", f.serveKey)
	mux.HandleFunc("/ts2021", f.serveUpgrade)
	mux.HandleFunc("GET /generate_204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /auth/{token}", f.logins.servePage)
	mux.HandleFunc("POST /auth/{token}", f.logins.serveConsent)
	return mux
}

func (f *front) serveKey(w http.ResponseWriter, _ *http.Request) {
	f.reply(w, tailcfg.OverTLSPublicKeyResponse{LegacyPublicKey: f.legacy.Public(), PublicKey: f.private.Public()})
}

func (f *front) reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		f.log.Info("an answer was not delivered", "error", err)
	}
}

// serveUpgrade turns a connection into an encrypted one and serves the requests inside.
func (f *front) serveUpgrade(w http.ResponseWriter, r *http.Request) {
	conn, err := controlhttpserver.AcceptHTTP(r.Context(), w, r, f.private, nil)
	if err != nil {
		f.log.Info("a connection was not upgraded", "error", err)
		return
	}
	defer func() { _ = conn.Close() }() // it has ended by then, one way or the other
	inside := http.NewServeMux()
	inside.HandleFunc("POST /machine/register", f.serveRegister)
	inside.HandleFunc("POST /machine/map", f.serveMap)
	inside.HandleFunc("GET /machine/tka/{question...}", f.net.serveLock)
	inside.HandleFunc("POST /machine/update-health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	(&http2.Server{}).ServeConn(conn, &http2.ServeConnOpts{
		Context:    machineContext{Context: r.Context(), machine: conn.Peer()},
		BaseConfig: &http.Server{Handler: inside, ErrorLog: slog.NewLogLogger(f.log.Handler(), slog.LevelDebug)},
	})
}

// serveMap passes a map request on if its node is one of ours; a deleted one is told that it is not.
func (f *front) serveMap(w http.ResponseWriter, r *http.Request) {
	var req tailcfg.MapRequest
	if err := readBody(r, &req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !f.net.knows(req.NodeKey, machineOf(r.Context())) {
		http.Error(w, "node not found", http.StatusNotFound)
		return
	}
	f.control.ServeHTTP(w, r)
}

// readBody decodes a request and leaves it readable for whoever comes next.
func readBody(r *http.Request, into any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, longestRequest))
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("decode the request: %w", err)
	}
	setBody(r, raw)
	return nil
}

func setBody(r *http.Request, raw []byte) {
	r.Body = io.NopCloser(bytes.NewReader(raw))
	r.ContentLength = int64(len(raw))
}

type machineKey struct{}

// machineContext tells whose connection a request came over: us, and the test control server, whose own name for the key
// is not exported.
type machineContext struct {
	context.Context
	machine key.MachinePublic
}

// Value answers for both names of the machine key.
func (c machineContext) Value(k any) any {
	if _, ours := k.(machineKey); ours || isTestControlsMachineKey(k) {
		return c.machine
	}
	return c.Context.Value(k)
}

func isTestControlsMachineKey(k any) bool {
	t, server := reflect.TypeOf(k), reflect.TypeFor[testcontrol.Server]()
	return t != nil && t.PkgPath() == server.PkgPath() && t.Name() == "peerMachinePublicContextKey"
}

func machineOf(ctx context.Context) key.MachinePublic {
	machine, _ := ctx.Value(machineKey{}).(key.MachinePublic) // the zero key knows nobody
	return machine
}
