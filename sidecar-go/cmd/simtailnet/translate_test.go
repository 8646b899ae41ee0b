package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tailscale.com/tailcfg"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// smallTailnet has 40 synthetic peers and one watcher that is not among them.
func smallTailnet(t *testing.T) (*tailnet, *watcher) {
	t.Helper()
	n := newTailnet(tailnetOptions{peers: 40, seed: 1, log: quiet()})
	self := n.maker.custom(model{name: "watcher", owner: adminLogin}, time.Now())
	self.ID = 1
	n.insert(&device{node: self, real: true})
	w := newWatcher(1, func() {})
	n.watchers = []*watcher{w}
	return n, w
}

func changes(t *testing.T, text string) []change {
	t.Helper()
	var list []change
	if err := json.Unmarshal([]byte("["+text+"]"), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// shape says what a map response carries, by the names that the tailnet knew before.
func shape(n *tailnet, m *tailcfg.MapResponse) string {
	var parts []string
	if m.Node != nil {
		parts = append(parts, "self")
	}
	if m.Peers != nil {
		parts = append(parts, "full")
	}
	for _, p := range m.PeersChanged {
		parts = append(parts, "N:"+firstLabel(p.Name))
	}
	for _, id := range m.PeersRemoved {
		parts = append(parts, "R:"+n.nameOf(id))
	}
	for _, p := range m.PeersChangedPatch {
		parts = append(parts, "P:"+n.nameOf(p.NodeID)+patched(p))
	}
	return strings.Join(parts, " ")
}

func patched(p *tailcfg.PeerChange) string {
	var fields []string
	for name, set := range map[string]bool{
		"online": p.Online != nil && *p.Online, "offline": p.Online != nil && !*p.Online, "seen": p.LastSeen != nil,
		"ends": p.Endpoints != nil, "derp": p.DERPRegion != 0, "disco": p.DiscoKey != nil,
	} {
		if set {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return "(" + strings.Join(fields, ",") + ")"
}

func (t *tailnet) nameOf(id tailcfg.NodeID) string {
	if d := t.devices[id]; d != nil {
		return d.name()
	}
	return "?"
}

func TestChangesBecomeTheRightMapResponse(t *testing.T) {
	for _, c := range []struct {
		name, changes string
		via           via
		want          string // empty: nothing is sent
	}{
		{"loss of contact", `{"op":"offline","peer":"nas"}`, viaDelta, "P:nas(offline,seen)"},
		{"loss without a time", `{"op":"offline","peer":"nas","last_seen":false}`, viaDelta, "P:nas(offline)"},
		{"return", `{"op":"online","peer":"old-phone"}`, viaDelta, "P:old-phone(online)"},
		{"the last word counts", `{"op":"offline","peer":"nas"},{"op":"online","peer":"nas"}`, viaDelta, "P:nas(online)"},
		{"unknown", `{"op":"unknown","peer":"nas"}`, viaDelta, "N:nas"},
		{"a whole node swallows its patch", `{"op":"offline","peer":"nas"},{"op":"hostname","peer":"nas","hostname":"x"}`, viaDelta, "N:nas"},
		{"several peers", `{"op":"offline","peer":"nas"},{"op":"remove","peer":"git"},{"op":"add","name":"new"}`, viaDelta, "N:new R:? P:nas(offline,seen)"},
		{"came and went", `{"op":"add","name":"new"},{"op":"remove","peer":"new"}`, viaDelta, ""},
		{"unknown node among known", `{"op":"patch_unknown"},{"op":"offline","peer":"nas"}`, viaDelta, "P:?(online) P:nas(offline,seen)"},
		{"touch", `{"op":"touch","peer":"nas","fields":["endpoints","derp","disco"]}`, viaDelta, "P:nas(derp,disco,ends)"},
		{"touch all", `{"op":"touch","peer":"nas"}`, viaDelta, "N:nas"},
		{"hide", `{"op":"hide","peer":"nas"}`, viaDelta, "R:nas"},
		{"nobody hears of the hidden", `{"op":"hide","peer":"nas"},{"op":"offline","peer":"nas"}`, viaDelta, "R:nas"},
		{"renamed and then named anew", `{"op":"rename","peer":"nas","name":"box"},{"op":"offline","peer":"box"}`, viaDelta, "N:box"},
		{"the watcher itself", `{"op":"tags","peer":"watcher","tags":["tag:a"]}`, viaDelta, "self"},
		{"full", `{"op":"remove","peer":"nas"}`, viaFull, "self full"},
		{"silent", `{"op":"remove","peer":"nas"}`, viaSilent, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, w := smallTailnet(t)
			sent, _, err := n.change(c.via, n.script(changes(t, c.changes)))
			if err != nil {
				t.Fatal(err)
			}
			l, ok := w.take()
			if ok != (c.want != "") || sent.watchers != map[bool]int{true: 1}[ok] {
				t.Fatalf("sent %t to %d watchers, want %q", ok, sent.watchers, c.want)
			}
			if ok && shape(n, l.msg) != c.want {
				t.Errorf("got %q, want %q", shape(n, l.msg), c.want)
			}
		})
	}
}

func TestAFullMapShowsWhatIsThereAndNothingElse(t *testing.T) {
	n, w := smallTailnet(t)
	if _, _, err := n.change(viaFull, n.script(changes(t, `{"op":"remove","peer":"nas"},{"op":"hide","peer":"git"}`))); err != nil {
		t.Fatal(err)
	}
	l, _ := w.take()
	if len(l.msg.Peers) != 38 || l.msg.PeersRemoved != nil {
		t.Errorf("%d peers and %v removed, want 38 and none", len(l.msg.Peers), l.msg.PeersRemoved)
	}
	if l.msg.ControlTime == nil || time.Since(*l.msg.ControlTime) > time.Minute {
		t.Errorf("control time %v is not the real one", l.msg.ControlTime)
	}
}

func TestAnEmptyFullMapNamesTheRemoved(t *testing.T) {
	n := newTailnet(tailnetOptions{peers: 2, seed: 1, log: quiet()})
	if _, _, err := n.change(viaSilent, n.script(changes(t, `{"op":"remove","peer":"nas"},{"op":"hide","peer":"tom-iphone"}`))); err != nil {
		t.Fatal(err)
	}
	self := n.maker.custom(model{name: "watcher", owner: adminLogin}, time.Now())
	if m := n.fullMap(&device{node: self}); len(m.Peers) != 0 || len(m.PeersRemoved) != 2 {
		t.Errorf("%d peers, %v removed", len(m.Peers), m.PeersRemoved)
	}
}

func TestAFailingChangeLeavesEverythingAsItWas(t *testing.T) {
	n, w := smallTailnet(t)
	before := n.truth()
	_, _, err := n.change(viaDelta, n.script(changes(t, `{"op":"remove","peer":"nas"},{"op":"online","peer":"nas"}`)))
	if err == nil || !strings.Contains(err.Error(), "change 1 (online)") {
		t.Fatalf("error %v does not name the change", err)
	}
	after := n.truth()
	if after.Revision != before.Revision || len(after.Peers) != len(before.Peers) {
		t.Error("the failing call had an effect")
	}
	if _, sent := w.take(); sent {
		t.Error("the failing call was sent")
	}
}

func TestNamesCanBeSwapped(t *testing.T) {
	n, _ := smallTailnet(t)
	nas, git := n.resolve("nas").id(), n.resolve("git").id()
	swap := `{"op":"rename","peer":"nas","name":"tmp"},{"op":"rename","peer":"git","name":"nas"},{"op":"rename","peer":"tmp","name":"git"}`
	if _, _, err := n.change(viaDelta, n.script(changes(t, swap))); err != nil {
		t.Fatal(err)
	}
	if n.resolve("nas").id() != git || n.resolve("git").id() != nas || n.resolve("tmp") != nil {
		t.Error("the names were not swapped")
	}
}

func TestMoments(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`null`:                   {},
		`"2026-05-01T00:00:00Z"`: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
		`"2d"`:                   now.Add(48 * time.Hour),
		`"36h"`:                  now.Add(36 * time.Hour),
		`"-5m"`:                  now.Add(-5 * time.Minute),
	} {
		if got, err := moment(json.RawMessage(text), now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{``, `7`, `"soon"`} {
		if _, err := moment(json.RawMessage(text), now); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
