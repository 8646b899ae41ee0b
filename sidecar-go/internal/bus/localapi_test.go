package bus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"testing"

	"tailscale.com/client/local"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/bus"
)

// serve is a client of a LocalAPI made of canned answers.
func serve(t *testing.T, handler http.HandlerFunc) *bus.Client {
	t.Helper()
	listener, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return bus.New(&local.Client{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", listener.Addr().String())
	}})
}

func TestOnlyA404SaysThatANodeIsGone(t *testing.T) {
	statuses := map[string]int{"1": 200, "2": 404, "3": 500, "4": 400}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(statuses[r.FormValue("id")])
		_, _ = w.Write([]byte(`{"ID":1,"StableID":"n1","Name":"a."}`))
	})
	if peer, err := client.Peer(t.Context(), 1); err != nil || peer.StableID != "n1" {
		t.Errorf("200: %v %v", peer, err)
	}
	if _, err := client.Peer(t.Context(), 2); !errors.Is(err, bus.ErrGone) {
		t.Errorf("404: %v", err)
	}
	for _, id := range []int64{3, 4} {
		if _, err := client.Peer(t.Context(), id); err == nil || errors.Is(err, bus.ErrGone) {
			t.Errorf("%d: %v", id, err)
		}
	}
}

func TestAWatchGivesOneMessagePerLine(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("{\"State\":6}\n{\"PeersRemoved\":[7]}\n"))
	})
	stream, err := client.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for {
		raw, err := stream.Next()
		if err != nil {
			break
		}
		notice, _, err := client.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, notice.State)
	}
	if len(states) != 2 || states[0] != "Running" || states[1] != "" {
		t.Errorf("got %q", states)
	}
}

const ownStatus = `{"BackendState":"Running","CurrentTailnet":{"Name":"example.com","MagicDNSSuffix":"t.ts.net","MagicDNSEnabled":true}}`

func TestALockThatCannotBeAskedIsUnset(t *testing.T) {
	var status int
	var lock string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/localapi/v0/status" {
			_, _ = w.Write([]byte(ownStatus))
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(lock))
	})
	for _, c := range []struct {
		status     int
		lock, want string
	}{
		{404, "not found", "unset []"},
		{501, "not implemented", "unset []"},
		{500, "", "unset []"},
		{200, "half an answ", "unset []"},
		{200, `{"Enabled":false}`, "false []"},
		{200, `{"Enabled":true,"FilteredPeers":[{"StableID":"n9"},null,{"StableID":"n2"}]}`, "true [n2 n9]"},
	} {
		status, lock = c.status, c.lock
		tailnet, err := client.Tailnet(t.Context())
		if err != nil || tailnet.Domain != "example.com" || tailnet.MagicDnsSuffix != "t.ts.net" || !tailnet.MagicDnsEnabled {
			t.Fatalf("%d %s: %v %v", c.status, c.lock, tailnet, err)
		}
		enabled := "unset"
		if tailnet.LockEnabled != nil {
			enabled = strconv.FormatBool(*tailnet.LockEnabled)
		}
		if got := enabled + fmt.Sprintf(" %v", tailnet.LockFiltered); got != c.want {
			t.Errorf("%d %s: got %s, want %s", c.status, c.lock, got, c.want)
		}
	}
}

func TestAClientInNoTailnetHasNone(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"BackendState":"NoState"}`)) })
	if tailnet, err := client.Tailnet(t.Context()); tailnet != nil || err != nil {
		t.Errorf("got %v %v", tailnet, err)
	}
}

func TestDecode(t *testing.T) {
	client := bus.New(new(local.Client))
	cases := map[string]struct {
		raw  string
		full bool
		has  bool
	}{
		"nothing but a version":               {`{"Version":"1"}`, false, false},
		"a whole tailnet":                     {`{"SelfChange":{"ID":1,"StableID":"s"},"PeersChanged":[{"ID":2,"StableID":"n2"}]}`, true, true},
		"a whole tailnet of nobody":           {`{"SelfChange":{"ID":1,"StableID":"s"},"PeersChanged":[]}`, true, true},
		"the own node alone":                  {`{"SelfChange":{"ID":1,"StableID":"s"}}`, false, false},
		"a patch of contact":                  {`{"PeerChangedPatch":[{"NodeID":2,"Online":false}]}`, false, true},
		"a patch of what means nothing to us": {`{"PeerChangedPatch":[{"NodeID":2,"DERPRegion":4}]}`, false, false},
	}
	for name, c := range cases {
		notice, _, err := client.Decode([]byte(c.raw))
		if err != nil || notice.Full != c.full || notice.HasPeers() != c.has {
			t.Errorf("%s: %+v %v", name, notice, err)
		}
	}
	notice, skipped, err := client.Decode([]byte(`{"PeersChanged":[{"ID":2},{"ID":3,"StableID":"n3","Online":true}]}`))
	if err != nil || skipped != 1 || len(notice.Changed) != 1 || notice.Changed[0].Presence != wirev1.Presence_PRESENCE_ONLINE {
		t.Errorf("a peer without a StableID: %+v %d %v", notice, skipped, err)
	}
	if _, _, err := client.Decode([]byte(`{`)); err == nil {
		t.Error("half a message is decoded")
	}
}
