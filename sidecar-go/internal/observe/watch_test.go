package observe

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
)

// live is a bench whose observer runs, under a clock of its own.
type live struct {
	*bench
	heard chan string
	stop  context.CancelFunc
	done  chan struct{}
}

func newLive(t *testing.T, run Run) *live {
	t.Helper()
	l := &live{bench: newBench(t), heard: make(chan string, 1000), done: make(chan struct{})}
	l.ledger.heard = l.heard
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	go func() {
		defer close(l.done)
		l.observer.Run(ctx, l.client, run)
	}()
	return l
}

// settle lets everything happen that needs no time, and returns what a service got.
func (l *live) settle() []string {
	synctest.Wait()
	var words []string
	for {
		select {
		case word := <-l.heard:
			words = append(words, word)
		default:
			return words
		}
	}
}

func (l *live) end() {
	l.stop()
	<-l.done
}

// initial opens a watch of a node that is in its tailnet.
func initial(peers ...*record.Peer) *record.Notice {
	status := &record.Status{State: "Running", Tailnet: nil, SelfID: 1}
	for _, peer := range peers {
		status.Peers = append(status.Peers, record.StatusPeer{ID: peer.ID, StableID: peer.StableID})
	}
	return &record.Notice{State: "Running", Initial: status}
}

func (l *live) inTailnet(n *record.Notice) *record.Notice {
	n.Initial.Tailnet = l.client.tailnet
	return n
}

func TestAWatchThatEndsIsMadeUpForByAskingForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, Run{})
		defer l.end()
		two, three, four := node(t, 2, nil), node(t, 3, nil), node(t, 4, nil)
		first := <-l.client.streams
		l.client.say(first, &record.Notice{Initial: &record.Status{State: "NoState"}, State: "NoState"})
		l.client.say(first, l.full(two, three))
		l.settle()
		close(first.messages)
		l.full(two, four)
		second := <-l.client.streams
		l.client.say(second, l.inTailnet(initial(two, four)))
		if got := fmt.Sprint(l.settle()); got != "[resync missing +n4 -n3 daemon Running]" {
			t.Errorf("got %s", got)
		}
		if resyncs, _ := l.observer.Counts(); resyncs != 1 {
			t.Errorf("%d resyncs", resyncs)
		}
	})
}

func TestAPeerThatCannotBeLookedUpDuringAResyncStaysAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, Run{})
		defer l.end()
		two, three := node(t, 2, nil), node(t, 3, nil)
		first := <-l.client.streams
		l.client.say(first, l.full(two, three))
		l.settle()
		l.client.mu.Lock()
		l.client.broken[3] = true
		l.client.mu.Unlock()
		close(first.messages)
		l.client.say(<-l.client.streams, l.inTailnet(initial(two, three)))
		if got := l.settle(); slices.Contains(got, "resync missing -n3") {
			t.Errorf("got %v", got)
		}
		if n := l.observer.known.replica.Len(); n != 2 {
			t.Errorf("%d peers", n)
		}
	})
}

func TestWatchesAreOpenedAnewWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, Run{})
		defer l.end()
		began := time.Now()
		for range 12 {
			close((<-l.client.streams).messages)
		}
		if passed := time.Since(began); passed < 20*time.Second || passed > 3*time.Minute {
			t.Errorf("twelve watches within %v", passed)
		}
	})
}

func TestASilentControlServerIsNamedOnceAndWithoutCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, Run{ControlURL: "https://user:secret@control.example/x"})
		defer l.end()
		first := <-l.client.streams
		l.client.say(first, &record.Notice{State: "NoState", Initial: &record.Status{State: "NoState"}})
		l.settle()
		time.Sleep(silenceAfter + time.Second)
		if got := fmt.Sprint(l.settle()); got != "[suspended STARTING]" {
			t.Errorf("got %s", got)
		}
		want := "no answer from the control server at https://control.example: check tsnet.control_url, " +
			"name resolution and the network"
		if got := l.observer.known.suspended.Detail; got != want {
			t.Errorf("detail %q", got)
		}
		time.Sleep(time.Hour)
		if got := l.settle(); len(got) > 0 {
			t.Errorf("then %v", got)
		}
		l.client.say(first, l.full(node(t, 2, nil)))
		if l.settle(); l.observer.known.suspended != nil {
			t.Error("still suspended")
		}
	})
}

