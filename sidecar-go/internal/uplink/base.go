package uplink

import (
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
)

// errHole says that a frame that had to be sent next is no longer there.
var errHole = errors.New("the next frame is no longer in the ring")

// cursor is how far one session has got.
type cursor struct {
	// base are the parts of a base that are still to be sent.
	base []func() *wirev1.Frame
	// next is the number of the frame after them.
	next uint64
	// resumed says that the session goes on where the service stood.
	resumed bool
}

// resume decides from the service's Welcome where a session goes on: after a frame that the ring continues, or with a
// base, or, as long as there is nothing to make a base of, with the present state.
func (l *Ledger) resume(welcome *wirev1.Welcome) (*cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	after := welcome.GetResumeAfter()
	if after != nil && l.continues(after) {
		return &cursor{next: after.Seq + 1, resumed: true}, l.ack(after)
	}
	if l.epoch == 0 {
		return l.startOver(), nil
	}
	l.demand(after)
	return &cursor{next: l.last + 1}, nil
}

func (l *Ledger) continues(after *wirev1.Position) bool {
	return !l.broken && after.BootId == l.bootID && after.Epoch == l.epoch &&
		after.Seq >= l.baseEnd && after.Seq <= l.last && after.Seq+1 >= l.first()
}

// demand makes the next thing to be sent a base. What the service once had and has no more counts as lost.
func (l *Ledger) demand(after *wirev1.Position) {
	switch {
	case l.demanded != wirev1.BaseCause_BASE_CAUSE_UNSPECIFIED:
		return
	case after == nil:
		l.demanded = wirev1.BaseCause_BASE_CAUSE_REQUESTED
		return
	}
	l.demanded = wirev1.BaseCause_BASE_CAUSE_RING_LOST
	if !l.lost.IsZero() || !l.everBased {
		return
	}
	l.lost = l.started
	if after.BootId == l.bootID && after.Epoch == l.epoch {
		l.lost = l.baseAt
	}
}

// startOver replaces the frames of epoch 0 by the present state: the service has nothing that they could continue.
func (l *Ledger) startOver() *cursor {
	l.ring, l.bytes = nil, 0
	c := &cursor{next: l.last + 1}
	now, s := time.Now(), l.snapshot()
	if s.Based {
		return c
	}
	for _, frame := range s.state() {
		l.append(now, frame)
	}
	return c
}

func (s *Snapshot) state() []*wirev1.Frame {
	var frames []*wirev1.Frame
	if s.Daemon != nil {
		frames = append(frames, &wirev1.Frame{Body: &wirev1.Frame_Daemon{Daemon: s.Daemon}})
	}
	if s.Prefs != nil {
		frames = append(frames, &wirev1.Frame{Body: &wirev1.Frame_Prefs{Prefs: s.Prefs}})
	}
	if s.Health != nil {
		frames = append(frames, &wirev1.Frame{Body: &wirev1.Frame_Health{Health: s.Health}})
	}
	if s.Suspended != nil {
		frames = append(frames, &wirev1.Frame{Body: &wirev1.Frame_Suspended{Suspended: s.Suspended}})
	}
	return frames
}

// take returns what a session has to send next: a part of a base still to be built, or a marshalled request; neither
// if there is nothing.
func (l *Ledger) take(c *cursor) (part func() *wirev1.Frame, request []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.demanded != wirev1.BaseCause_BASE_CAUSE_UNSPECIFIED || l.epoch == 0 {
		l.takeBase(c)
	}
	switch {
	case len(c.base) > 0:
		part = c.base[0]
		c.base = c.base[1:]
		return part, nil, nil
	case c.next > l.last:
		return nil, nil, nil
	case c.next < l.first():
		return nil, nil, errHole
	}
	request = l.ring[c.next-l.first()].request
	c.next++
	return nil, request, nil
}

// takeBase takes a base, if there is anything to take it of, empties the ring and raises the epoch.
func (l *Ledger) takeBase(c *cursor) {
	s := l.snapshot()
	if !s.Based {
		return
	}
	l.noteLoss()
	now := time.Now()
	begin := &wirev1.BaseBegin{
		Cause: l.baseCause(), PeerCount: uint32(s.Peers), Self: s.Self, Tailnet: s.Tailnet, Daemon: s.Daemon,
		Prefs: s.Prefs, Health: s.Health,
	}
	if !l.lost.IsZero() {
		begin.MissingSince = timestamppb.New(l.lost)
	}
	l.epoch++
	l.ring, l.bytes, l.broken = nil, 0, false
	l.demanded = wirev1.BaseCause_BASE_CAUSE_UNSPECIFIED
	l.baseEnd = uint64(len(s.Chunks)) + 2
	l.last, l.baseAt, l.baseAcked = l.baseEnd, now, false
	c.base, c.next = l.parts(begin, s.Chunks, now), l.baseEnd+1
	if s.Suspended != nil {
		l.append(now, &wirev1.Frame{Body: &wirev1.Frame_Suspended{Suspended: s.Suspended}})
	}
}

func (l *Ledger) baseCause() wirev1.BaseCause {
	if !l.everBased {
		return wirev1.BaseCause_BASE_CAUSE_START
	}
	return l.demanded
}

func (l *Ledger) parts(
	begin *wirev1.BaseBegin, chunks []func() *wirev1.BaseChunk, now time.Time,
) []func() *wirev1.Frame {
	parts := make([]func() *wirev1.Frame, 0, len(chunks)+2)
	add := func(body func(*wirev1.Frame)) {
		position, at := l.position(uint64(len(parts)+1)), timestamppb.New(now)
		parts = append(parts, func() *wirev1.Frame {
			frame := &wirev1.Frame{Position: position, CapturedAt: at}
			body(frame)
			return frame
		})
	}
	add(func(f *wirev1.Frame) { f.Body = &wirev1.Frame_BaseBegin{BaseBegin: begin} })
	for _, chunk := range chunks {
		add(func(f *wirev1.Frame) { f.Body = &wirev1.Frame_BaseChunk{BaseChunk: chunk()} })
	}
	end := &wirev1.BaseEnd{PeerCount: begin.PeerCount}
	add(func(f *wirev1.Frame) { f.Body = &wirev1.Frame_BaseEnd{BaseEnd: end} })
	return parts
}
