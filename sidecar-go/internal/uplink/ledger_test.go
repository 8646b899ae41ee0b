package uplink

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
)

var noon = time.Unix(1700000000, 0).UTC()

// world is what an edge knows in these tests.
type world struct{ snapshot Snapshot }

func (w *world) take() Snapshot { return w.snapshot }

func (w *world) base(peers int) {
	w.snapshot.Based, w.snapshot.Peers, w.snapshot.Suspended = true, peers, nil
	w.snapshot.Chunks = nil
	for range peers {
		w.snapshot.Chunks = append(w.snapshot.Chunks, func() *wirev1.BaseChunk { return new(wirev1.BaseChunk) })
	}
}

func ledger(limit int) (*Ledger, *world) {
	w := new(world)
	w.snapshot.Suspended = &wirev1.Suspended{Reason: wirev1.SuspendedReason_SUSPENDED_REASON_STARTING}
	return NewLedger("boot", limit, w.take), w
}

func delta(stableID string) *wirev1.Frame {
	return &wirev1.Frame{Body: &wirev1.Frame_Delta{Delta: &wirev1.Delta{Removals: []string{stableID}}}}
}

func daemon(state string) *wirev1.Frame {
	return &wirev1.Frame{Body: &wirev1.Frame_Daemon{Daemon: &wirev1.Daemon{State: state}}}
}

func emit(l *Ledger, at time.Time, frames ...*wirev1.Frame) {
	l.Update(at, func(tx Tx) {
		for _, f := range frames {
			tx.Emit(f)
		}
	})
}

// sent is everything that a session would send now.
func sent(t *testing.T, l *Ledger, c *cursor) []*wirev1.Frame {
	t.Helper()
	var frames []*wirev1.Frame
	for {
		part, request, err := l.take(c)
		switch {
		case err != nil:
			t.Fatal(err)
		case part != nil:
			frames = append(frames, part())
		case request != nil:
			var message wirev1.StreamFramesRequest
			if err := proto.Unmarshal(request, &message); err != nil {
				t.Fatal(err)
			}
			frames = append(frames, message.GetFrame())
		default:
			return frames
		}
	}
}

