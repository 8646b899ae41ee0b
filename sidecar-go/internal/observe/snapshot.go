package observe

import (
	"google.golang.org/protobuf/proto"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
	"sentinel/sidecar/internal/replica"
	"sentinel/sidecar/internal/uplink"
)

// messageLimit keeps frames well below the megabyte that the wire allows.
const messageLimit = 768 << 10

// snapshot is called under the ledger's lock.
func (o *Observer) snapshot() uplink.Snapshot {
	k := &o.known
	s := uplink.Snapshot{
		Based: k.based, Tailnet: k.tailnet, Daemon: k.daemon, Prefs: k.prefs, Health: k.health, Suspended: k.suspended,
	}
	if !k.based {
		return s
	}
	peers := k.replica.Peers()
	named := peers
	if k.self != nil {
		s.Self = &wirev1.SelfNode{Node: k.self.Node()}
		named = append(named[:len(named):len(named)], k.self)
	}
	s.Peers = len(peers)
	s.Chunks = userChunks(k.replica.Users(named...))
	for _, group := range replica.Chunks(peers, messageLimit) {
		s.Chunks = append(s.Chunks, func() *wirev1.BaseChunk { return peerChunk(group) })
	}
	return s
}

func peerChunk(peers []*record.Peer) *wirev1.BaseChunk {
	chunk := &wirev1.BaseChunk{Peers: make([]*wirev1.Node, 0, len(peers))}
	for _, peer := range peers {
		chunk.Peers = append(chunk.Peers, peer.Node())
	}
	return chunk
}

func userChunks(users []*wirev1.UserProfile) []func() *wirev1.BaseChunk {
	var chunks []func() *wirev1.BaseChunk
	var chunk *wirev1.BaseChunk
	size := messageLimit
	for _, user := range users {
		n := proto.Size(user) + 6
		if size += n; size > messageLimit {
			chunk, size = new(wirev1.BaseChunk), n
			made := chunk
			chunks = append(chunks, func() *wirev1.BaseChunk { return made })
		}
		chunk.Users = append(chunk.Users, user)
	}
	return chunks
}
