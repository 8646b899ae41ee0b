package main

import (
	"net/netip"
	"slices"

	"tailscale.com/tailcfg"
)

// isSubnet tells what has one carrier at a time from the default routes, which make an exit node.
func isSubnet(p netip.Prefix) bool { return p.Bits() > 0 }

// fileRoutes keeps account of who may carry which subnet.
func (t *tailnet) fileRoutes(id tailcfg.NodeID, before, after []netip.Prefix) {
	for _, p := range before {
		t.routers[p] = slices.DeleteFunc(t.routers[p], func(other tailcfg.NodeID) bool { return other == id })
	}
	for _, p := range after {
		t.routers[p] = append(t.routers[p], id)
	}
}

// elect gives each subnet that a changed device may carry to one of those that may. A carrier in contact keeps it;
// otherwise it passes to the first one in contact. When there is none, a carrier without contact keeps it or loses it, as
// the tailnet is set.
func (d *draft) elect() {
	for _, p := range d.touched() {
		candidates := d.candidates(p)
		next := d.net.choose(p, candidates)
		for _, dev := range candidates {
			if carries := slices.Contains(dev.node.PrimaryRoutes, p); carries != (dev == next) {
				copied := d.open(dev)
				copied.carry(p, !carries)
				d.rewrite(copied)
			}
		}
	}
}

// touched are the subnets that changed devices may carry, or might before.
func (d *draft) touched() []netip.Prefix {
	var subnets []netip.Prefix
	for id, dev := range d.edited {
		subnets = append(subnets, dev.approved...)
		if known := d.net.devices[id]; known != nil {
			subnets = append(subnets, known.approved...)
		}
	}
	subnets = slices.DeleteFunc(subnets, func(p netip.Prefix) bool { return !isSubnet(p) })
	slices.SortFunc(subnets, netip.Prefix.Compare)
	return slices.Compact(subnets)
}

// candidates are the devices that may carry a subnet after the changes, in the order of identifiers.
func (d *draft) candidates(p netip.Prefix) []*device {
	var found []*device
	for _, id := range d.net.routers[p] {
		if d.edited[id] == nil {
			found = append(found, d.net.devices[id])
		}
	}
	for id, dev := range d.edited {
		if !d.removed[id] && slices.Contains(dev.approved, p) {
			found = append(found, dev)
		}
	}
	slices.SortFunc(found, func(a, b *device) int { return int(a.id() - b.id()) })
	return found
}

// choose returns who carries a subnet from now on; nil for nobody.
func (t *tailnet) choose(p netip.Prefix, candidates []*device) *device {
	carrier, standby := -1, -1
	for i, dev := range candidates {
		carries, online := slices.Contains(dev.node.PrimaryRoutes, p), dev.node.Online != nil && *dev.node.Online
		switch {
		case carries && online:
			return dev
		case carries && carrier < 0:
			carrier = i
		case online && standby < 0:
			standby = i
		}
	}
	switch {
	case standby >= 0:
		return candidates[standby]
	case t.withdraws || len(candidates) == 0:
		return nil
	default:
		return candidates[max(carrier, 0)]
	}
}

// carry makes a device the carrier of a subnet, or takes it away.
func (dev *device) carry(p netip.Prefix, carries bool) {
	primary := slices.DeleteFunc(slices.Clone(dev.node.PrimaryRoutes), func(other netip.Prefix) bool { return other == p })
	if carries {
		primary = append(primary, p)
	}
	dev.setRoutes(primary)
}

// setRoutes writes into the node what it carries: the default routes, and of the approved subnets those given.
func (dev *device) setRoutes(primary []netip.Prefix) {
	n := dev.node
	n.AllowedIPs, n.PrimaryRoutes = slices.Clone(n.Addresses), nil
	for _, p := range dev.approved {
		switch {
		case !isSubnet(p):
			n.AllowedIPs = append(n.AllowedIPs, p)
		case slices.Contains(primary, p):
			n.AllowedIPs, n.PrimaryRoutes = append(n.AllowedIPs, p), append(n.PrimaryRoutes, p)
		}
	}
}

func opRoutes(d *draft, dev *device, c change) error {
	routes, err := prefixes("routes", c.Routes)
	if err != nil {
		return err
	}
	dev.approved = routes
	dev.setRoutes(dev.node.PrimaryRoutes)
	d.rewrite(dev)
	return nil
}

func opAdvertise(d *draft, dev *device, c change) error {
	routes, err := prefixes("routes", c.Routes)
	if err != nil {
		return err
	}
	return d.describe(dev, func(hi *tailcfg.Hostinfo) { hi.RoutableIPs = routes })
}
