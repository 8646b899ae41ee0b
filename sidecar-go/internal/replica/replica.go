// Package replica keeps the peers of a tailnet as they were last seen and tells what differs. It is pure: what it needs
// to know beyond a change it lists for the caller to ask, and it never reads a clock.
package replica

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
)

// Replica is every visible peer, keyed outward by StableID, and the users that peers name.
type Replica struct {
	peers map[string]*record.Peer
	byID  map[int64]*record.Peer
	users map[int64]*wirev1.UserProfile
}

// New returns an empty Replica.
func New() *Replica {
	return &Replica{
		peers: make(map[string]*record.Peer),
		byID:  make(map[int64]*record.Peer),
		users: make(map[int64]*wirev1.UserProfile),
	}
}

// Len is how many peers there are.
func (r *Replica) Len() int { return len(r.peers) }

// Change is what Apply takes, everything already looked up.
type Change struct {
	// Removed are the NodeIDs that the control server took away.
	Removed []int64
	// Gone are the StableIDs that are known to be away.
	Gone []string
	// Changed are peers as they are now.
	Changed []*record.Peer
	// Patches are changes of contact; one for an unknown peer is ignored.
	Patches []record.Patch
	// Users are profiles as they are now.
	Users []*wirev1.UserProfile
}

// Apply takes a change in, removals first, then whole peers, then patches, and returns what differs from before.
func (r *Replica) Apply(c Change) Diff {
	before := make(map[string]*record.Peer)
	for _, id := range c.Removed {
		r.remove(before, r.byID[id])
	}
	for _, stableID := range c.Gone {
		r.remove(before, r.peers[stableID])
	}
	for _, peer := range c.Changed {
		r.put(before, peer)
	}
	for _, patch := range c.Patches {
		if peer := r.byID[patch.ID]; peer != nil {
			r.put(before, patched(peer, patch))
		}
	}
	diff := r.compare(before)
	diff.Users = r.putUsers(c.Users)
	return diff
}

// Absent returns the known peers that a complete list of peers does not have, sorted by StableID.
func (r *Replica) Absent(listed []*record.Peer) []*record.Peer {
	present := make(map[string]struct{}, len(listed))
	for _, peer := range listed {
		present[peer.StableID] = struct{}{}
	}
	var absent []*record.Peer
	for stableID, peer := range r.peers {
		if _, ok := present[stableID]; !ok {
			absent = append(absent, peer)
		}
	}
	return byStableID(absent)
}

// UnknownPatched returns the NodeIDs that only a patch names: neither known nor among the changed peers.
func (r *Replica) UnknownPatched(patches []record.Patch, changed []*record.Peer) []int64 {
	var unknown []int64
	for _, patch := range patches {
		named := func(p *record.Peer) bool { return p.ID == patch.ID }
		if r.byID[patch.ID] == nil && !slices.ContainsFunc(changed, named) && !slices.Contains(unknown, patch.ID) {
			unknown = append(unknown, patch.ID)
		}
	}
	return unknown
}

// UnknownUsers returns the users that the given peers name and that neither the replica nor the given profiles have.
func (r *Replica) UnknownUsers(peers []*record.Peer, profiles []*wirev1.UserProfile) []int64 {
	given := make(map[int64]bool, len(profiles))
	for _, user := range profiles {
		given[user.UserId] = true
	}
	var unknown []int64
	for _, peer := range peers {
		for _, id := range [...]int64{peer.UserID, peer.SharerID} {
			if id != 0 && !given[id] && r.users[id] == nil {
				given[id] = true
				unknown = append(unknown, id)
			}
		}
	}
	return unknown
}

// Peers returns all peers, sorted by StableID. Peers never change, so the caller may keep them.
func (r *Replica) Peers() []*record.Peer {
	peers := make([]*record.Peer, 0, len(r.peers))
	for _, peer := range r.peers {
		peers = append(peers, peer)
	}
	return byStableID(peers)
}

// User returns a user's profile; nil if nobody has described it.
func (r *Replica) User(id int64) *wirev1.UserProfile { return r.users[id] }