func TestALoginThatTakesTooLongNeedsAnOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, Run{LoginTimeout: time.Minute, URLAllowed: true})
		defer l.end()
		first := <-l.client.streams
		l.client.say(first, &record.Notice{State: "NeedsLogin", LoginURL: "https://x/a/1"})
		l.settle()
		time.Sleep(2 * time.Minute)
		if got := fmt.Sprint(l.settle()); got != "[suspended NEEDS_LOGIN url operator]" {
			t.Errorf("got %s", got)
		}
	})
}

func TestAuditForcesAFullMapWhenTheSameDifferenceIsSeenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, Run{})
		defer l.end()
		first := <-l.client.streams
		l.client.say(first, l.full(node(t, 2, nil)))
		l.client.say(first, &record.Notice{State: "Running"})
		l.client.mu.Lock()
		l.client.status.Peers = []record.StatusPeer{{ID: 2, StableID: "n2", Online: false, NodeKey: "key2"}}
		l.client.mu.Unlock()
		l.settle()
		time.Sleep(auditEvery + time.Second)
		l.settle()
		if _, mismatches := l.observer.Counts(); mismatches != 0 || l.client.switches() != "[]" {
			t.Errorf("after one look: %d mismatches, %s", mismatches, l.client.switches())
		}
		time.Sleep(auditAgainAfter)
		l.settle()
		if _, mismatches := l.observer.Counts(); mismatches != 1 || l.client.switches() != "[false true]" {
			t.Errorf("after two: %d mismatches, %s", mismatches, l.client.switches())
		}
		l.client.say(first, &record.Notice{State: "Stopped"})
		l.client.say(first, &record.Notice{State: "Starting", Health: &wirev1.Health{}})
		l.client.say(first, &record.Notice{State: "Running"})
		if got := l.settle(); len(got) > 0 {
			t.Errorf("the service gets to see %v", got)
		}
		l.client.say(first, &record.Notice{State: "Stopped"})
		if got := fmt.Sprint(l.settle()); got != "[daemon Stopped suspended STOPPED]" {
			t.Errorf("then %s", got)
		}
	})
}

func TestAnAuditWithoutADifferenceIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, Run{})
		defer l.end()
		first := <-l.client.streams
		l.client.say(first, l.full(node(t, 2, nil)))
		l.client.say(first, &record.Notice{State: "Running"})
		l.settle()
		l.client.mu.Lock()
		l.client.status.Peers = []record.StatusPeer{{ID: 2, StableID: "n2", Online: true, NodeKey: "key2"}}
		l.client.mu.Unlock()
		found := make(chan int, 1)
		l.observer.Audit(func(differences int, err error) {
			if err != nil {
				t.Error(err)
			}
			found <- differences
		})
		if n := <-found; n != 0 {
			t.Errorf("%d differences", n)
		}
	})
}

func TestTheReplicaOutlivesARunOfTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, Run{})
		first := <-l.client.streams
		l.client.say(first, l.full(node(t, 2, nil), node(t, 3, nil)))
		l.settle()
		l.end()
		again := &live{bench: l.bench, heard: l.heard, done: make(chan struct{})}
		ctx, stop := context.WithCancel(context.Background())
		again.stop = stop
		go func() {
			defer close(again.done)
			l.observer.Run(ctx, l.client, Run{})
		}()
		defer again.end()
		second := <-l.client.streams
		l.client.say(second, &record.Notice{State: "NoState", Initial: &record.Status{State: "NoState"}})
		l.client.say(second, l.full(node(t, 2, nil)))
		if got := fmt.Sprint(again.settle()); got != "[suspended STARTING daemon NoState resync missing -n3 resumed]" {
			t.Errorf("got %s", got)
		}
	})
}
