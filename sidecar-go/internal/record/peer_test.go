package record_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/opt"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
)

func node() *tailcfg.Node {
	return &tailcfg.Node{
		ID: 7, StableID: "nABC", Name: "db.example.ts.net.", User: 3,
		Key: key.NewNode().Public(), Machine: key.NewMachine().Public(),
		Tags:              []string{"tag:z", "tag:a"},
		Addresses:         []netip.Prefix{netip.MustParsePrefix("100.64.0.9/32"), netip.MustParsePrefix("100.64.0.10/32")},
		AllowedIPs:        []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.9/32")},
		Hostinfo:          (&tailcfg.Hostinfo{OS: "linux", Hostname: "db", Container: opt.True}).View(),
		MachineAuthorized: true,
		Cap:               140,
		CapMap:            tailcfg.NodeCapMap{"z": nil, "b": nil},
		Capabilities:      []tailcfg.NodeCapability{"b"},
	}
}

func translate(t *testing.T, n *tailcfg.Node) *record.Peer {
	t.Helper()
	peer, err := record.FromNode(n)
	if err != nil {
		t.Fatal(err)
	}
	return peer
}

func TestCanonicalFormIsSortedAndComplete(t *testing.T) {
	got := translate(t, node()).Node()
	if got.Name != "db.example.ts.net" {
		t.Errorf("name %q keeps its final dot", got.Name)
	}
	for what, list := range map[string]string{
		"tag:a tag:z":                  strings.Join(got.Tags, " "),
		"100.64.0.10/32 100.64.0.9/32": strings.Join(got.Addresses, " "),
		"10.0.0.0/8 100.64.0.9/32":     strings.Join(got.AllowedIps, " "),
		"b z":                          strings.Join(got.Capabilities, " "),
		"true linux db":                boolText(got.Hostinfo.Container) + " " + got.Hostinfo.Os + " " + got.Hostinfo.Hostname,
		"PRESENCE_UNSPECIFIED":         got.Presence.String(),
		"nodekey:":                     got.NodeKey[:8],
		"mkey:":                        got.MachineKey[:5],
	} {
		if what != list {
			t.Errorf("got %q, want %q", list, what)
		}
	}
}

func boolText(b *bool) string {
	if b == nil {
		return "unset"
	}
	return map[bool]string{true: "true", false: "false"}[*b]
}

func TestVolatileFieldsDoNotCount(t *testing.T) {
	base := node()
	changes := map[string]func(*tailcfg.Node){
		"endpoints":  func(n *tailcfg.Node) { n.Endpoints = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:41641")} },
		"home relay": func(n *tailcfg.Node) { n.HomeDERP = 12 },
		"disco key":  func(n *tailcfg.Node) { n.DiscoKey = key.NewDisco().Public() },
		"order":      func(n *tailcfg.Node) { n.Tags = []string{"tag:a", "tag:z"} },
		"measurement": func(n *tailcfg.Node) {
			n.Hostinfo = withHostinfo(n, func(h *tailcfg.Hostinfo) { h.NetInfo = &tailcfg.NetInfo{PreferredDERP: 4} })
		},
		"services": func(n *tailcfg.Node) {
			n.Hostinfo = withHostinfo(n, func(h *tailcfg.Hostinfo) { h.Services = []tailcfg.Service{{Proto: "tcp", Port: 22}} })
		},
		"a last contact while in contact": func(n *tailcfg.Node) { now := time.Now(); n.LastSeen = &now },
	}
	for name, change := range changes {
		other := base.Clone()
		change(other)
		a, b := translate(t, base), translate(t, other)
		if !a.SameButContact(b) || a.Presence != b.Presence || !a.LastSeen.Equal(b.LastSeen) {
			t.Errorf("%s counts as a change", name)
		}
	}
}

func withHostinfo(n *tailcfg.Node, change func(*tailcfg.Hostinfo)) tailcfg.HostinfoView {
	h := n.Hostinfo.AsStruct()
	change(h)
	return h.View()
}

func TestExpiredNodeHasNoKeySoThatItsMangledOneIsNoRotation(t *testing.T) {
	expired := node()
	expired.Expired = true
	expired.Key = key.NodePublicWithBadOldPrefix(expired.Key)
	if got := translate(t, expired).Node(); got.NodeKey != "" || !got.Expired {
		t.Errorf("got key %q, expired %v", got.NodeKey, got.Expired)
	}
}

func TestPresenceIsATriState(t *testing.T) {
	yes, no, seen := true, false, time.Unix(1700000000, 0)
	for want, online := range map[wirev1.Presence]*bool{
		wirev1.Presence_PRESENCE_UNSPECIFIED: nil,
		wirev1.Presence_PRESENCE_ONLINE:      &yes,
		wirev1.Presence_PRESENCE_OFFLINE:     &no,
	} {
		n := node()
		n.Online, n.LastSeen = online, &seen
		got := translate(t, n)
		if got.Presence != want {
			t.Errorf("got %v, want %v", got.Presence, want)
		}
		if kept := !got.LastSeen.IsZero(); kept != (want == wirev1.Presence_PRESENCE_OFFLINE) {
			t.Errorf("%v: last contact kept: %v", want, kept)
		}
	}
}

func TestOwnNodeSaysAnExplicitNoToAuthorization(t *testing.T) {
	n := node()
	n.MachineAuthorized = false
	self, err := record.SelfFromNode(n)
	if err != nil {
		t.Fatal(err)
	}
	if got := boolText(self.Node().MachineAuthorized); got != "false" {
		t.Errorf("own node: %s", got)
	}
	if got := boolText(translate(t, n).Node().MachineAuthorized); got != "unset" {
		t.Errorf("peer: %s", got)
	}
}

func TestSizeIsNeverTooSmall(t *testing.T) {
	n := node()
	no, seen := false, time.Now()
	n.Online, n.LastSeen = &no, &seen
	peer := translate(t, n)
	if real := len(marshal(t, peer.Node())); peer.Size() < real {
		t.Errorf("size %d, really %d", peer.Size(), real)
	}
}
