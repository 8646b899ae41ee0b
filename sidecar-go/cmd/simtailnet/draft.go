package main

import (
	"slices"
	"time"

	"tailscale.com/tailcfg"
)

// draft collects the changes of one call against copies, so that a call either takes effect as a whole or not at all, and
// remembers which of them fit a patch. It is used with the tailnet's lock held.
type draft struct {
	net *tailnet
	now time.Time

	edited  map[tailcfg.NodeID]*device // copies, and devices that are new
	names   map[string]tailcfg.NodeID  // short names that differ from the tailnet's; 0 means free
	removed map[tailcfg.NodeID]bool
	unseen  map[tailcfg.NodeID]bool // what no watcher knew of before
	whole   map[tailcfg.NodeID]bool // changes that no patch can carry
	patches map[tailcfg.NodeID]*tailcfg.PeerChange
	order   []tailcfg.NodeID     // of first mention
	users   []tailcfg.UserID     // whose profile changed
	news    *tailcfg.MapResponse // what a delta says of the tailnet as a whole
}

func (t *tailnet) newDraft() *draft {
	return &draft{
		net: t, now: time.Now().UTC(),
		edited:  map[tailcfg.NodeID]*device{},
		names:   map[string]tailcfg.NodeID{},
		removed: map[tailcfg.NodeID]bool{},
		unseen:  map[tailcfg.NodeID]bool{},
		whole:   map[tailcfg.NodeID]bool{},
		patches: map[tailcfg.NodeID]*tailcfg.PeerChange{},
	}
}

// find looks a device up as it is after the changes so far, and hands out a copy that may be edited.
func (d *draft) find(name string) (*device, error) {
	if name == "" {
		return nil, refuse(400, `"peer" is missing`)
	}
	id, changed := d.names[name]
	if changed && id != 0 {
		return d.edited[id], nil
	}
	known := d.net.resolve(name)
	if changed || known == nil || d.removed[known.id()] {
		return nil, refuse(404, "no peer is called %q", name)
	}
	return d.open(known), nil
}

// open returns the draft's own copy of a device.
func (d *draft) open(known *device) *device {
	if copied, ok := d.edited[known.id()]; ok {
		return copied
	}
	copied := *known
	copied.node = known.node.Clone()
	d.edited[known.id()] = &copied
	d.unseen[known.id()] = known.hidden
	return &copied
}

// rewrite marks a device whose whole node has to be sent.
func (d *draft) rewrite(dev *device) {
	d.mention(dev.id())
	d.whole[dev.id()] = true
}

// patch returns the patch of a device, to be filled in.
func (d *draft) patch(id tailcfg.NodeID) *tailcfg.PeerChange {
	d.mention(id)
	if d.patches[id] == nil {
		d.patches[id] = &tailcfg.PeerChange{NodeID: id}
	}
	return d.patches[id]
}

func (d *draft) mention(id tailcfg.NodeID) {
	if !d.whole[id] && !d.removed[id] && d.patches[id] == nil {
		d.order = append(d.order, id)
	}
}

// claim reserves a short name.
func (d *draft) claim(name string, id tailcfg.NodeID) error {
	holder, changed := d.names[name]
	if !changed {
		holder = d.net.names[name]
	}
	if holder != 0 && holder != id {
		return refuse(409, "the name %q is taken", name)
	}
	d.names[name] = id
	return nil
}

func (d *draft) add(dev *device) error {
	if err := d.claim(dev.name(), dev.id()); err != nil {
		return err
	}
	d.edited[dev.id()] = dev
	d.unseen[dev.id()] = true
	d.rewrite(dev)
	return nil
}

func (d *draft) remove(dev *device) {
	d.mention(dev.id())
	d.removed[dev.id()] = true
	d.names[dev.name()] = 0
}

// commit makes the changes true.
func (d *draft) commit() {
	t := d.net
	for id, dev := range d.edited {
		known := t.devices[id]
		switch {
		case d.removed[id] && known != nil:
			t.drop(known)
		case d.removed[id]: // came and went within the call
		case known == nil:
			t.insert(dev)
		default:
			t.fileRoutes(id, known.approved, dev.approved)
			known.approved = dev.approved
			t.replace(known, dev.node, dev.hidden)
		}
	}
	for name, id := range d.names {
		if id != 0 {
			t.names[name] = id // a name may have passed from one device to another
		}
	}
	t.revision++
}

// delta translates the changes into the map response for one watcher; nil when none of them concerns it.
func (d *draft) delta(self tailcfg.NodeID) *tailcfg.MapResponse {
	m := &tailcfg.MapResponse{}
	if d.news != nil {
		*m = *d.news
	}
	users := slices.Clone(d.users)
	for _, id := range d.order {
		dev := d.edited[id]
		switch {
		case id == self:
			if d.whole[id] {
				m.Node = dev.node
			}
		case d.removed[id] || (dev != nil && dev.hidden):
			if !d.unseen[id] {
				m.PeersRemoved = append(m.PeersRemoved, id)
			}
		case d.whole[id]:
			m.PeersChanged = append(m.PeersChanged, dev.node)
			users = append(users, dev.node.User)
		default:
			m.PeersChangedPatch = append(m.PeersChangedPatch, d.patches[id])
		}
	}
	slices.Sort(users)
	m.UserProfiles = d.net.people.some(slices.Compact(users))
	if d.news == nil && m.Node == nil && len(m.UserProfiles)+len(m.PeersRemoved)+len(m.PeersChanged)+len(m.PeersChangedPatch) == 0 {
		return nil
	}
	return m
}

// concerns reports whether the watcher's own node is among the changed ones, so that it needs a response of its own.
func (d *draft) concerns(self tailcfg.NodeID) bool { return slices.Contains(d.order, self) }
