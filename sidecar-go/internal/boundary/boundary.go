// Package boundary names the places at which an edge may end without losing anything. Tests end it there.
package boundary

// What lies on both sides of a boundary is in its name.
const (
	// BusToRing is when a message of the bus is understood and nothing of it is kept yet.
	BusToRing = "bus to ring"
	// RingToWire is when a frame is about to be sent.
	RingToWire = "ring to wire"
	// AckToTrim is when an acknowledgement has come and the ring still has what it is for.
	AckToTrim = "ack to trim"
)

// Reached is told the name of each boundary each time it is reached, from any goroutine.
type Reached func(name string)

// Unwatched is told and does nothing.
func Unwatched(string) {}

// Names are all boundaries.
func Names() []string { return []string{BusToRing, RingToWire, AckToTrim} }
