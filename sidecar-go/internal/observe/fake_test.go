package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/boundary"
	"sentinel/sidecar/internal/bus"
	"sentinel/sidecar/internal/record"
	"sentinel/sidecar/internal/uplink"
)

// client is a Tailscale client made of maps. Messages are numbers of notices.
type client struct {
	mu      sync.Mutex
	notices []*record.Notice
	streams chan *stream
	peers   map[int64]*record.Peer
	broken  map[int64]bool
	self    *record.Peer
	users   map[int64]*wirev1.UserProfile
	status  *record.Status
	tailnet *wirev1.Tailnet
	asked   []string
	running []bool
}

func newClient(t *testing.T) *client {
	return &client{
		streams: make(chan *stream, 8), peers: make(map[int64]*record.Peer), broken: make(map[int64]bool),
		self: self(t, nil), users: make(map[int64]*wirev1.UserProfile), tailnet: &wirev1.Tailnet{Domain: "example.com"},
		status: &record.Status{Tailnet: &wirev1.Tailnet{Domain: "example.com"}, State: "Running", SelfID: 1},
	}
}

// stream is one watch of a client.
type stream struct {
	messages chan []byte
	closed   chan struct{}
	once     sync.Once
}

func (s *stream) Next() ([]byte, error) {
	select {
	case raw, ok := <-s.messages:
		if !ok {
			return nil, io.EOF
		}
		return raw, nil
	case <-s.closed:
		return nil, io.ErrClosedPipe
	}
}

func (s *stream) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (c *client) Watch(context.Context) (bus.Stream, error) {
	s := &stream{messages: make(chan []byte, 100), closed: make(chan struct{})}
	c.streams <- s
	return s, nil
}

// say puts a notice on a watch.
func (c *client) say(s *stream, n *record.Notice) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notices = append(c.notices, n)
	s.messages <- fmt.Append(nil, len(c.notices)-1)
}

func (c *client) Decode(raw []byte) (*record.Notice, int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var i int
	if _, err := fmt.Sscan(string(raw), &i); err != nil {
		return nil, 0, err
	}
	return c.notices[i], 0, nil
}

func (c *client) Peer(_ context.Context, id int64) (*record.Peer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, fmt.Sprint("peer ", id))
	switch peer := c.peers[id]; {
	case c.broken[id] || id <= 0:
		return nil, errors.New("500")
	case peer == nil:
		return nil, bus.ErrGone
	default:
		return peer, nil
	}
}

func (c *client) Self(context.Context, int64) (*record.Peer, error) { return c.self, nil }

func (c *client) User(_ context.Context, id int64) (*wirev1.UserProfile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, fmt.Sprint("user ", id))
	if user := c.users[id]; user != nil {
		return user, nil
	}
	return nil, errors.New("404")
}

func (c *client) Status(context.Context, bool) (*record.Status, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, "status")
	return c.status, nil
}

func (c *client) Tailnet(context.Context) (*wirev1.Tailnet, error) { return c.tailnet, nil }

func (c *client) SetWantRunning(_ context.Context, on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = append(c.running, on)
	return nil
}

// switches is how the client was switched on and off.
func (c *client) switches() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.running)
}

func node(t testing.TB, id int64, change func(*wirev1.Node)) *record.Peer {
	t.Helper()
	n := &wirev1.Node{
		StableId: fmt.Sprintf("n%d", id), Name: fmt.Sprintf("host%d", id), UserId: 1, NodeKey: fmt.Sprint("key", id),
		Presence: wirev1.Presence_PRESENCE_ONLINE,
	}
	if change != nil {
		change(n)
	}
	peer, err := record.NewPeer(id, n)
	if err != nil {
		t.Fatal(err)
	}
	return peer
}

func self(t testing.TB, change func(*wirev1.Node)) *record.Peer {
	t.Helper()
	yes := true
	return node(t, 1, func(n *wirev1.Node) {
		n.StableId, n.Name, n.MachineAuthorized, n.Presence = "self", "sentinel", &yes, wirev1.Presence_PRESENCE_UNSPECIFIED
		if change != nil {
			change(n)
		}
	})
}

