package record

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"tailscale.com/tailcfg"
	"tailscale.com/types/opt"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
)

// FromNode translates a peer. It is an error if the control server gave the node no stable id.
func FromNode(n *tailcfg.Node) (*Peer, error) {
	return NewPeer(int64(n.ID), wireNode(n))
}

// SelfFromNode translates the edge's own node. Its contact is left out: the edge's heartbeat tells it better.
func SelfFromNode(n *tailcfg.Node) (*Peer, error) {
	node := wireNode(n)
	node.Presence, node.LastSeen = wirev1.Presence_PRESENCE_UNSPECIFIED, nil
	// The control server's word on the own node is a real no, where that on a peer may be silence.
	node.MachineAuthorized = &n.MachineAuthorized
	return NewPeer(int64(n.ID), node)
}

func wireNode(n *tailcfg.Node) *wirev1.Node {
	presence := Presence(n.Online)
	return &wirev1.Node{
		StableId:             string(n.StableID),
		Name:                 strings.TrimSuffix(n.Name, "."),
		UserId:               int64(n.User),
		SharerId:             int64(n.Sharer),
		Tags:                 sorted(n.Tags),
		Addresses:            prefixes(n.Addresses),
		AllowedIps:           prefixes(n.AllowedIPs),
		PrimaryRoutes:        prefixes(n.PrimaryRoutes),
		Presence:             presence,
		LastSeen:             pointedTime(n.LastSeen),
		Created:              timestamp(n.Created),
		KeyExpiry:            timestamp(n.KeyExpiry),
		Expired:              n.Expired,
		NodeKey:              nodeKey(n),
		MachineKey:           machineKey(n),
		MachineAuthorized:    trueOrUnset(n.MachineAuthorized),
		KeySigned:            len(n.KeySignature) > 0,
		UnsignedPeerApiOnly:  n.UnsignedPeerAPIOnly,
		WireguardOnly:        n.IsWireGuardOnly,
		Jailed:               n.IsJailed,
		CapabilityVersion:    uint32(n.Cap),
		Capabilities:         capabilities(n),
		ExitNodeDnsResolvers: resolvers(n),
		MasqueradeV4:         address(n.SelfNodeV4MasqAddrForThisPeer),
		MasqueradeV6:         address(n.SelfNodeV6MasqAddrForThisPeer),
		Hostinfo:             wireHostinfo(n.Hostinfo),
	}
}

// Presence translates Tailscale's tri-state.
func Presence(online *bool) wirev1.Presence {
	switch {
	case online == nil:
		return wirev1.Presence_PRESENCE_UNSPECIFIED
	case *online:
		return wirev1.Presence_PRESENCE_ONLINE
	default:
		return wirev1.Presence_PRESENCE_OFFLINE
	}
}

// nodeKey is blank for an expired node: the client breaks the key on purpose then, and that is no rotation.
func nodeKey(n *tailcfg.Node) string {
	if n.Expired || n.Key.IsZero() {
		return ""
	}
	return n.Key.String()
}

func machineKey(n *tailcfg.Node) string {
	if n.Machine.IsZero() {
		return ""
	}
	return n.Machine.String()
}

func capabilities(n *tailcfg.Node) []string {
	names := make(map[string]struct{}, len(n.CapMap))
	for name := range n.CapMap {
		names[string(name)] = struct{}{}
	}
	//lint:ignore SA1019 Older control servers say it nowhere else.
	for _, name := range n.Capabilities {
		names[string(name)] = struct{}{}
	}
	return slices.Sorted(maps.Keys(names))
}

func resolvers(n *tailcfg.Node) []string {
	var addrs []string
	for _, r := range n.ExitNodeDNSResolvers {
		if r != nil {
			addrs = append(addrs, r.Addr)
		}
	}
	slices.Sort(addrs)
	return addrs
}

func wireHostinfo(h tailcfg.HostinfoView) *wirev1.Hostinfo {
	if !h.Valid() {
		return nil
	}
	return &wirev1.Hostinfo{
		Os: h.OS(), OsVersion: h.OSVersion(),
		Distro: h.Distro(), DistroVersion: h.DistroVersion(), DistroCodeName: h.DistroCodeName(),
		ClientVersion: h.IPNVersion(), Hostname: h.Hostname(), DeviceModel: h.DeviceModel(),
		Package: h.Package(), App: h.App(), Machine: h.Machine(),
		Environment: h.Env(), Container: optional(h.Container()), Cloud: h.Cloud(),
		SshHostKeys: sorted(h.SSH_HostKeys().AsSlice()), RoutableIps: prefixes(h.RoutableIPs().AsSlice()),
		RequestTags: sorted(h.RequestTags().AsSlice()),
		ShieldsUp:   h.ShieldsUp(), NoLogsNoSupport: h.NoLogsNoSupport(), AllowsUpdate: h.AllowsUpdate(),
		AppConnector: optional(h.AppConnector()), PeerRelay: h.PeerRelay(), ExitNodeId: string(h.ExitNodeID()),
		RemoteConfig: h.RemoteConfig(), IngressEnabled: h.IngressEnabled(), WireIngress: h.WireIngress(),
		ShareeNode: h.ShareeNode(), Location: wireLocation(h.Location()), Tpm: h.TPM().Valid(),
		StateEncrypted: optional(h.StateEncrypted()), Userspace: optional(h.Userspace()),
		UserspaceRouter: optional(h.UserspaceRouter()),
	}
}

func wireLocation(l tailcfg.LocationView) *wirev1.Location {
	if !l.Valid() {
		return nil
	}
	return &wirev1.Location{
		Country: l.Country(), CountryCode: l.CountryCode(), City: l.City(), CityCode: l.CityCode(),
		Priority: int32(l.Priority()),
	}
}

// FromUser translates a user.
func FromUser(u *tailcfg.UserProfile) *wirev1.UserProfile {
	return &wirev1.UserProfile{UserId: int64(u.ID), LoginName: u.LoginName, DisplayName: u.DisplayName}
}

func sorted(values []string) []string {
	if len(values) == 0 {
		return nil
	}
	return slices.Sorted(slices.Values(values))
}

func prefixes(values []netip.Prefix) []string {
	if len(values) == 0 {
		return nil
	}
	texts := make([]string, len(values))
	for i, p := range values {
		texts[i] = p.String()
	}
	slices.Sort(texts)
	return texts
}

func address(a *netip.Addr) string {
	if a == nil || !a.IsValid() {
		return ""
	}
	return a.String()
}

func optional(b opt.Bool) *bool {
	if v, ok := b.Get(); ok {
		return &v
	}
	return nil
}

func trueOrUnset(b bool) *bool {
	if !b {
		return nil
	}
	return &b
}

func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func pointedTime(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamp(*t)
}
