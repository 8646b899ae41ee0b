package main

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

const (
	tailnetDomain = "example.com"
	dnsSuffix     = "tailfe8c.ts.net"

	// Identifiers of real nodes count up from 1, those of synthetic peers from here: they can never meet.
	firstSyntheticID tailcfg.NodeID = 1_000_000
)

// device is one node of the tailnet. The node it points to is never edited in place, only replaced: map responses share it
// with streams that encode it without a lock.
type device struct {
	node      *tailcfg.Node
	approved  []netip.Prefix // what it may route, the default routes included; it need not carry all of it
	hidden    bool           // policy keeps it from everybody's sight
	real      bool           // a program that logged in, not a made-up peer
	ephemeral bool

	streams int         // open map streams of a real node
	silence *time.Timer // runs while a real node has no stream, ends in loss of contact
}

func (d *device) id() tailcfg.NodeID { return d.node.ID }

func (d *device) name() string { return firstLabel(d.node.Name) }

func firstLabel(name string) string {
	label, _, _ := strings.Cut(name, ".")
	return label
}

// newDevice is a synthetic peer that carries all that it may route.
func newDevice(n *tailcfg.Node) *device {
	return &device{node: n, approved: n.AllowedIPs[len(n.Addresses):]}
}

// tailnet is the whole simulated network: who is in it, who watches it and what they have been told.
type tailnet struct {
	derp     *tailcfg.DERPMap
	log      *slog.Logger
	faults   *faults
	ops      map[string]operation
	approval bool // new real nodes wait for an approval

	firstWatch chan struct{} // closed when the first map stream opens
	watchOnce  sync.Once

	mu       sync.Mutex
	maker    *factory
	domain   string
	suffix   string
	health   []string
	messages map[tailcfg.DisplayMessageID]*tailcfg.DisplayMessage
	lock     *lock // nil if there never was one
	routers  map[netip.Prefix][]tailcfg.NodeID
	// withdraws says that a subnet without a carrier in contact is nobody's, instead of its last carrier's.
	withdraws bool
	people    *people
	devices   map[tailcfg.NodeID]*device
	names     map[string]tailcfg.NodeID
	stables   map[tailcfg.StableNodeID]tailcfg.NodeID
	keys      map[key.NodePublic]tailcfg.NodeID // of real nodes
	gone      []tailcfg.NodeID                  // removed for good; a full map without peers has to name them
	watchers  []*watcher
	revision  int64
	lastReal  tailcfg.NodeID
	grace     time.Duration
}

type tailnetOptions struct {
	peers    int
	seed     uint64
	grace    time.Duration
	approval bool
	derp     *tailcfg.DERPMap
	log      *slog.Logger
}

func newTailnet(o tailnetOptions) *tailnet {
	t := &tailnet{
		derp: o.derp, log: o.log, grace: o.grace, approval: o.approval,
		faults:     newFaults(),
		ops:        operations(),
		firstWatch: make(chan struct{}),
		people:     newPeople(),
		devices:    make(map[tailcfg.NodeID]*device, o.peers),
		names:      make(map[string]tailcfg.NodeID, o.peers),
		stables:    make(map[tailcfg.StableNodeID]tailcfg.NodeID, o.peers),
		keys:       map[key.NodePublic]tailcfg.NodeID{},
		domain:     tailnetDomain,
		suffix:     dnsSuffix,
		messages:   map[tailcfg.DisplayMessageID]*tailcfg.DisplayMessage{},
		routers:    map[netip.Prefix][]tailcfg.NodeID{},
	}
	t.maker = newFactory(o.seed, time.Now(), t.people)
	for range o.peers {
		t.insert(newDevice(t.maker.next()))
	}
	return t
}

// insert files a new device under all its names.
func (t *tailnet) insert(d *device) {
	t.devices[d.id()] = d
	t.names[d.name()] = d.id()
	t.stables[d.node.StableID] = d.id()
	t.fileRoutes(d.id(), nil, d.approved)
	if d.real {
		t.keys[d.node.Key] = d.id()
	}
}

// drop forgets a device; its own streams stay open but hear nothing more, as from a control server that deleted them.
func (t *tailnet) drop(d *device) {
	delete(t.devices, d.id())
	delete(t.names, d.name())
	delete(t.stables, d.node.StableID)
	delete(t.keys, d.node.Key)
	t.fileRoutes(d.id(), d.approved, nil)
	t.gone = append(t.gone, d.id())
	if d.silence != nil {
		d.silence.Stop()
	}
	t.watchers = slices.DeleteFunc(t.watchers, func(w *watcher) bool { return w.self == d.id() })
}

// replace gives an existing device a new state and keeps the indexes right.
func (t *tailnet) replace(d *device, node *tailcfg.Node, hidden bool) {
	if was := d.name(); t.names[was] == d.id() {
		delete(t.names, was)
	}
	if d.real {
		delete(t.keys, d.node.Key)
		t.keys[node.Key] = d.id()
	}
	d.node, d.hidden = node, hidden
	t.names[d.name()] = d.id()
}

// visible lists what a watcher should see, itself included, in the order of identifiers.
func (t *tailnet) visible() []*tailcfg.Node {
	nodes := make([]*tailcfg.Node, 0, len(t.devices))
	for _, d := range t.devices {
		if !d.hidden {
			nodes = append(nodes, d.node)
		}
	}
	slices.SortFunc(nodes, func(a, b *tailcfg.Node) int { return int(a.ID - b.ID) })
	return nodes
}

// resolve finds a device by short name, full DNS name or stable identifier; nil when there is none.
func (t *tailnet) resolve(name string) *device {
	if id, ok := t.stables[tailcfg.StableNodeID(name)]; ok {
		return t.devices[id]
	}
	short := strings.ToLower(firstLabel(name))
	d := t.devices[t.names[short]]
	if d == nil || (name != short && strings.TrimSuffix(name, ".") != strings.TrimSuffix(d.node.Name, ".")) {
		return nil
	}
	return d
}

func (t *tailnet) resolveKey(k key.NodePublic) *device { return t.devices[t.keys[k]] }
