package main

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tailscale.com/tailcfg"
)

// truth is the tailnet as a watcher should see it.
type truth struct {
	Now      time.Time   `json:"now"`
	Domain   string      `json:"domain"`
	Suffix   string      `json:"suffix"`
	Revision int64       `json:"revision"`
	Watchers int         `json:"watchers"`
	Peers    []truthPeer `json:"peers"`
}

type truthPeer struct {
	ID                tailcfg.NodeID       `json:"id"`
	StableID          tailcfg.StableNodeID `json:"stable_id"`
	Name              string               `json:"name"`
	Short             string               `json:"short"`
	Hostname          string               `json:"hostname"`
	Owner             string               `json:"owner"`
	UserID            tailcfg.UserID       `json:"user_id"`
	Tags              []string             `json:"tags"`
	Addresses         []netip.Prefix       `json:"addresses"`
	AllowedIPs        []netip.Prefix       `json:"allowed_ips"`
	PrimaryRoutes     []netip.Prefix       `json:"primary_routes"`
	RoutableIPs       []netip.Prefix       `json:"routable_ips"`
	ApprovedRoutes    []netip.Prefix       `json:"approved_routes"`
	NodeKey           string               `json:"node_key"`
	OS                string               `json:"os"`
	OSVersion         string               `json:"os_version"`
	ClientVersion     string               `json:"client_version"`
	Online            *bool                `json:"online"`
	LastSeen          *time.Time           `json:"last_seen"`
	KeyExpiry         *time.Time           `json:"key_expiry"`
	Expired           bool                 `json:"expired"`
	Created           time.Time            `json:"created"`
	MachineAuthorized bool                 `json:"machine_authorized"`
	Real              bool                 `json:"real"`
	Ephemeral         bool                 `json:"ephemeral"`
	SharedIn          bool                 `json:"shared_in"`
	WireGuardOnly     bool                 `json:"wireguard_only"`
	FunnelIngress     bool                 `json:"funnel_ingress"`
}

func (t *tailnet) truth() truth {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now().UTC()
	out := truth{
		Now: now, Domain: t.domain, Suffix: t.suffix, Revision: t.revision, Watchers: len(t.watchers),
		Peers: make([]truthPeer, 0, len(t.devices)),
	}
	for _, d := range t.devices {
		if !d.hidden {
			out.Peers = append(out.Peers, t.describe(d, now))
		}
	}
	slices.SortFunc(out.Peers, func(a, b truthPeer) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (t *tailnet) describe(d *device, now time.Time) truthPeer {
	n, hi := d.node, d.node.Hostinfo.AsStruct()
	return truthPeer{
		ID: n.ID, StableID: n.StableID, Name: strings.TrimSuffix(n.Name, "."), Short: d.name(), Hostname: hi.Hostname,
		Owner: t.people.byID[n.User].LoginName, UserID: n.User, Tags: orEmpty(n.Tags),
		Addresses: n.Addresses, AllowedIPs: n.AllowedIPs, PrimaryRoutes: orEmpty(n.PrimaryRoutes),
		RoutableIPs: orEmpty(hi.RoutableIPs), ApprovedRoutes: orEmpty(d.approved), NodeKey: n.Key.String(),
		OS: hi.OS, OSVersion: hi.OSVersion, ClientVersion: hi.IPNVersion,
		Online: n.Online, LastSeen: n.LastSeen, KeyExpiry: orNull(n.KeyExpiry), Expired: expired(n, now),
		Created: n.Created, MachineAuthorized: n.MachineAuthorized, Real: d.real, Ephemeral: d.ephemeral,
		SharedIn: n.Sharer != 0, WireGuardOnly: n.IsWireGuardOnly, FunnelIngress: n.UnsignedPeerAPIOnly,
	}
}

// orEmpty keeps lists lists in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func orNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
