package main

import (
	"crypto/rand"
	"fmt"
	"net/netip"

	"go4.org/mem"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// describe edits what a device says of itself.
func (d *draft) describe(dev *device, edit func(*tailcfg.Hostinfo)) error {
	hi := dev.node.Hostinfo.AsStruct()
	if hi == nil {
		hi = &tailcfg.Hostinfo{}
	}
	edit(hi)
	dev.node.Hostinfo = hi.View()
	d.rewrite(dev)
	return nil
}

func opHostname(d *draft, dev *device, c change) error {
	if c.Hostname == "" {
		return refuse(400, `"hostname" is missing`)
	}
	return d.describe(dev, func(hi *tailcfg.Hostinfo) { hi.Hostname = c.Hostname })
}

func opOSVersion(d *draft, dev *device, c change) error {
	if c.Version == "" {
		return refuse(400, `"version" is missing`)
	}
	return d.describe(dev, func(hi *tailcfg.Hostinfo) {
		hi.OSVersion = c.Version
		if c.OS != "" {
			hi.OS = c.OS
		}
	})
}

func opClientVersion(d *draft, dev *device, c change) error {
	if c.Version == "" {
		return refuse(400, `"version" is missing`)
	}
	return d.describe(dev, func(hi *tailcfg.Hostinfo) { hi.IPNVersion = c.Version })
}

func opCapabilities(d *draft, dev *device, c change) error {
	if c.Capabilities == nil {
		return refuse(400, `"capabilities" is missing; [] removes all`)
	}
	caps := tailcfg.NodeCapMap{}
	for _, name := range c.Capabilities {
		caps[tailcfg.NodeCapability(name)] = nil
	}
	dev.node.CapMap = caps
	d.rewrite(dev)
	return nil
}

// opTouch changes only what no watcher should ever speak of.
func opTouch(d *draft, dev *device, c change) error {
	fields := c.Fields
	if fields == nil {
		fields = []string{"endpoints", "derp", "disco", "netinfo", "services"}
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return fmt.Errorf("draw a disco key: %w", err)
	}
	for _, field := range fields {
		if err := d.touch(dev, field, raw); err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) touch(dev *device, field string, raw []byte) error {
	n := dev.node
	switch field {
	case "endpoints":
		// Addresses set aside for documentation: nothing can ever answer there.
		n.Endpoints = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, raw[0]}), 41641)}
		d.patch(n.ID).Endpoints = n.Endpoints
	case "derp":
		n.HomeDERP = 3 - n.HomeDERP // 1 and 2 in turn
		d.patch(n.ID).DERPRegion = n.HomeDERP
	case "disco":
		n.DiscoKey = key.DiscoPublicFromRaw32(mem.B(raw))
		d.patch(n.ID).DiscoKey = &n.DiscoKey
	case "netinfo":
		return d.describe(dev, func(hi *tailcfg.Hostinfo) {
			hi.NetInfo = &tailcfg.NetInfo{PreferredDERP: 1, DERPLatency: map[string]float64{"1-v4": float64(raw[1]) / 1000}}
		})
	case "services":
		return d.describe(dev, func(hi *tailcfg.Hostinfo) {
			hi.Services = []tailcfg.Service{{Proto: tailcfg.TCP, Port: 1024 + uint16(raw[2]), Description: "sshd"}}
		})
	default:
		return refuse(400, `"fields" knows endpoints, derp, disco, netinfo and services, not %q`, field)
	}
	return nil
}

// opPatchUnknown adds a patch for a node that nobody has heard of.
func opPatchUnknown(d *draft, c change) error {
	id := tailcfg.NodeID(c.ID)
	if id == 0 {
		id = 999_999_999
	}
	if d.net.devices[id] != nil || d.edited[id] != nil {
		return refuse(409, "node %d exists", id)
	}
	online := true
	if c.Online != nil {
		online = *c.Online
	}
	d.patch(id).Online = &online
	return nil
}

// opProfile changes what a user is called.
func opProfile(d *draft, c change) error {
	id, ok := d.net.people.byLogin[c.Owner]
	if !ok {
		return refuse(404, "no user logs in as %q", c.Owner)
	}
	if c.DisplayName == "" {
		return refuse(400, `"display_name" is missing`)
	}
	d.net.people.rename(id, c.DisplayName)
	d.users = append(d.users, id)
	return nil
}
