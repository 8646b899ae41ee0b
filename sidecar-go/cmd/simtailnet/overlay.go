package main

import (
	"bytes"
	"encoding/json"

	"tailscale.com/tailcfg"
)

// overlay writes the given fields over those of a value, as JSON spells them.
func overlay(field string, given json.RawMessage, onto any) error {
	if len(given) == 0 {
		return refuse(400, "%q is missing", field)
	}
	dec := json.NewDecoder(bytes.NewReader(given))
	dec.DisallowUnknownFields()
	if err := dec.Decode(onto); err != nil {
		return refuse(400, "%q: %v", field, err)
	}
	return nil
}

// opHostinfo changes anything that a device says of itself.
func opHostinfo(d *draft, dev *device, c change) error {
	hi := &tailcfg.Hostinfo{}
	if dev.node.Hostinfo.Valid() {
		hi = dev.node.Hostinfo.AsStruct()
	}
	if err := overlay("hostinfo", c.HostinfoFields, hi); err != nil {
		return err
	}
	return d.describe(dev, func(into *tailcfg.Hostinfo) { *into = *hi })
}

// opNode changes anything else that the control server says of a device.
func opNode(d *draft, dev *device, c change) error {
	was := dev.node.Clone()
	if err := overlay("node", c.NodeFields, dev.node); err != nil {
		return err
	}
	n := dev.node
	if n.ID != was.ID || n.StableID != was.StableID || n.Name != was.Name || n.Key != was.Key {
		return refuse(400, `"node" cannot change what a device is known by: rename or key_rotate does`)
	}
	d.rewrite(dev)
	return nil
}
