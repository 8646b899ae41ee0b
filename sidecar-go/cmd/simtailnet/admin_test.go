package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func desk(t *testing.T, n *tailnet) *admin {
	t.Helper()
	tell := func(any) error { return nil }
	return &admin{
		net: n, logins: newLogins(nil), flips: newFlips(t.Context(), n), story: newStory(t.Context(), n, tell, quiet()),
		log: quiet(), gate: newGate(nil),
	}
}

// ask calls the interface without a network.
func ask(t *testing.T, a *admin, method, path, body string, into any) int {
	t.Helper()
	w := httptest.NewRecorder()
	a.handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
	}
	return w.Code
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	one := func(change string) string { return `{"changes":[` + change + `]}` }
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/v1/mutate", `{`, 400, "body"},
		{"POST", "/v1/mutate", `{}`, 400, `"changes" is empty`},
		{"POST", "/v1/mutate", `{"via":"pigeon","changes":[{"op":"online","peer":"nas"}]}`, 400, "pigeon"},
		{"POST", "/v1/mutate", one(`{"op":"dance"}`), 400, `"dance"`},
		{"POST", "/v1/mutate", one(`{"op":"online"}`), 400, `"peer" is missing`},
		{"POST", "/v1/mutate", one(`{"op":"online","peer":"nobody"}`), 404, `"nobody"`},
		{"POST", "/v1/mutate", one(`{"op":"online","peer":"nas.other.ts.net"}`), 404, "nas.other"},
		{"POST", "/v1/mutate", one(`{"op":"online","peer":"nas","colour":"red"}`), 400, "colour"},
		{"POST", "/v1/mutate", one(`{"op":"rename","peer":"nas","name":"git"}`), 409, "taken"},
		{"POST", "/v1/mutate", one(`{"op":"rename","peer":"nas","name":"a b"}`), 400, "label"},
		{"POST", "/v1/mutate", one(`{"op":"add","name":"nas"}`), 409, "taken"},
		{"POST", "/v1/mutate", one(`{"op":"add","owner":"nobody"}`), 400, "login name"},
		{"POST", "/v1/mutate", one(`{"op":"tags","peer":"nas"}`), 400, `"tags" is missing`},
		{"POST", "/v1/mutate", one(`{"op":"tags","peer":"nas","tags":["x"]}`), 400, "tag"},
		{"POST", "/v1/mutate", one(`{"op":"routes","peer":"nas","routes":["10.0.0.0"]}`), 400, "routes"},
		{"POST", "/v1/mutate", one(`{"op":"addresses","peer":"nas","addresses":["here"]}`), 400, "addresses"},
		{"POST", "/v1/mutate", one(`{"op":"key_expiry","peer":"nas"}`), 400, "key_expiry"},
		{"POST", "/v1/mutate", one(`{"op":"key_rotate","peer":"watcher"}`), 409, "real node"},
		{"POST", "/v1/mutate", one(`{"op":"touch","peer":"nas","fields":["soul"]}`), 400, "soul"},
		{"POST", "/v1/mutate", one(`{"op":"patch_unknown","id":1000000}`), 409, "exists"},
		{"POST", "/v1/mutate", one(`{"op":"profile","owner":"a@example.com","display_name":"A"}`), 404, "a@example.com"},
		{"POST", "/v1/self", `{"node":"nas","expired":true}`, 404, "real node"},
		{"POST", "/v1/self", `{"node":"watcher"}`, 400, "nothing to change"},
		{"POST", "/v1/tailnet", `{}`, 400, "nothing to change"},
		{"POST", "/v1/tailnet", `{"domain":""}`, 400, "domain"},
		{"POST", "/v1/tailnet", `{"suffix":"net."}`, 400, "suffix"},
		{"POST", "/v1/tailnet", `{"messages":{"*":{"Title":"x"}}}`, 400, "null"},
		{"POST", "/v1/mutate", one(`{"op":"hostinfo","peer":"nas"}`), 400, `"hostinfo" is missing`},
		{"POST", "/v1/mutate", one(`{"op":"hostinfo","peer":"nas","hostinfo":{"Colour":1}}`), 400, "Colour"},
		{"POST", "/v1/mutate", one(`{"op":"node","peer":"nas","node":{"StableID":"n1"}}`), 400, "known by"},
		{"POST", "/v1/flips", `{}`, 400, "count"},
		{"POST", "/v1/flips", `{"count":1,"per_response":99}`, 400, "per_response"},
		{"POST", "/v1/flips", `{"count":1,"peers":["nobody"]}`, 404, "nobody"},
		{"GET", "/v1/flips/7", ``, 404, "7"},
		{"POST", "/v1/faults", `{}`, 400, "no fault"},
		{"POST", "/v1/faults", `{"freeze_ms":-1}`, 400, "freeze_ms"},
		{"POST", "/v1/auth/complete", ``, 409, "0 logins"},
		{"DELETE", "/v1/nodes/nas", ``, 404, "nas"},
		{"POST", "/v1/story", `{"speed":0}`, 400, "speed"},
		{"GET", "/v1/mutate", ``, 404, "not part"},
	} {
		t.Run(c.path+" "+c.body, func(t *testing.T) {
			n, _ := smallTailnet(t)
			var got map[string]string
			if status := ask(t, desk(t, n), c.method, c.path, c.body, &got); status != c.status || !strings.Contains(got["error"], c.says) {
				t.Errorf("status %d, error %q; want %d, %q", status, got["error"], c.status, c.says)
			}
		})
	}
}