// text is what frames are, in one line.
func text(frames []*wirev1.Frame) (line string) {
	for _, f := range frames {
		word := "?"
		switch b := f.Body.(type) {
		case *wirev1.Frame_BaseBegin:
			word = fmt.Sprintf("begin[%s]", b.BaseBegin.Cause.String()[len("BASE_CAUSE_"):])
			if b.BaseBegin.MissingSince != nil {
				word += fmt.Sprintf("since%d", b.BaseBegin.MissingSince.AsTime().Unix()-noon.Unix())
			}
		case *wirev1.Frame_BaseChunk:
			word = "chunk"
		case *wirev1.Frame_BaseEnd:
			word = "end"
		case *wirev1.Frame_Delta:
			word = b.Delta.Removals[0]
		case *wirev1.Frame_Daemon:
			word = b.Daemon.State
		case *wirev1.Frame_Suspended:
			word = "suspended"
		}
		line += fmt.Sprintf("%d.%d:%s ", f.Position.Epoch, f.Position.Seq, word)
	}
	return line
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

func position(epoch, seq uint64) *wirev1.Position {
	return &wirev1.Position{BootId: "boot", Epoch: epoch, Seq: seq}
}

func session(t *testing.T, l *Ledger, after *wirev1.Position) *cursor {
	t.Helper()
	welcome := &wirev1.Welcome{Resume: &wirev1.Welcome_SendBase{SendBase: new(wirev1.SendBase)}}
	if after != nil {
		welcome.Resume = &wirev1.Welcome_ResumeAfter{ResumeAfter: after}
	}
	c, err := l.resume(welcome)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ack(t *testing.T, l *Ledger, p *wirev1.Position) {
	t.Helper()
	if err := l.Ack(p); err != nil {
		t.Fatal(err)
	}
}

// based is a ledger whose first base, epoch 1 seq 1 to 3, is sent and acknowledged.
func based(t *testing.T, limit int) (*Ledger, *world, *cursor) {
	l, w := ledger(limit)
	w.base(1)
	c := session(t, l, nil)
	want(t, "first base", text(sent(t, l, c)), "1.1:begin[START] 1.2:chunk 1.3:end ")
	ack(t, l, position(1, 3))
	return l, w, c
}

func TestABaseBeginsWithEverythingThatIsNoPeer(t *testing.T) {
	l, w := ledger(1 << 20)
	w.base(0)
	w.snapshot.Self = &wirev1.SelfNode{Node: &wirev1.Node{StableId: "self"}}
	w.snapshot.Tailnet = &wirev1.Tailnet{Domain: "example.com"}
	w.snapshot.Daemon = &wirev1.Daemon{State: "Running"}
	w.snapshot.Prefs = &wirev1.Prefs{RunSsh: true}
	w.snapshot.Health = &wirev1.Health{Warnings: []*wirev1.HealthWarning{{Code: "warming-up"}}}
	got := sent(t, l, session(t, l, nil))[0].GetBaseBegin()
	full := &wirev1.BaseBegin{
		Cause: wirev1.BaseCause_BASE_CAUSE_START, Self: w.snapshot.Self, Tailnet: w.snapshot.Tailnet,
		Daemon: w.snapshot.Daemon, Prefs: w.snapshot.Prefs, Health: w.snapshot.Health,
	}
	if !proto.Equal(got, full) {
		t.Errorf("got %v, want %v", got, full)
	}
}

func TestBeforeTheFirstBaseTheStateIsSentAsEpochZero(t *testing.T) {
	l, w := ledger(1 << 20)
	emit(l, noon, daemon("NoState"), daemon("NeedsLogin"))
	w.snapshot.Daemon = &wirev1.Daemon{State: "NeedsLogin"}
	c := session(t, l, nil)
	want(t, "to a service that has nothing", text(sent(t, l, c)), "0.3:NeedsLogin 0.4:suspended ")
	emit(l, noon, daemon("Starting"), delta("before the base"))
	want(t, "what comes then", text(sent(t, l, c)), "0.5:Starting ")
	c = session(t, l, position(0, 4))
	want(t, "to a service that has some of it", text(sent(t, l, c)), "0.5:Starting ")
	w.base(2)
	emit(l, noon)
	want(t, "once there is a base", text(sent(t, l, c)), "1.1:begin[START] 1.2:chunk 1.3:chunk 1.4:end ")
	emit(l, noon, delta("a"))
	want(t, "after it", text(sent(t, l, c)), "1.5:a ")
}

func TestASuspendedEdgeSaysSoAfterItsBase(t *testing.T) {
	l, w := ledger(1 << 20)
	w.base(0)
	w.snapshot.Suspended = &wirev1.Suspended{}
	want(t, "base", text(sent(t, l, session(t, l, nil))), "1.1:begin[START] 1.2:end 1.3:suspended ")
}

func TestReplayGoesOnAfterTheResumePoint(t *testing.T) {
	l, _, _ := based(t, 1<<20)
	emit(l, noon, delta("a"), delta("b"), delta("c"))
	want(t, "after the base's end", text(sent(t, l, session(t, l, position(1, 3)))), "1.4:a 1.5:b 1.6:c ")
	want(t, "after b, although no ack said so", text(sent(t, l, session(t, l, position(1, 5)))), "1.6:c ")
	if frames, _, last := l.Depth(); frames != 1 || last.Seq != 6 {
		t.Errorf("%d frames are left, the last is %v", frames, last)
	}
	want(t, "after everything", text(sent(t, l, session(t, l, position(1, 6)))), "")
}

func TestAcksAreCumulativeAndForget(t *testing.T) {
	l, _, c := based(t, 1<<20)
	emit(l, noon, delta("a"), delta("b"))
	sent(t, l, c)
	ack(t, l, position(1, 5))
	ack(t, l, position(1, 4))
	ack(t, l, position(0, 99))
	ack(t, l, &wirev1.Position{BootId: "another", Epoch: 9, Seq: 9})
	if frames, bytes, _ := l.Depth(); frames != 0 || bytes != 0 || !l.Settled() {
		t.Errorf("%d frames, %d bytes", frames, bytes)
	}
	if err := l.Ack(position(1, 6)); err == nil {
		t.Error("an ack of a frame that was never made is taken")
	}
}

func TestABaseFollowsWhenTheResumePointIsGone(t *testing.T) {
	cases := map[string]struct {
		after *wirev1.Position
		want  string
	}{
		"an earlier frame of the epoch":  {position(1, 4), "2.1:begin[RING_LOST]"},
		"the middle of the base":         {position(1, 2), "2.1:begin[RING_LOST]"},
		"a frame that was never made":    {position(1, 99), "2.1:begin[RING_LOST]"},
		"an earlier epoch":               {position(0, 1), "2.1:begin[RING_LOST]"},
		"another boot":                   {&wirev1.Position{BootId: "old", Epoch: 1, Seq: 5}, "2.1:begin[RING_LOST]"},
		"nothing, so it asks for a base": {nil, "2.1:begin[REQUESTED]"},
	}
	for name, c := range cases {
		l, _, cursor := based(t, 1<<20)
		emit(l, noon, delta("a"), delta("b"))
		sent(t, l, cursor)
		ack(t, l, position(1, 5))
		frames := sent(t, l, session(t, l, c.after))
		got := text(frames[:1])
		if since := frames[0].GetBaseBegin().MissingSince; (since != nil) != (c.after != nil) {
			t.Errorf("%s: missing since %v", name, since)
		}
		if got[:len(c.want)] != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestAFullRingIsMadeUpForByABaseThatSaysSinceWhen(t *testing.T) {
	l, _, c := based(t, 400)
	sent(t, l, c)
	for i := range 20 {
		emit(l, noon.Add(time.Duration(i)*time.Second), delta(fmt.Sprint("change ", i)))
	}
	made, _ := l.Standing()
	if frames, bytes, _ := l.Depth(); frames != 0 || bytes != 0 {
		t.Errorf("%d frames with %d bytes are kept", frames, bytes)
	}
	c = session(t, l, position(1, 3))
	want(t, "after reconnecting", text(sent(t, l, c)), "2.1:begin[RING_LOST]since0 2.2:chunk 2.3:end ")
	emit(l, noon, delta("a"))
	want(t, "then", text(sent(t, l, c)), "2.4:a ")
	if made.Epoch != 1 || made.Seq < 4 {
		t.Errorf("made %v", made)
	}
}

func TestAFullRingUnderAnOpenStreamIsMadeUpForAtOnce(t *testing.T) {
	l, _, c := based(t, 200)
	for range 20 {
		emit(l, noon, delta("a change that is long enough"))
	}
	want(t, "on the same stream", text(sent(t, l, c)), "2.1:begin[RING_LOST]since0 2.2:chunk 2.3:end ")
}

func TestABrokenBaseStartsAgainAsAnotherEpoch(t *testing.T) {
	l, w := ledger(1 << 20)
	w.base(2)
	c := session(t, l, nil)
	if part, _, err := l.take(c); part == nil || err != nil {
		t.Fatal("no base")
	}
	emit(l, noon.Add(5*time.Second), delta("a"))
	c = session(t, l, nil)
	want(t, "second try", text(sent(t, l, c)),
		"2.1:begin[START]since5 2.2:chunk 2.3:chunk 2.4:end ")
}

func TestACommittedBaseWhoseAckWasLostIsNotSentAgain(t *testing.T) {
	l, w := ledger(1 << 20)
	w.base(1)
	sent(t, l, session(t, l, nil))
	emit(l, noon, delta("a"))
	want(t, "after the base's end", text(sent(t, l, session(t, l, position(1, 3)))), "1.4:a ")
}

func TestWhatWasLostStaysDeclaredUntilABaseIsCommitted(t *testing.T) {
	l, _, _ := based(t, 200)
	emit(l, noon.Add(time.Second), delta("a"), delta("b"), delta("c that fills the ring up to its brim, and well beyond its"+
		" limit of two hundred bytes, which are not many, as everybody can see who counts them one after the other"))
	want(t, "first try", text(sent(t, l, session(t, l, position(1, 3)))[:1]), "2.1:begin[RING_LOST]since1 ")
	want(t, "second try", text(sent(t, l, session(t, l, position(1, 3)))[:1]), "3.1:begin[RING_LOST]since1 ")
	ack(t, l, position(3, 3))
	want(t, "once it is committed", text(sent(t, l, session(t, l, nil))[:1]), "4.1:begin[REQUESTED] ")
}

func TestAnotherTailnetTakesABase(t *testing.T) {
	l, _, c := based(t, 1<<20)
	l.Update(noon, func(tx Tx) { tx.Rebase() })
	want(t, "base", text(sent(t, l, c)), "2.1:begin[START] 2.2:chunk 2.3:end ")
}

// Whatever happens in whatever order, a service sees each epoch from its first frame on without a hole, and commits
// every change that was made or a base that was taken after it.
func TestSequencesHaveNoHoles(t *testing.T) {
	seed := rand.Uint64()
	for round := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, round))
		if err := shake(t, random); err != nil {
			t.Fatalf("seed %d round %d: %v", seed, round, err)
		}
	}
}

// shake drives one ledger and a model of the service at random.
func shake(t *testing.T, random *rand.Rand) error {
	l, w := ledger(300 + random.IntN(3000))
	service := &service{staged: make(map[uint64]bool)}
	c := session(t, l, nil)
	for step := range 300 {
		switch n := random.IntN(20); {
		case n < 10:
			service.made++
			emit(l, noon.Add(time.Duration(step)*time.Second), delta("change"))
		case n == 10:
			w.base(random.IntN(4))
			emit(l, noon)
		case n == 11:
			emit(l, noon, daemon("Running"))
		case n == 12:
			service.base = nil
			c = session(t, l, service.committed)
		case n == 13 && service.committed != nil:
			ack(t, l, service.committed)
		default:
			for range random.IntN(6) {
				if err := service.receive(t, l, c, random.IntN(8) > 0); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// service is a model of the other side.
type service struct {
	made      int
	committed *wirev1.Position
	base      *wirev1.Position
	staged    map[uint64]bool
}

func (s *service) receive(t *testing.T, l *Ledger, c *cursor, commit bool) error {
	part, request, err := l.take(c)
	if err != nil {
		return err
	}
	frame := new(wirev1.Frame)
	switch {
	case part != nil:
		frame = part()
	case request != nil:
		var message wirev1.StreamFramesRequest
		if err := proto.Unmarshal(request, &message); err != nil {
			return err
		}
		frame = message.GetFrame()
	default:
		return nil
	}
	return s.take(t, l, frame, commit)
}

func (s *service) take(t *testing.T, l *Ledger, frame *wirev1.Frame, commit bool) error {
	p := frame.Position
	before := s.committed
	if s.base != nil {
		before = s.base
	}
	switch {
	case frame.GetBaseBegin() != nil:
		if p.Seq != 1 {
			return fmt.Errorf("a base begins at %v", p)
		}
		s.base = p
		return nil
	case before == nil && p.Epoch == 0:
	case before == nil || p.Epoch != before.Epoch || p.Seq != before.Seq+1:
		return fmt.Errorf("%v follows %v", p, before)
	}
	if s.base != nil && frame.GetBaseEnd() == nil {
		s.base = p
		return nil
	}
	s.base, s.committed = nil, p
	if commit {
		ack(t, l, p)
	}
	return nil
}
