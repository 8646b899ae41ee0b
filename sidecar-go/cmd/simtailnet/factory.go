package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"go4.org/mem"
	"tailscale.com/net/tsaddr"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

const day = 24 * time.Hour

// factory makes synthetic nodes. The same seed makes the same nodes in the same order, but for times, which are relative
// to the moment given.
type factory struct {
	seed   uint64
	suffix string
	now    time.Time
	people *people
	stock  []model
	made   int
}

func newFactory(seed uint64, now time.Time, people *people) *factory {
	return &factory{seed: seed, suffix: dnsSuffix, now: now.UTC().Truncate(time.Second), people: people, stock: catalogue()}
}

// next makes the next node: first the ones with a name of their own, then systematic ones.
func (f *factory) next() *tailcfg.Node {
	var m model
	if f.made < len(f.stock) {
		m = f.stock[f.made]
	} else {
		m = series(f.made - len(f.stock) + 1)
	}
	rng := f.dice()
	n := f.build(m, rng)
	if f.made >= len(f.stock) && rng.Float64() < 0.15 {
		m.offline = true
	}
	n.Online = new(!m.offline)
	if m.offline {
		seen := f.now.Add(-time.Duration(rng.IntN(40*24*60)+5) * time.Minute)
		n.LastSeen = &seen
	}
	f.made++
	return n
}

// custom makes a node that a caller describes; its times count from now.
func (f *factory) custom(m model, now time.Time) *tailcfg.Node {
	n := f.build(m, f.dice())
	n.Created = now.UTC().Truncate(time.Second)
	f.made++
	return n
}

// dice returns the random source of the next node: every node has its own, so that none depends on what others drew.
func (f *factory) dice() *rand.Rand { return rand.New(rand.NewPCG(f.seed, uint64(f.made)+1)) }

func (f *factory) build(m model, rng *rand.Rand) *tailcfg.Node {
	id := firstSyntheticID + tailcfg.NodeID(f.made)
	addrs := addressPair(syntheticAddr(f.made))
	age := time.Duration(rng.IntN(700)+200) * day
	n := &tailcfg.Node{
		ID:                id,
		StableID:          tailcfg.StableNodeID(fmt.Sprintf("nSim%07dCNTRL", id)),
		Name:              m.name + "." + f.suffix + ".",
		User:              f.owner(m),
		Tags:              m.tags,
		Key:               key.NodePublicFromRaw32(mem.B(randomBytes(rng))),
		Machine:           key.MachinePublicFromRaw32(mem.B(randomBytes(rng))),
		DiscoKey:          key.DiscoPublicFromRaw32(mem.B(randomBytes(rng))),
		Addresses:         addrs,
		HomeDERP:          1,
		Created:           f.now.Add(-age),
		MachineAuthorized: true,
		Cap:               tailcfg.CurrentCapabilityVersion - tailcfg.CapabilityVersion(rng.IntN(12)),
		KeyExpiry:         f.keyExpiry(m, rng),
	}
	routes := parseRoutes(m)
	n.Hostinfo = hostinfo(m, routes, rng)
	approveRoutes(n, routes)
	return n
}

func (f *factory) owner(m model) tailcfg.UserID {
	if len(m.tags) > 0 {
		return f.people.id(taggedLogin)
	}
	return f.people.id(m.owner)
}

// keyExpiry spreads expiries over 30 to 180 days; tagged nodes have none, and one in ten has it switched off.
func (f *factory) keyExpiry(m model, rng *rand.Rand) time.Time {
	in := time.Duration(30*24+rng.IntN(150*24)) * time.Hour
	if disabled := rng.IntN(10) == 0; len(m.tags) > 0 || disabled {
		return time.Time{}
	}
	return f.now.Add(in)
}

func hostinfo(m model, routes []netip.Prefix, rng *rand.Rand) tailcfg.HostinfoView {
	versions := []string{"1.102.5", "1.102.5", "1.102.3", "1.100.0", "1.98.10"}
	hi := &tailcfg.Hostinfo{
		Hostname:      m.name,
		OS:            m.system.os,
		OSVersion:     m.system.version,
		Distro:        m.system.distro,
		DistroVersion: m.system.distroVersion,
		DeviceModel:   m.system.device,
		GoArch:        m.system.arch,
		Machine:       m.system.arch,
		IPNVersion:    versions[rng.IntN(len(versions))],
		RoutableIPs:   routes,
		RequestTags:   m.tags,
		NetInfo:       &tailcfg.NetInfo{PreferredDERP: 1},
	}
	return hi.View()
}

func parseRoutes(m model) []netip.Prefix {
	var routes []netip.Prefix
	for _, r := range m.routes {
		routes = append(routes, netip.MustParsePrefix(r))
	}
	if m.exit {
		routes = append(routes, tsaddr.AllIPv4(), tsaddr.AllIPv6())
	}
	return routes
}

// approveRoutes makes the node the carrier of routes. The default routes make an exit node and are never "primary".
func approveRoutes(n *tailcfg.Node, routes []netip.Prefix) {
	n.AllowedIPs = append(append([]netip.Prefix{}, n.Addresses...), routes...)
	n.PrimaryRoutes = nil
	for _, r := range routes {
		if r.Bits() > 0 {
			n.PrimaryRoutes = append(n.PrimaryRoutes, r)
		}
	}
}

// syntheticAddr spreads addresses over 100.65.0.0-100.126.255.255 without ever giving one twice; 100.64.0.0/16 is left to
// real nodes.
func syntheticAddr(index int) netip.Addr {
	const size, step = 62 * 65536, 40503 // step shares no factor with size
	at := (index*step + 4242) % size
	return netip.AddrFrom4([4]byte{100, byte(65 + at>>16), byte(at >> 8), byte(at)})
}

func realAddr(id tailcfg.NodeID) netip.Addr {
	return netip.AddrFrom4([4]byte{100, 64, byte(id >> 8), byte(id)})
}

func addressPair(v4 netip.Addr) []netip.Prefix {
	v6 := tsaddr.Tailscale4To6(v4)
	return []netip.Prefix{netip.PrefixFrom(v4, 32), netip.PrefixFrom(v6, 128)}
}

// randomBytes stands in for a public key: nobody ever speaks to these peers, and curve arithmetic would cost start-up time.
func randomBytes(rng *rand.Rand) []byte {
	b := make([]byte, 32)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}
