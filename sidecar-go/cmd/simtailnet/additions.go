package main

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tailscale.com/net/tsaddr"
	"tailscale.com/tailcfg"
	"tailscale.com/util/dnsname"
)

// opAdd brings a new synthetic peer.
func opAdd(d *draft, c change) error {
	m, err := d.model(c)
	if err != nil {
		return err
	}
	if err := d.claim(m.name, 0); err != nil {
		return err
	}
	dev := newDevice(d.net.maker.custom(m, d.now))
	dev.ephemeral = c.Ephemeral
	online := c.Online == nil || *c.Online
	dev.node.Online = &online
	if !online && (c.LastSeen == nil || *c.LastSeen) {
		dev.node.LastSeen = new(d.now.Truncate(time.Millisecond))
	}
	if c.KeyExpiry != nil {
		if dev.node.KeyExpiry, err = moment(c.KeyExpiry, d.now); err != nil {
			return err
		}
	}
	d.specialise(dev.node, c)
	dev.approved = dev.node.AllowedIPs[len(dev.node.Addresses):]
	dev.setRoutes(nil) // others may carry its subnets already
	return d.add(dev)
}

// model checks the description of a new peer and fills its gaps.
func (d *draft) model(c change) (model, error) {
	m := model{name: strings.ToLower(c.Name), tags: c.Tags, owner: ownerOr(c.Owner), routes: c.Routes, system: ubuntu()}
	if m.name == "" {
		m.name = "device-" + strconv.Itoa(d.net.maker.made+1)
	}
	if err := dnsname.ValidLabel(m.name); err != nil {
		return m, refuse(400, `"name" is no DNS label: %v`, err)
	}
	if err := checkTags(m.tags); err != nil {
		return m, err
	}
	if _, err := prefixes("routes", m.routes); m.routes != nil && err != nil {
		return m, err
	}
	if _, err := d.net.people.ensure(m.owner); err != nil {
		return m, err
	}
	if c.OS != "" {
		m.system = systemOf(c.OS)
	}
	if c.Version != "" {
		m.system.version = c.Version
	}
	return m, nil
}

func systemOf(os string) system {
	for _, known := range []system{ubuntu(), macOS(), windows(), iOS(), android(), tvOS(), freebsd()} {
		if strings.EqualFold(known.os, os) {
			return known
		}
	}
	return system{os: os}
}

// specialise turns a peer into one of the kinds that are not devices of the tailnet itself.
func (d *draft) specialise(n *tailcfg.Node, c change) {
	label := firstLabel(n.Name)
	switch {
	case c.SharedIn:
		n.User, n.Tags = d.net.people.id(foreignLogin), nil
		n.Sharer = n.User
		n.Name = label + ".tail1a2b3.ts.net."
	case c.Mullvad:
		n.User, n.Tags = d.net.people.id(vpnLogin), nil
		n.Name = label + ".mullvad.ts.net."
		n.IsWireGuardOnly = true
		n.KeyExpiry = time.Time{}
		n.SelfNodeV4MasqAddrForThisPeer = new(netip.AddrFrom4([4]byte{10, 64, 0, 7}))
		approveRoutes(n, []netip.Prefix{tsaddr.AllIPv4(), tsaddr.AllIPv6()})
	case c.FunnelIngress:
		n.UnsignedPeerAPIOnly = true
		n.KeyExpiry = time.Time{}
	}
}
