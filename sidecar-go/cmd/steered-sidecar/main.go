// Steered-sidecar is sentinel-sidecar with a way to change its node from outside, for tests only: who can reach its port
// can switch the node off, give it routes or an exit node, or log it out. What follows -- is sentinel-sidecar's command
// line. One JSON line on stdout says where the port is.
//
//	steered-sidecar -- --connect /run/ingest.sock --source home --state-dir edge
//	{"steer_url": "http://127.0.0.1:43571"}
//
//	GET   /prefs   the node's preferences, as Tailscale's LocalAPI spells them
//	PATCH /prefs   changes them: {"ShieldsUp": true, "ShieldsUpSet": true} → all of them
//
// An error is {"error": "..."}: 400 for what is no preference, 503 while no Tailscale client runs.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/ipn"

	"sentinel/sidecar/internal/boundary"
	"sentinel/sidecar/internal/edge"
)

func main() {
	flag.Parse()
	steering := new(steering)
	if err := steering.serve(); err != nil {
		fmt.Fprintln(os.Stderr, "steered-sidecar:", err)
		os.Exit(1)
	}
	os.Exit(edge.Main("0.1.0-steered", flag.Args(), edge.Hooks{Reached: boundary.Unwatched, Started: steering.take}))
}

// steering holds the client of the present run of the node.
type steering struct {
	mu     sync.Mutex
	client *local.Client
}

func (s *steering) take(client *local.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = client
}

// serve opens the port, on this machine alone, and says where it is.
func (s *steering) serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	go func() {
		web := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
		fmt.Fprintln(os.Stderr, "steered-sidecar:", web.Serve(listener))
	}()
	where := map[string]string{"steer_url": "http://" + listener.Addr().String()}
	if err := json.NewEncoder(os.Stdout).Encode(where); err != nil {
		return fmt.Errorf("say where the port is: %w", err)
	}
	return nil
}

func (s *steering) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /prefs", s.with(func(client *local.Client, r *http.Request) (*ipn.Prefs, error) {
		return client.GetPrefs(r.Context())
	}))
	mux.HandleFunc("PATCH /prefs", s.with(func(client *local.Client, r *http.Request) (*ipn.Prefs, error) {
		var change ipn.MaskedPrefs
		decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&change); err != nil {
			return nil, fmt.Errorf("no preferences: %w", err)
		}
		return client.EditPrefs(r.Context(), &change)
	}))
	return mux
}

// with answers with what ask makes of the client that runs at present.
func (s *steering) with(ask func(*local.Client, *http.Request) (*ipn.Prefs, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		client := s.client
		s.mu.Unlock()
		if client == nil {
			answer(w, http.StatusServiceUnavailable, map[string]string{"error": "no Tailscale client runs yet"})
			return
		}
		prefs, err := ask(client, r)
		if err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, prefs)
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		fmt.Fprintln(os.Stderr, "steered-sidecar: an answer was not delivered:", err)
	}
}
