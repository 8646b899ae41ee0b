package main

import (
	"time"

	"tailscale.com/tailcfg"
)

// via is how a change travels to the watchers.
type via string

const (
	viaDelta  via = "delta"
	viaFull   via = "full"
	viaSilent via = "silent"
)

func parseVia(text string, otherwise via) (via, error) {
	switch v := via(text); v {
	case "":
		return otherwise, nil
	case viaDelta, viaFull, viaSilent:
		return v, nil
	}
	return "", refuse(400, `"via" must be delta, full or silent, not %q`, text)
}

// change applies a set of changes as a whole and sends them as one map response to every watcher.
func (t *tailnet) change(how via, edit func(*draft) error) (*round, int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.newDraft()
	if err := edit(d); err != nil {
		return nil, 0, err
	}
	return t.publish(d, how), t.revision, nil
}

// publish makes a draft true and tells the watchers. The lock is held.
func (t *tailnet) publish(d *draft, how via) *round {
	waiting := t.unapproved()
	d.elect()
	d.signNew()
	d.commit()
	r := newRound()
	common := d.delta(0)
	for _, w := range t.watchers {
		self := t.devices[w.self]
		switch {
		case how == viaSilent:
		case how == viaFull || (waiting[w.self] && self.node.MachineAuthorized):
			t.post(w, t.fullMap(self), r)
		case d.concerns(w.self):
			t.post(w, d.delta(w.self), r)
		case self.node.MachineAuthorized:
			t.post(w, common, r)
		}
	}
	if r.watchers == 0 {
		r.begin()
	}
	return r
}

func (t *tailnet) post(w *watcher, msg *tailcfg.MapResponse, r *round) {
	if msg != nil {
		r.watchers++
		w.post(msg, r)
	}
}

// unapproved are the watchers that may not see anybody yet; the first map after the approval has to be a full one.
func (t *tailnet) unapproved() map[tailcfg.NodeID]bool {
	waiting := map[tailcfg.NodeID]bool{}
	for _, w := range t.watchers {
		waiting[w.self] = !t.devices[w.self].node.MachineAuthorized
	}
	return waiting
}

// sendAll sends a response that changes nothing to every watcher.
func (t *tailnet) sendAll(build func(self *device) *tailcfg.MapResponse) (*round, int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := newRound()
	for _, w := range t.watchers {
		t.post(w, build(t.devices[w.self]), r)
	}
	if r.watchers == 0 {
		r.begin()
	}
	return r, t.revision
}

// fullMap is everything that self may know. The lock is held.
func (t *tailnet) fullMap(self *device) *tailcfg.MapResponse {
	now := time.Now().UTC()
	m := &tailcfg.MapResponse{
		Node:         self.node,
		DERPMap:      t.derp,
		DNSConfig:    &tailcfg.DNSConfig{Proxied: true, Domains: []string{t.suffix}},
		UserProfiles: t.people.profiles(),
		PacketFilter: realNodesOnly(),
		ControlTime:  &now,
		Peers:        []*tailcfg.Node{},
	}
	t.describeWhole(m)
	if !self.node.MachineAuthorized {
		return m
	}
	for _, n := range t.visible() {
		if n.ID != self.id() {
			m.Peers = append(m.Peers, n)
		}
	}
	if len(m.Peers) == 0 {
		// Within a session a client takes an empty list for "unchanged".
		m.PeersRemoved = t.absent()
	}
	return m
}

func (t *tailnet) absent() []tailcfg.NodeID {
	ids := append([]tailcfg.NodeID{}, t.gone...)
	for id, d := range t.devices {
		if d.hidden {
			ids = append(ids, id)
		}
	}
	return ids
}

// realNodesOnly is a packet filter that lets real nodes reach each other. It names no synthetic address, because clients
// throw a filter away that permits a peer such as a Funnel ingress node.
func realNodesOnly() []tailcfg.FilterRule {
	return []tailcfg.FilterRule{{
		SrcIPs:   []string{"100.64.0.0/16"},
		DstPorts: []tailcfg.NetPortRange{{IP: "*", Ports: tailcfg.PortRangeAny}},
	}}
}
