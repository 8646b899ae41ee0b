package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"tailscale.com/tailcfg"
)

const sendLimit = 2 * time.Second // how long an answer waits for the first write to a watcher

// refusal is an error that is the caller's, with the HTTP status that says so.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, text: fmt.Sprintf(format, args...)}
}

// admin is the HTTP interface for whoever steers the tailnet.
type admin struct {
	net    *tailnet
	gate   *gate
	logins *logins
	flips  *flips
	story  *story
	log    *slog.Logger
}

// receipt says when a change went out: immediately before the write to the first watcher; 0 if that did not happen in time.
type receipt struct {
	Revision int64 `json:"revision"`
	SentAt   int64 `json:"sent_at_unix_ns"`
	Watchers int   `json:"watchers"`
}

func (a *admin) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*http.Request) (any, error){
		"GET /v1/healthz":               a.health,
		"GET /v1/truth":                 a.truth,
		"POST /v1/mutate":               a.mutate,
		"POST /v1/repeat":               a.repeat,
		"POST /v1/version-only":         a.versionOnly,
		"POST /v1/self":                 a.self,
		"POST /v1/tailnet":              a.whole,
		"POST /v1/flips":                a.startFlips,
		"GET /v1/flips/{id}":            a.flipsState,
		"DELETE /v1/flips/{id}":         a.stopFlips,
		"POST /v1/faults":               a.faults,
		"GET /v1/auth":                  a.pendingLogins,
		"POST /v1/auth/complete":        a.completeLogin,
		"POST /v1/nodes/{name}/approve": a.approve,
		"DELETE /v1/nodes/{name}":       a.remove,
		"POST /v1/story":                a.startStory,
		"GET /v1/story":                 a.storyState,
		"/":                             unknownPath,
	} {
		mux.HandleFunc(pattern, a.json(serve))
	}
	return mux
}

// json turns a function into a handler: its result or its error becomes the answer.
func (a *admin) json(serve func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := serve(r)
		status := http.StatusOK
		if err != nil {
			status, body = http.StatusInternalServerError, map[string]string{"error": err.Error()}
			if refused, ok := errors.AsType[*refusal](err); ok {
				status = refused.status
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			a.log.Info("an answer was not delivered", "path", r.URL.Path, "error", err)
		}
	}
}

func unknownPath(r *http.Request) (any, error) {
	return nil, refuse(404, "%s %s is not part of this interface", r.Method, r.URL.Path)
}

// decode reads a JSON body strictly; an empty one leaves everything as it is.
func decode(r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 64<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return refuse(400, "the body is not what is expected: %v", err)
	}
	return nil
}

func (a *admin) health(*http.Request) (any, error) { return map[string]bool{"ok": true}, nil }

func (a *admin) truth(*http.Request) (any, error) { return a.net.truth(), nil }

func (a *admin) mutate(r *http.Request) (any, error) {
	var body struct {
		Via     string   `json:"via"`
		Changes []change `json:"changes"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if len(body.Changes) == 0 {
		return nil, refuse(400, `"changes" is empty`)
	}
	return a.apply(body.Via, body.Changes)
}

func (a *admin) apply(how string, changes []change) (any, error) {
	way, err := parseVia(how, viaDelta)
	if err != nil {
		return nil, err
	}
	sent, revision, err := a.net.change(way, a.net.script(changes))
	if err != nil {
		return nil, err
	}
	return receiptOf(sent, revision), nil
}

func receiptOf(sent *round, revision int64) receipt {
	out := receipt{Revision: revision, Watchers: sent.watchers}
	if at := sent.wait(sendLimit); !at.IsZero() {
		out.SentAt = at.UnixNano()
	}
	return out
}

// script makes one edit of a list of changes.
func (t *tailnet) script(changes []change) func(*draft) error {
	return func(d *draft) error {
		for i, c := range changes {
			apply, ok := t.ops[c.Op]
			if !ok {
				return refuse(400, "change %d: there is no operation %q", i, c.Op)
			}
			if err := apply(d, c); err != nil {
				return inChange(i, c.Op, err)
			}
		}
		return nil
	}
}

func inChange(i int, op string, err error) error {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refuse(refused.status, "change %d (%s): %s", i, op, refused.text)
	}
	return fmt.Errorf("change %d (%s): %w", i, op, err)
}

func (a *admin) repeat(*http.Request) (any, error) {
	return receiptOf(a.net.sendAll(a.net.fullMap)), nil
}

func (a *admin) versionOnly(*http.Request) (any, error) {
	return receiptOf(a.net.sendAll(func(*device) *tailcfg.MapResponse { return &tailcfg.MapResponse{} })), nil
}