// Users returns the profiles of the users that the given peers name, sorted by id.
func (r *Replica) Users(peers ...*record.Peer) []*wirev1.UserProfile {
	named := make(map[int64]*wirev1.UserProfile)
	for _, peer := range peers {
		for _, id := range [...]int64{peer.UserID, peer.SharerID} {
			if user := r.users[id]; user != nil {
				named[id] = user
			}
		}
	}
	users := make([]*wirev1.UserProfile, 0, len(named))
	for _, user := range named {
		users = append(users, user)
	}
	slices.SortFunc(users, func(a, b *wirev1.UserProfile) int { return int(min(1, max(-1, a.UserId-b.UserId))) })
	return users
}

func (r *Replica) remove(before map[string]*record.Peer, peer *record.Peer) {
	if peer == nil {
		return
	}
	remember(before, peer.StableID, peer)
	delete(r.peers, peer.StableID)
	if r.byID[peer.ID] == peer {
		delete(r.byID, peer.ID)
	}
}

func (r *Replica) put(before map[string]*record.Peer, peer *record.Peer) {
	old := r.peers[peer.StableID]
	if old != nil {
		peer = settled(old, peer)
		if peer == old {
			return
		}
		if r.byID[old.ID] == old {
			delete(r.byID, old.ID)
		}
	}
	remember(before, peer.StableID, old)
	r.peers[peer.StableID] = peer
	r.byID[peer.ID] = peer
}

func (r *Replica) putUsers(users []*wirev1.UserProfile) []*wirev1.UserProfile {
	var changed []*wirev1.UserProfile
	for _, user := range users {
		if !proto.Equal(r.users[user.UserId], user) {
			r.users[user.UserId] = user
			changed = append(changed, user)
		}
	}
	return changed
}

func (r *Replica) compare(before map[string]*record.Peer) Diff {
	var diff Diff
	for stableID, old := range before {
		now := r.peers[stableID]
		switch {
		case now == nil && old == nil, now == old:
		case now == nil:
			diff.Removals = append(diff.Removals, stableID)
		case old == nil || !old.SameButContact(now) || presenceLost(old, now):
			diff.Upserts = append(diff.Upserts, now)
		default:
			diff.Patches = appendPatch(diff.Patches, old, now)
		}
	}
	slices.Sort(diff.Removals)
	byStableID(diff.Upserts)
	slices.SortFunc(diff.Patches, func(a, b *wirev1.PresencePatch) int { return strings.Compare(a.StableId, b.StableId) })
	return diff
}

// remember keeps the first value, which is the one from before the change.
func remember(before map[string]*record.Peer, stableID string, peer *record.Peer) {
	if _, ok := before[stableID]; !ok {
		before[stableID] = peer
	}
}

// settled returns old itself if nothing changed. A last contact that is merely missing is kept: some control servers
// tell it once.
func settled(old, peer *record.Peer) *record.Peer {
	if peer.Presence == old.Presence && peer.LastSeen.IsZero() && !old.LastSeen.IsZero() {
		peer = peer.WithContact(peer.Presence, old.LastSeen)
	}
	same := peer.ID == old.ID && peer.Presence == old.Presence && peer.LastSeen.Equal(old.LastSeen)
	if same && old.SameButContact(peer) {
		return old
	}
	return peer
}

func patched(peer *record.Peer, patch record.Patch) *record.Peer {
	presence, lastSeen := peer.Presence, peer.LastSeen
	if patch.Presence != wirev1.Presence_PRESENCE_UNSPECIFIED {
		presence = patch.Presence
	}
	if !patch.LastSeen.IsZero() {
		lastSeen = patch.LastSeen
	}
	return peer.WithContact(presence, lastSeen)
}

// presenceLost is a change that no patch can say: in a patch, unspecified means unchanged.
func presenceLost(old, now *record.Peer) bool {
	return old.Presence != now.Presence && now.Presence == wirev1.Presence_PRESENCE_UNSPECIFIED
}

func byStableID(peers []*record.Peer) []*record.Peer {
	slices.SortFunc(peers, func(a, b *record.Peer) int { return strings.Compare(a.StableID, b.StableID) })
	return peers
}