// bench is an observer without its goroutine: notices are handled one by one, and frames are what a service would get.
type bench struct {
	t        *testing.T
	client   *client
	observer *Observer
	ledger   *recorder
	at       time.Time
}

// recorder is a ledger that only remembers.
type recorder struct {
	mu      sync.Mutex
	frames  []*wirev1.Frame
	rebased bool
	heard   chan string
}

func (r *recorder) Update(_ time.Time, change func(tx uplink.Tx)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

func (r *recorder) Emit(frame *wirev1.Frame) {
	r.frames = append(r.frames, frame)
	if r.heard != nil {
		r.heard <- word(frame)
	}
}

func (r *recorder) Rebase() { r.rebased = true }

// take returns what was emitted since the last time.
func (r *recorder) take() []*wirev1.Frame {
	r.mu.Lock()
	defer r.mu.Unlock()
	frames := r.frames
	r.frames = nil
	return frames
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, client: newClient(t), ledger: new(recorder), at: time.Unix(1700000000, 0).UTC()}
	b.observer = New("1.102.5", slog.New(slog.DiscardHandler), boundary.Unwatched,
		func(func() uplink.Snapshot) Ledger { return b.ledger })
	b.observer.conditions = conditions{run: Run{URLAllowed: true, ControlURL: "https://control.example"}}
	return b
}

// handle takes a notice in and returns what a service gets then, in one line.
func (b *bench) handle(n *record.Notice) string {
	b.t.Helper()
	b.at = b.at.Add(time.Second)
	b.observer.handle(b.t.Context(), b.client, n, b.at)
	return text(b.ledger.take())
}

// full is a full rebuild with the given peers, which the client has from now on.
func (b *bench) full(peers ...*record.Peer) *record.Notice {
	b.client.peers = make(map[int64]*record.Peer)
	for _, peer := range peers {
		b.client.peers[peer.ID] = peer
	}
	return &record.Notice{Self: b.client.self, Full: true, Changed: peers, Users: []*wirev1.UserProfile{{UserId: 1}}}
}

// seeing brings the bench to a base of two peers.
func (b *bench) seeing() *bench {
	b.t.Helper()
	b.handle(&record.Notice{State: "Starting"})
	b.handle(b.full(node(b.t, 2, nil), node(b.t, 3, nil)))
	b.handle(&record.Notice{State: "Running"})
	if !b.observer.known.based || b.observer.known.suspended != nil {
		b.t.Fatal("no base")
	}
	return b
}

func (b *bench) expect(what, got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// text is what frames say, in one line.
func text(frames []*wirev1.Frame) string {
	var words []string
	for _, f := range frames {
		words = append(words, word(f))
	}
	return strings.Join(words, " | ")
}

func word(f *wirev1.Frame) string {
	switch body := f.Body.(type) {
	case *wirev1.Frame_Delta:
		return deltaText(body.Delta)
	case *wirev1.Frame_Suspended:
		s := body.Suspended
		line := "suspended " + strings.TrimPrefix(s.Reason.String(), "SUSPENDED_REASON_")
		if s.LoginUrl != "" {
			line += " url"
		}
		if s.NeedsOperator {
			line += " operator"
		}
		return line
	case *wirev1.Frame_BaseBegin:
		return fmt.Sprintf("base of %d", body.BaseBegin.PeerCount)
	case *wirev1.Frame_BaseChunk:
		return "chunk"
	case *wirev1.Frame_Daemon:
		return "daemon " + body.Daemon.State
	default:
		name := f.ProtoReflect().WhichOneof(f.ProtoReflect().Descriptor().Oneofs().ByName("body")).Name()
		return string(name)
	}
}

func deltaText(d *wirev1.Delta) string {
	line := strings.ToLower(strings.TrimPrefix(d.Cause.String(), "DELTA_CAUSE_"))
	if d.MissingSince != nil {
		line += " missing"
	}
	for _, n := range d.Upserts {
		line += " +" + n.StableId
	}
	for _, p := range d.Patches {
		line += " ~" + p.StableId
	}
	for _, id := range d.Removals {
		line += " -" + id
	}
	for _, u := range d.Users {
		line += fmt.Sprint(" u", u.UserId)
	}
	return line
}