func TestTruthFollowsEveryOperation(t *testing.T) {
	n, _ := smallTailnet(t)
	all := `{"op":"offline","peer":"nas"},{"op":"tags","peer":"nas","tags":["tag:x"]},{"op":"routes","peer":"nas","routes":["10.1.2.0/24"]},
		{"op":"addresses","peer":"nas","addresses":["100.99.0.1"]},{"op":"os_version","peer":"nas","version":"9"},
		{"op":"client_version","peer":"nas","version":"1.2"},{"op":"expire","peer":"nas"},{"op":"rename","peer":"nas","name":"box"}`
	var sent receipt
	if status := ask(t, desk(t, n), "POST", "/v1/mutate", `{"via":"silent","changes":[`+all+`]}`, &sent); status != 200 || sent.SentAt == 0 {
		t.Fatalf("status %d, %+v", status, sent)
	}
	p := n.describe(n.resolve("box"), time.Now())
	if *p.Online || p.LastSeen == nil || p.Owner != taggedLogin || len(p.AllowedIPs) != 2 || p.PrimaryRoutes[0].String() != "10.1.2.0/24" ||
		p.OSVersion != "9" || p.ClientVersion != "1.2" || !p.Expired || p.Name != "box."+dnsSuffix {
		t.Errorf("got %+v", p)
	}
}

func TestFlipsEndAfterTheirCount(t *testing.T) {
	n, w := smallTailnet(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go drain(ctx, w)
	a := desk(t, n)
	var run flipRun
	ask(t, a, "POST", "/v1/flips", `{"count":50,"per_response":20,"seed":7}`, &run)
	for deadline := time.Now().Add(10 * time.Second); run.State == "running" && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		ask(t, a, "GET", "/v1/flips/"+run.ID, "", &run)
	}
	if run.State != "done" || run.Done != 50 || run.Remaining != 0 || run.Revision != 3 {
		t.Errorf("got %+v", run)
	}
}

// drain plays a client that reads everything.
func drain(ctx context.Context, w *watcher) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-w.wake:
		}
		for l, ok := w.take(); ok; l, ok = w.take() {
			if l.round != nil {
				l.round.begin()
			}
		}
	}
}

func TestTheStoryIsToldOnceAndLeavesItsTraces(t *testing.T) {
	n, _ := smallTailnet(t)
	told := make(chan any, 10)
	s := newStory(t.Context(), n, func(line any) error { told <- line; return nil }, quiet())
	if err := s.start(10_000); err != nil {
		t.Fatal(err)
	}
	for range scenes() {
		<-told
	}
	for deadline := time.Now().Add(10 * time.Second); s.state().State == "running" && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := s.state(); got.State != "done" || got.Scenes[len(got.Scenes)-1].At == nil {
		t.Errorf("got %+v", got)
	}
	if n.resolve("old-phone") != nil || n.resolve("toms-new-laptop") == nil || !*n.resolve("nas").node.Online {
		t.Error("the story left the wrong tailnet behind")
	}
	if err := s.start(1); err == nil {
		t.Error("the story was told twice")
	}
}

func TestAFreezeHoldsLettersBack(t *testing.T) {
	f := newFaults()
	began := time.Now()
	f.freeze(30 * time.Millisecond)
	if err := f.hold(t.Context(), time.Now()); err != nil || time.Since(began) < 30*time.Millisecond {
		t.Errorf("held for %s, error %v", time.Since(began), err)
	}
	f.setDelay(time.Hour)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.hold(gone, time.Now()); err == nil {
		t.Error("a stream that ended must not wait")
	}
}

func TestAnOutageCutsConnectionsAndLetsNoneIn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(l)
	defer func() { _ = g.Close() }()
	guests := make(chan net.Conn, 2)
	go func() {
		for c, err := g.Accept(); err == nil; c, err = g.Accept() {
			guests <- c
		}
	}()
	early, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	<-guests
	if cut := g.outage(time.Hour); cut != 1 {
		t.Errorf("%d connections cut, want 1", cut)
	}
	if _, err := early.Read(make([]byte, 1)); err == nil {
		t.Error("an open connection outlived the outage")
	}
	if late, err := net.Dial("tcp", l.Addr().String()); err == nil {
		if _, err := late.Read(make([]byte, 1)); err == nil {
			t.Error("a connection was let in during the outage")
		}
	}
	g.outage(0)
	if _, err := net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	(<-guests).Close()
}
