package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/util/dnsname"
)

const realKeyLife = 180 * day

func (t *tailnet) knows(node key.NodePublic, machine key.MachinePublic) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.resolveKey(node)
	return d != nil && d.node.Machine == machine
}

func (t *tailnet) keyExpired(node key.NodePublic) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.resolveKey(node)
	return d != nil && expired(d.node, time.Now())
}

func expired(n *tailcfg.Node, now time.Time) bool {
	return n.Expired || (!n.KeyExpiry.IsZero() && n.KeyExpiry.Before(now))
}

// enrol files a node that was let in, as a new device or as the one that its machine was before, and completes the
// answer with whose it is.
func (t *tailnet) enrol(req tailcfg.RegisterRequest, machine key.MachinePublic, res *tailcfg.RegisterResponse) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.newDraft()
	dev := t.sameMachine(machine)
	if dev == nil {
		dev = t.newcomer(req, machine, d.now)
		if err := d.add(dev); err != nil {
			t.log.Error("a node could not be filed", "name", dev.name(), "error", err)
			return
		}
	} else {
		dev = d.open(dev)
		d.relogin(dev, req)
	}
	if len(d.order) > 0 {
		t.publish(d, viaDelta)
	}
	user := t.people.byID[dev.node.User]
	res.User = tailcfg.User{ID: user.ID, DisplayName: user.DisplayName}
	res.Login = tailcfg.Login{ID: tailcfg.LoginID(user.ID), Provider: "sim", LoginName: user.LoginName, DisplayName: user.DisplayName}
	res.MachineAuthorized = dev.node.MachineAuthorized
}

func (t *tailnet) sameMachine(machine key.MachinePublic) *device {
	for _, id := range t.keys {
		if d := t.devices[id]; d.node.Machine == machine {
			return d
		}
	}
	return nil
}

// relogin gives a known device the key it came back with.
func (d *draft) relogin(dev *device, req tailcfg.RegisterRequest) {
	if dev.node.Key == req.NodeKey {
		return
	}
	dev.node.Key = req.NodeKey
	dev.node.Expired = false
	dev.node.KeyExpiry = keyEnd(dev.node.Tags, d.now)
	d.rewrite(dev)
}

func keyEnd(tags []string, now time.Time) time.Time {
	if len(tags) > 0 {
		return time.Time{}
	}
	return now.Add(realKeyLife).Truncate(time.Second)
}

// newcomer is a device that was never here. Others see it first without contact: it has no map stream yet.
func (t *tailnet) newcomer(req tailcfg.RegisterRequest, machine key.MachinePublic, now time.Time) *device {
	t.lastReal++
	tags := req.Hostinfo.RequestTags
	owner := adminLogin
	if len(tags) > 0 {
		owner = taggedLogin
	}
	addrs := addressPair(realAddr(t.lastReal))
	seen := now.Truncate(time.Millisecond)
	n := &tailcfg.Node{
		ID:                t.lastReal,
		StableID:          tailcfg.StableNodeID(fmt.Sprintf("nReal%06dCNTRL", t.lastReal)),
		Name:              t.freeName(req.Hostinfo.Hostname) + "." + t.suffix + ".",
		User:              t.people.id(owner),
		Tags:              tags,
		Key:               req.NodeKey,
		KeyExpiry:         keyEnd(tags, now),
		Machine:           machine,
		Addresses:         addrs,
		AllowedIPs:        addrs,
		Hostinfo:          req.Hostinfo.View(),
		Created:           now.Truncate(time.Second),
		Cap:               req.Version,
		Online:            new(false),
		LastSeen:          &seen,
		MachineAuthorized: !t.approval,
		CapMap:            tailcfg.NodeCapMap{tailcfg.NodeAttrDisableUPnP: nil},
	}
	return &device{node: n, real: true, ephemeral: req.Ephemeral}
}

// freeName makes a host name into a DNS label that nobody has.
func (t *tailnet) freeName(hostname string) string {
	label := strings.ToLower(dnsname.SanitizeHostname(hostname))
	if label == "" {
		label = "device"
	}
	name := label
	for i := 1; t.names[name] != 0; i++ {
		name = label + "-" + strconv.Itoa(i)
	}
	return name
}

// logout takes an ephemeral node away at once; any other stays, with a key that is good for nothing.
func (t *tailnet) logout(node key.NodePublic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.resolveKey(node)
	if known == nil {
		return
	}
	d := t.newDraft()
	dev := d.open(known)
	how := viaDelta
	if known.ephemeral {
		d.remove(dev)
		how = viaFull
	} else if err := opExpire(d, dev, change{}); err != nil {
		t.log.Error("a logout could not be noted", "node", known.id(), "error", err)
		return
	}
	t.publish(d, how)
}
