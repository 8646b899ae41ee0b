package main

import (
	"net/netip"
	"slices"
	"time"

	"tailscale.com/tailcfg"
)

// gainContact notes that a real node opened a map stream. The lock is held.
func (t *tailnet) gainContact(d *device) {
	d.streams++
	if d.silence != nil {
		d.silence.Stop()
		d.silence = nil
	}
	if online := d.node.Online; online != nil && *online {
		return
	}
	draft := t.newDraft()
	if err := opOnline(draft, draft.open(d), change{}); err != nil {
		t.log.Error("a node's contact could not be noted", "node", d.id(), "error", err)
		return
	}
	t.publish(draft, viaDelta)
}

// loseStream notes that one of a real node's streams ended. Others learn of it after the grace, unless it comes back: a
// control server gives a reconnecting client time.
func (t *tailnet) loseStream(d *device) {
	d.streams--
	if d.streams > 0 {
		return
	}
	ended := time.Now()
	id := d.id()
	var timer *time.Timer
	timer = time.AfterFunc(t.grace, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if d.silence == timer && t.devices[id] == d {
			t.loseContact(d, ended)
		}
	})
	d.silence = timer
}

func (t *tailnet) loseContact(d *device, seen time.Time) {
	d.silence = nil
	draft := t.newDraft()
	draft.lose(draft.open(d), seen, true)
	t.publish(draft, viaDelta)
}

func (t *tailnet) setGrace(grace time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.grace = grace
}

// learn takes what a real node says of itself in a map request.
func (t *tailnet) learn(req *tailcfg.MapRequest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.resolveKey(req.NodeKey)
	if known == nil {
		return
	}
	d := t.newDraft()
	heard := d.open(known)
	d.hear(heard, req)
	if len(d.order) == 0 {
		t.replace(known, heard.node, known.hidden) // nothing worth telling anybody
		return
	}
	t.publish(d, viaDelta)
}

// hear compares a node's news with what is known: what moves all the time travels as a patch.
func (d *draft) hear(dev *device, req *tailcfg.MapRequest) {
	n := dev.node
	if req.Hostinfo != nil && !sameDescription(n.Hostinfo, req.Hostinfo) {
		d.rewrite(dev)
	}
	if req.Hostinfo != nil {
		n.Hostinfo = req.Hostinfo.View()
		if ni := req.Hostinfo.NetInfo; ni != nil && ni.PreferredDERP != 0 && ni.PreferredDERP != n.HomeDERP {
			n.HomeDERP = ni.PreferredDERP
			d.patch(n.ID).DERPRegion = n.HomeDERP
		}
	}
	if n.Cap != req.Version {
		n.Cap = req.Version
		d.rewrite(dev)
	}
	if !req.DiscoKey.IsZero() && n.DiscoKey != req.DiscoKey {
		n.DiscoKey = req.DiscoKey
		d.patch(n.ID).DiscoKey = &n.DiscoKey
	}
	if ends := withoutZones(req.Endpoints); !slices.Equal(n.Endpoints, ends) {
		n.Endpoints = ends
		d.patch(n.ID).Endpoints = ends
	}
}

// sameDescription compares all that a node says of itself but for what changes without meaning.
func sameDescription(was tailcfg.HostinfoView, is *tailcfg.Hostinfo) bool {
	if !was.Valid() {
		return false
	}
	return settled(was.AsStruct()).Equal(settled(is.Clone()))
}

func settled(hi *tailcfg.Hostinfo) *tailcfg.Hostinfo {
	hi.NetInfo, hi.Services, hi.ServicesHash = nil, nil, ""
	return hi
}

// withoutZones leaves out endpoints that only the node itself can use.
func withoutZones(ends []netip.AddrPort) []netip.AddrPort {
	return slices.DeleteFunc(slices.Clone(ends), func(e netip.AddrPort) bool {
		return e.Addr().Zone() != "" || e.Addr().IsLinkLocalUnicast()
	})
}
