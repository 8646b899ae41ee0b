package replica

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
)

// Diff is what a change altered, each list sorted.
type Diff struct {
	Upserts  []*record.Peer
	Patches  []*wirev1.PresencePatch
	Removals []string
	Users    []*wirev1.UserProfile
}

// Empty reports whether nothing was altered.
func (d Diff) Empty() bool {
	return len(d.Upserts)+len(d.Patches)+len(d.Removals)+len(d.Users) == 0
}

// Deltas renders the diff as messages of at most about limit bytes each: none if the diff is empty, nearly always one.
// Users come no later than the peers that name them.
func (d Diff) Deltas(cause wirev1.DeltaCause, missingSince *timestamppb.Timestamp, limit int) []*wirev1.Delta {
	var deltas []*wirev1.Delta
	size := limit
	room := func(n int) *wirev1.Delta {
		if size += n; size > limit {
			deltas = append(deltas, &wirev1.Delta{Cause: cause, MissingSince: missingSince})
			size = n
		}
		return deltas[len(deltas)-1]
	}
	for _, user := range d.Users {
		delta := room(proto.Size(user) + overhead)
		delta.Users = append(delta.Users, user)
	}
	for _, stableID := range d.Removals {
		delta := room(len(stableID) + overhead)
		delta.Removals = append(delta.Removals, stableID)
	}
	for _, peer := range d.Upserts {
		delta := room(peer.Size() + overhead)
		delta.Upserts = append(delta.Upserts, peer.Node())
	}
	for _, patch := range d.Patches {
		delta := room(proto.Size(patch) + overhead)
		delta.Patches = append(delta.Patches, patch)
	}
	return deltas
}

// overhead is what a repeated field adds to an element: its tag and its length.
const overhead = 6

// Chunks groups peers so that none of the groups takes more than limit bytes as a BaseChunk. A first group of users, if
// there are any, is the caller's business.
func Chunks(peers []*record.Peer, limit int) [][]*record.Peer {
	var chunks [][]*record.Peer
	start, size := 0, 0
	for i, peer := range peers {
		if size += peer.Size() + overhead; size > limit && i > start {
			chunks = append(chunks, peers[start:i])
			start, size = i, peer.Size()+overhead
		}
	}
	if start < len(peers) {
		chunks = append(chunks, peers[start:])
	}
	return chunks
}

func appendPatch(patches []*wirev1.PresencePatch, old, now *record.Peer) []*wirev1.PresencePatch {
	patch := &wirev1.PresencePatch{StableId: now.StableID}
	if now.Presence != old.Presence {
		patch.Presence = now.Presence
	}
	if !now.LastSeen.Equal(old.LastSeen) && !now.LastSeen.IsZero() {
		patch.LastSeen = timestamppb.New(now.LastSeen)
	}
	if patch.Presence == wirev1.Presence_PRESENCE_UNSPECIFIED && patch.LastSeen == nil {
		return patches
	}
	return append(patches, patch)
}
