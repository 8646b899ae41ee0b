package record

import wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"

// Notice is one message of the Tailscale client, translated. A nil or empty field says that nothing changed there.
type Notice struct {
	// State is the backend's state as the client spells it.
	State string
	// Error is what the client complains of.
	Error string
	// LoginURL is where a person can log the node in; a secret while it is open.
	LoginURL string
	// LoginFinished says that a login succeeded.
	LoginFinished bool
	// Prefs, Health and Self are whole values.
	Prefs  *wirev1.Prefs
	Health *wirev1.Health
	Self   *Peer
	// Full says that Changed lists every visible peer.
	Full bool
	// Removed, Changed and Patches are to be taken in this order.
	Removed []int64
	Changed []*Peer
	Patches []Patch
	// Users are new or changed profiles.
	Users []*wirev1.UserProfile
	// Initial opens a watch.
	Initial *Status
}

// HasPeers reports whether the notice says anything of peers or users.
func (n *Notice) HasPeers() bool {
	return n.Full || len(n.Removed)+len(n.Changed)+len(n.Patches)+len(n.Users) > 0
}

// Status is what the client answers when asked for everything: exact in who is there, coarse in the rest.
type Status struct {
	// State is the backend's state as the client spells it.
	State string
	// LoginURL is where a person can log the node in, if a login waits for one.
	LoginURL string
	// Tailnet is nil while the node is in none.
	Tailnet *wirev1.Tailnet
	// SelfID is the own node's id; 0 while unknown.
	SelfID int64
	// InMapPoll says that the node's poll at the control server is open.
	InMapPoll bool
	// Peers is nil if they were not asked for.
	Peers []StatusPeer
	// Users are the profiles that the client lists.
	Users []*wirev1.UserProfile
}

// StatusPeer is one peer of a Status.
type StatusPeer struct {
	ID       int64
	StableID string
	Online   bool
	Expired  bool
	NodeKey  string
	Tags     []string
}
