package main

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"tailscale.com/tailcfg"
)

func made(t *testing.T, seed uint64, count int) []*tailcfg.Node {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f := newFactory(seed, now, newPeople())
	var nodes []*tailcfg.Node
	for range count {
		nodes = append(nodes, f.next())
	}
	return nodes
}

func encoded(t *testing.T, nodes []*tailcfg.Node) string {
	t.Helper()
	raw, err := json.Marshal(nodes)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTheSameSeedMakesTheSamePeers(t *testing.T) {
	for _, c := range []struct {
		name   string
		a, b   uint64
		counts [2]int
		same   bool
	}{
		{"same seed", 1, 1, [2]int{300, 300}, true},
		{"a longer run starts the same", 1, 1, [2]int{100, 300}, true},
		{"another seed", 1, 2, [2]int{300, 300}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := min(c.counts[0], c.counts[1])
			a, b := encoded(t, made(t, c.a, c.counts[0])[:n]), encoded(t, made(t, c.b, c.counts[1])[:n])
			if (a == b) != c.same {
				t.Errorf("equal is %t, want %t", a == b, c.same)
			}
		})
	}
}

func TestTenThousandPeersAreDifferentAndBelievable(t *testing.T) {
	names, addrs, keys := map[string]bool{}, map[netip.Prefix]bool{}, map[string]bool{}
	online := 0
	reserved := netip.MustParsePrefix("100.64.0.0/16")
	for _, n := range made(t, 1, 10_000) {
		if n.ID < firstSyntheticID || n.StableID == "" || !n.Hostinfo.Valid() || n.User == 0 {
			t.Fatalf("%s lacks something: %+v", n.Name, n)
		}
		if names[n.Name] || addrs[n.Addresses[0]] || keys[n.Key.String()] {
			t.Fatalf("%s is not unique", n.Name)
		}
		names[n.Name], addrs[n.Addresses[0]], keys[n.Key.String()] = true, true, true
		if reserved.Overlaps(n.Addresses[0]) {
			t.Errorf("%s has the address of a real node: %s", n.Name, n.Addresses[0])
		}
		if *n.Online == (n.LastSeen != nil) {
			t.Errorf("%s: online %t, last seen %v", n.Name, *n.Online, n.LastSeen)
		}
		if len(n.Tags) > 0 && !n.KeyExpiry.IsZero() {
			t.Errorf("%s is tagged and expires", n.Name)
		}
		if *n.Online {
			online++
		}
	}
	if online < 8300 || online > 8700 {
		t.Errorf("%d of 10000 are online, want about 8500", online)
	}
}

func TestRoutersCarryTheirRoutesAndExitNodesTheDefault(t *testing.T) {
	byName := map[string]*tailcfg.Node{}
	for _, n := range made(t, 1, 40) {
		byName[firstLabel(n.Name)] = n
	}
	router, exit := byName["router-lisbon"], byName["exit-frankfurt"]
	if len(router.PrimaryRoutes) != 2 || len(router.AllowedIPs) != 4 || router.Hostinfo.RoutableIPs().Len() != 2 {
		t.Errorf("router-lisbon: %v, %v", router.PrimaryRoutes, router.AllowedIPs)
	}
	if len(exit.PrimaryRoutes) != 0 || len(exit.AllowedIPs) != 4 {
		t.Errorf("exit-frankfurt: %v, %v", exit.PrimaryRoutes, exit.AllowedIPs)
	}
}
