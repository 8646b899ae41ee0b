package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tailscale.com/client/local"
)

// running is a client of a LocalAPI that answers every change with preferences and remembers what it was asked.
func running(t *testing.T, asked *[]string) *local.Client {
	t.Helper()
	listener, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.Method+" "+r.URL.Path)
		_, _ = w.Write([]byte(`{"ShieldsUp":true}`))
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return &local.Client{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", listener.Addr().String())
	}}
}

func TestPreferencesGoToTheClientThatRuns(t *testing.T) {
	var asked []string
	idle, steered := new(steering), new(steering)
	steered.take(running(t, &asked))
	for _, c := range []struct {
		who          *steering
		method, body string
		status       int
		says         string
	}{
		{idle, "GET", "", 503, "no Tailscale client"},
		{steered, "GET", "", 200, `"ShieldsUp":true`},
		{steered, "PATCH", `{"ShieldsUp":true,"ShieldsUpSet":true}`, 200, `"ShieldsUp":true`},
		{steered, "PATCH", `{"Shields":true}`, 400, "Shields"},
	} {
		w := httptest.NewRecorder()
		c.who.handler().ServeHTTP(w, httptest.NewRequest(c.method, "/prefs", strings.NewReader(c.body)))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s", c.method, c.body, w.Code, w.Body)
		}
	}
	if got := strings.Join(asked, ", "); got != "GET /localapi/v0/prefs, PATCH /localapi/v0/prefs" {
		t.Errorf("the client was asked %s", got)
	}
}
