// Package uplink brings frames to the service in sequence: a ring of what is not acknowledged yet, and sessions that
// resume from it. It knows frames, positions and bases, and nothing of Tailscale.
package uplink

import (
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
)

// Snapshot is all that an edge knows at one moment.
type Snapshot struct {
	// Based says that there is something to make a base of. The rest but Peers and Chunks counts without it too.
	Based bool

	Self    *wirev1.SelfNode
	Tailnet *wirev1.Tailnet
	Daemon  *wirev1.Daemon
	Prefs   *wirev1.Prefs
	Health  *wirev1.Health
	// Suspended is set while the edge does not see the tailnet.
	Suspended *wirev1.Suspended
	// Peers is how many peers all chunks have together.
	Peers int
	// Chunks make the parts of the base, each one below the limit of a message, any time later.
	Chunks []func() *wirev1.BaseChunk
}

// Ledger numbers frames and keeps them until the service has committed them. One lock covers the ring and whatever the
// snapshot reads, so that a base and the frames after it fit together without a gap or an overlap.
type Ledger struct {
	bootID   string
	limit    int
	snapshot func() Snapshot
	started  time.Time
	wake     chan struct{}

	mu    sync.Mutex
	epoch uint64
	// last is the number of the newest frame of the epoch; the ring has the frames up to it.
	last  uint64
	ring  []entry
	bytes int
	// baseEnd is the number of the epoch's BaseEnd; 0 in epoch 0, which has none.
	baseEnd   uint64
	baseAcked bool
	baseAt    time.Time
	everBased bool
	acked     *wirev1.Position
	// broken says that frames were dropped, so that no more are kept until a base makes up for them.
	broken bool
	// lost is since when the service is without frames that were made; zero if it has or will get them all.
	lost time.Time
	// demanded is the cause of the base that has to be taken next; unspecified if none has to.
	demanded wirev1.BaseCause
}

type entry struct {
	at time.Time
	// request is the marshalled StreamFramesRequest.
	request []byte
}

// NewLedger returns the Ledger of one run of an edge. The ring holds up to limit bytes. Snapshot is called under the
// ledger's lock and must not call it back.
func NewLedger(bootID string, limit int, snapshot func() Snapshot) *Ledger {
	return &Ledger{
		bootID: bootID, limit: limit, snapshot: snapshot, started: time.Now(), wake: make(chan struct{}, 1),
	}
}

// Tx adds to the ledger; it is valid inside Update only.
type Tx interface {
	// Emit numbers a frame, whose body is all that is set, and keeps it.
	Emit(frame *wirev1.Frame)
	// Rebase asks for a base in place of differences.
	Rebase()
}

// Update runs change under the ledger's lock. What change alters of that which the snapshot reads, and the frames that
// it emits, belong together. At is when the edge saw it.
func (l *Ledger) Update(at time.Time, change func(tx Tx)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&tx{ledger: l, at: at})
	l.signal()
}

type tx struct {
	ledger *Ledger
	at     time.Time
}

func (t *tx) Emit(frame *wirev1.Frame) { t.ledger.append(t.at, frame) }

func (t *tx) Rebase() {
	if t.ledger.epoch > 0 {
		t.ledger.demanded = wirev1.BaseCause_BASE_CAUSE_START
	}
}

// Depth is how many frames, and how many bytes of them, wait for an acknowledgement, and the newest frame made.
func (l *Ledger) Depth() (frames, bytes uint64, lastMade *wirev1.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.ring)), uint64(l.bytes), l.lastMade()
}

// Standing is where the edge stands, for Hello; nil before the first frame.
func (l *Ledger) Standing() (lastMade, lastAcked *wirev1.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lastMade(), l.acked
}

// Settled reports whether everything that was made is acknowledged.
func (l *Ledger) Settled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ring) == 0 && (l.baseAcked || l.epoch == 0)
}

// Ack forgets what the service has committed. A position of another run or of an earlier epoch says nothing any more.
func (l *Ledger) Ack(position *wirev1.Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.signal()
	return l.ack(position)
}

func (l *Ledger) ack(position *wirev1.Position) error {
	if position.GetBootId() != l.bootID || position.GetEpoch() < l.epoch {
		return nil
	}
	if position.Epoch > l.epoch || position.Seq > l.last {
		return fmt.Errorf("acknowledged epoch %d seq %d, but only epoch %d seq %d was made",
			position.Epoch, position.Seq, l.epoch, l.last)
	}
	if first := l.first(); position.Seq >= first {
		l.drop(int(position.Seq - first + 1))
	}
	if l.baseEnd > 0 && position.Seq >= l.baseEnd && !l.baseAcked {
		l.baseAcked, l.everBased = true, true
		if !l.broken {
			l.lost = time.Time{}
		}
	}
	l.acked = &wirev1.Position{BootId: l.bootID, Epoch: position.Epoch, Seq: position.Seq}
	return nil
}

// append keeps a frame. Peers before the first base are left out, because that base will have them; so is everything
// while the ring is broken, because the next base will have it and say since when.
func (l *Ledger) append(at time.Time, frame *wirev1.Frame) {
	if l.broken || l.epoch == 0 && frame.GetDelta() != nil {
		return
	}
	l.last++
	frame.Position = l.position(l.last)
	frame.CapturedAt = timestamppb.New(at)
	request := marshalRequest(frame)
	l.ring = append(l.ring, entry{at: at, request: request})
	if l.bytes += len(request); l.bytes > l.limit {
		l.lose()
	}
}

// lose gives up the ring: a base has to make up for it, the one that comes anyway if there was none yet.
func (l *Ledger) lose() {
	l.noteLoss()
	l.ring, l.bytes = nil, 0
	if l.epoch > 0 {
		l.broken, l.demanded = true, wirev1.BaseCause_BASE_CAUSE_RING_LOST
	}
}

// noteLoss remembers since when the service is without what the ring has, before the ring is emptied.
func (l *Ledger) noteLoss() {
	if l.lost.IsZero() && len(l.ring) > 0 && l.epoch > 0 {
		l.lost = l.ring[0].at
	}
}

// first is the number of the oldest frame in the ring; one past the newest if the ring is empty.
func (l *Ledger) first() uint64 { return l.last + 1 - uint64(len(l.ring)) }

func (l *Ledger) drop(n int) {
	for _, e := range l.ring[:n] {
		l.bytes -= len(e.request)
	}
	clear(l.ring[:n])
	l.ring = l.ring[n:]
	if len(l.ring) == 0 {
		l.ring = nil
	}
}

func (l *Ledger) lastMade() *wirev1.Position {
	if l.last == 0 {
		return nil
	}
	return l.position(l.last)
}

func (l *Ledger) position(seq uint64) *wirev1.Position {
	return &wirev1.Position{BootId: l.bootID, Epoch: l.epoch, Seq: seq}
}

func (l *Ledger) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func marshalRequest(frame *wirev1.Frame) []byte {
	request, err := proto.Marshal(&wirev1.StreamFramesRequest{Message: &wirev1.StreamFramesRequest_Frame{Frame: frame}})
	if err != nil {
		panic(fmt.Sprintf("uplink: a frame cannot be marshalled: %v", err))
	}
	return request
}
