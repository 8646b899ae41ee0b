package main

import (
	"crypto/rand"
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"go4.org/mem"
	"tailscale.com/types/key"
	"tailscale.com/util/dnsname"
)

// change is one entry of a mutate call; which fields count depends on the operation.
type change struct {
	Op                string          `json:"op"`
	Peer              string          `json:"peer"`
	Name              string          `json:"name"`
	Hostname          string          `json:"hostname"`
	DisplayName       string          `json:"display_name"`
	OS                string          `json:"os"`
	Version           string          `json:"version"`
	Owner             string          `json:"owner"`
	Tags              []string        `json:"tags"`
	Routes            []string        `json:"routes"`
	Addresses         []string        `json:"addresses"`
	Capabilities      []string        `json:"capabilities"`
	Fields            []string        `json:"fields"`
	KeyExpiry         json.RawMessage `json:"key_expiry"`
	HostinfoFields    json.RawMessage `json:"hostinfo"`
	NodeFields        json.RawMessage `json:"node"`
	ID                int64           `json:"id"`
	Online            *bool           `json:"online"`
	LastSeen          *bool           `json:"last_seen"`
	MachineAuthorized *bool           `json:"machine_authorized"`
	Ephemeral         bool            `json:"ephemeral"`
	SharedIn          bool            `json:"shared_in"`
	Mullvad           bool            `json:"mullvad"`
	FunnelIngress     bool            `json:"funnel_ingress"`
}

// operation applies one change to a draft.
type operation func(*draft, change) error

func operations() map[string]operation {
	return map[string]operation{
		"online":             onPeer(opOnline),
		"offline":            onPeer(opOffline),
		"unknown":            onPeer(opUnknown),
		"add":                opAdd,
		"remove":             onPeer(opRemove),
		"rename":             onPeer(opRename),
		"hostname":           onPeer(opHostname),
		"tags":               onPeer(opTags),
		"owner":              onPeer(opOwner),
		"routes":             onPeer(opRoutes),
		"advertise_routes":   onPeer(opAdvertise),
		"addresses":          onPeer(opAddresses),
		"key_expiry":         onPeer(opKeyExpiry),
		"expire":             onPeer(opExpire),
		"machine_authorized": onPeer(opAuthorize),
		"key_rotate":         onPeer(opKeyRotate),
		"os_version":         onPeer(opOSVersion),
		"client_version":     onPeer(opClientVersion),
		"capabilities":       onPeer(opCapabilities),
		"hostinfo":           onPeer(opHostinfo),
		"node":               onPeer(opNode),
		"touch":              onPeer(opTouch),
		"hide":               onPeer(opHide),
		"show":               onPeer(opShow),
		"patch_unknown":      opPatchUnknown,
		"profile":            opProfile,
	}
}

func onPeer(apply func(*draft, *device, change) error) operation {
	return func(d *draft, c change) error {
		dev, err := d.find(c.Peer)
		if err != nil {
			return err
		}
		return apply(d, dev, c)
	}
}

func opOnline(d *draft, dev *device, _ change) error {
	dev.node.Online, dev.node.LastSeen = new(true), nil
	p := d.patch(dev.id())
	p.Online, p.LastSeen = new(true), nil
	return nil
}

func opOffline(d *draft, dev *device, c change) error {
	d.lose(dev, d.now, c.LastSeen == nil || *c.LastSeen)
	return nil
}

// lose notes that a device lost contact; some control servers tell the moment and some do not.
func (d *draft) lose(dev *device, seen time.Time, tell bool) {
	seen = seen.UTC().Truncate(time.Millisecond)
	dev.node.Online, dev.node.LastSeen = new(false), &seen
	p := d.patch(dev.id())
	p.Online, p.LastSeen = new(false), nil
	if tell {
		p.LastSeen = &seen
	}
}

func opUnknown(d *draft, dev *device, _ change) error {
	dev.node.Online = nil
	d.rewrite(dev)
	return nil
}

func opRemove(d *draft, dev *device, _ change) error {
	d.remove(dev)
	return nil
}

func opRename(d *draft, dev *device, c change) error {
	label := strings.ToLower(c.Name)
	if err := dnsname.ValidLabel(label); err != nil {
		return refuse(400, `"name" is no DNS label: %v`, err)
	}
	if err := d.claim(label, dev.id()); err != nil {
		return err
	}
	if was := dev.name(); was != label {
		d.names[was] = 0
		dev.node.Name = label + strings.TrimPrefix(dev.node.Name, was)
	}
	d.rewrite(dev)
	return nil
}

func opTags(d *draft, dev *device, c change) error {
	if c.Tags == nil {
		return refuse(400, `"tags" is missing; [] removes all`)
	}
	if err := checkTags(c.Tags); err != nil {
		return err
	}
	login := taggedLogin
	if len(c.Tags) == 0 {
		login = ownerOr(c.Owner)
	}
	user, err := d.net.people.ensure(login)
	if err != nil {
		return err
	}
	dev.node.Tags, dev.node.User = c.Tags, user
	d.rewrite(dev)
	return nil
}

func opOwner(d *draft, dev *device, c change) error {
	user, err := d.net.people.ensure(c.Owner)
	if err != nil {
		return err
	}
	dev.node.User, dev.node.Tags = user, nil
	d.rewrite(dev)
	return nil
}

func opAddresses(d *draft, dev *device, c change) error {
	if len(c.Addresses) == 0 {
		return refuse(400, `"addresses" is missing`)
	}
	var addrs []netip.Prefix
	for _, text := range c.Addresses {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return refuse(400, `"addresses": %v`, err)
		}
		addrs = append(addrs, netip.PrefixFrom(a, a.BitLen()))
	}
	routes := dev.node.AllowedIPs[len(dev.node.Addresses):]
	dev.node.AllowedIPs = append(append([]netip.Prefix{}, addrs...), routes...)
	dev.node.Addresses = addrs
	d.rewrite(dev)
	return nil
}

func opKeyExpiry(d *draft, dev *device, c change) error {
	at, err := moment(c.KeyExpiry, d.now)
	if err != nil {
		return err
	}
	dev.node.KeyExpiry = at
	dev.node.Expired = false
	d.rewrite(dev)
	return nil
}

func opExpire(d *draft, dev *device, _ change) error {
	dev.node.Expired = true
	dev.node.KeyExpiry = d.now.Add(-time.Second).Truncate(time.Second)
	d.rewrite(dev)
	return nil
}

func opAuthorize(d *draft, dev *device, c change) error {
	if c.MachineAuthorized == nil {
		return refuse(400, `"machine_authorized" is missing`)
	}
	dev.node.MachineAuthorized = *c.MachineAuthorized
	d.rewrite(dev)
	return nil
}

func opKeyRotate(d *draft, dev *device, _ change) error {
	if dev.real {
		return refuse(409, "%s is a real node: only itself can change its key", dev.name())
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return err
	}
	dev.node.Key = key.NodePublicFromRaw32(mem.B(raw))
	d.rewrite(dev)
	return nil
}

func opHide(d *draft, dev *device, _ change) error {
	dev.hidden = true
	d.rewrite(dev)
	return nil
}

func opShow(d *draft, dev *device, _ change) error {
	dev.hidden = false
	d.rewrite(dev)
	return nil
}
