package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"tailscale.com/tstest/integration/testcontrol"
)

// logins are the interactive logins that wait for somebody to open their URL.
type logins struct {
	control *testcontrol.Server
	mu      sync.Mutex
	pending []string
}

func newLogins(control *testcontrol.Server) *logins { return &logins{control: control} }

func (l *logins) await(loginURL string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, loginURL)
}

func (l *logins) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.pending...)
}

// complete ends a login well: the one named, or without a name the only one there is.
func (l *logins) complete(loginURL string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if loginURL == "" {
		if len(l.pending) != 1 {
			return "", refuse(409, "%d logins are pending: name one with \"url\"", len(l.pending))
		}
		loginURL = l.pending[0]
	}
	at := slices.IndexFunc(l.pending, func(p string) bool { return samePath(p, loginURL) })
	if at < 0 || !l.control.CompleteAuth(loginURL) {
		return "", refuse(404, "no login is pending at %q", loginURL)
	}
	done := l.pending[at]
	l.pending = slices.Delete(l.pending, at, at+1)
	return done, nil
}

func samePath(a, b string) bool {
	first, errA := url.Parse(a)
	second, errB := url.Parse(b)
	return errA == nil && errB == nil && first.Path == second.Path
}

// servePage is what a person sees who opens a login URL.
func (l *logins) servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// A reader who has gone needs no page.
	_, _ = io.WriteString(w, `<!doctype html><title>simtailnet</title><form method="post"><button>Connect this device</button></form>`)
}

func (l *logins) serveConsent(w http.ResponseWriter, r *http.Request) {
	if _, err := l.complete(r.URL.Path); err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	_, _ = fmt.Fprintln(w, "The device is connected.") // as above
}
