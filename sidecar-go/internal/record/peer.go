// Package record holds what Sentinel keeps of a tailnet: allow-listed, canonical values that compare equal exactly when
// nothing that matters to an operator has changed. It translates Tailscale's types and knows nothing of how they arrive.
package record

import (
	"bytes"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
)

// Peer is one node in canonical form. It never changes after it was made, so that a base may share it with the replica.
// Everything but the contact is kept marshalled: about a third of the size of the message, and compared as bytes.
type Peer struct {
	// ID is Tailscale's NodeID, which never leaves the edge.
	ID int64
	// StableID is how the peer is known outside.
	StableID string
	// UserID and SharerID are the users that the peer names; 0 for nobody.
	UserID, SharerID int64
	// Presence is the contact with the control server.
	Presence wirev1.Presence
	// LastSeen is the end of the last contact; zero unless Presence is offline.
	LastSeen time.Time

	static []byte
}

// NewPeer makes a Peer of a node that is in canonical form already, but for the contact, which it takes out.
func NewPeer(id int64, node *wirev1.Node) (*Peer, error) {
	peer := &Peer{
		ID: id, StableID: node.GetStableId(), UserID: node.GetUserId(), SharerID: node.GetSharerId(),
		Presence: node.GetPresence(),
	}
	if node.LastSeen != nil && peer.Presence == wirev1.Presence_PRESENCE_OFFLINE {
		peer.LastSeen = node.LastSeen.AsTime()
	}
	presence, seen := node.Presence, node.LastSeen
	node.Presence, node.LastSeen = wirev1.Presence_PRESENCE_UNSPECIFIED, nil
	static, err := proto.MarshalOptions{Deterministic: true}.Marshal(node)
	node.Presence, node.LastSeen = presence, seen
	if err != nil {
		return nil, fmt.Errorf("marshal node %s: %w", peer.StableID, err)
	}
	peer.static = static
	return peer, nil
}

// Node returns the peer as the wire has it, a new message each time.
func (p *Peer) Node() *wirev1.Node {
	node := new(wirev1.Node)
	if err := proto.Unmarshal(p.static, node); err != nil {
		panic(fmt.Sprintf("record: own marshalled node %s is damaged: %v", p.StableID, err))
	}
	node.Presence = p.Presence
	if !p.LastSeen.IsZero() {
		node.LastSeen = timestamppb.New(p.LastSeen)
	}
	return node
}

// Size is about how many bytes the peer takes on the wire; never too few.
func (p *Peer) Size() int { return len(p.static) + 32 }

// SameButContact reports whether both are equal in everything but presence and last contact.
func (p *Peer) SameButContact(other *Peer) bool { return bytes.Equal(p.static, other.static) }

// WithContact returns a copy with another contact. A last contact is kept only while there is none now.
func (p *Peer) WithContact(presence wirev1.Presence, lastSeen time.Time) *Peer {
	changed := *p
	changed.Presence = presence
	changed.LastSeen = time.Time{}
	if presence == wirev1.Presence_PRESENCE_OFFLINE {
		changed.LastSeen = lastSeen
	}
	return &changed
}

// Patch is a change of one peer's contact.
type Patch struct {
	// ID names the peer.
	ID int64
	// Presence is its new contact; unspecified leaves it as it was.
	Presence wirev1.Presence
	// LastSeen is when the control server last saw it; zero leaves it as it was.
	LastSeen time.Time
}
