package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
)

const (
	keepAliveEvery = 50 * time.Second
	mostQueued     = 10_000 // letters that a client which does not read may pile up before its stream is cut
)

// letter is a map response on its way to one watcher.
type letter struct {
	msg    *tailcfg.MapResponse
	queued time.Time
	round  *round // nil for what no caller waits for
}

// round is one set of letters to all watchers; it remembers when the first of them was about to be written.
type round struct {
	once     sync.Once
	begun    chan struct{}
	at       time.Time
	watchers int
}

func newRound() *round { return &round{begun: make(chan struct{})} }

func (r *round) begin() {
	r.once.Do(func() {
		r.at = time.Now()
		close(r.begun)
	})
}

// wait returns when the round's first letter was about to be written; the zero time when that takes too long.
func (r *round) wait(limit time.Duration) time.Time {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.begun:
		return r.at
	case <-timer.C:
		return time.Time{}
	}
}

// watcher is one open map stream.
type watcher struct {
	self   tailcfg.NodeID
	cancel context.CancelFunc
	wake   chan struct{}

	mu    sync.Mutex
	queue []letter
}

func newWatcher(self tailcfg.NodeID, cancel context.CancelFunc) *watcher {
	return &watcher{self: self, cancel: cancel, wake: make(chan struct{}, 1)}
}

func (w *watcher) post(msg *tailcfg.MapResponse, r *round) {
	w.mu.Lock()
	w.queue = append(w.queue, letter{msg: msg, queued: time.Now(), round: r})
	overfull := len(w.queue) > mostQueued
	w.mu.Unlock()
	if overfull {
		w.cancel()
	}
	select {
	case w.wake <- struct{}{}:
	default: // a wake-up is pending already
	}
}

func (w *watcher) take() (letter, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return letter{}, false
	}
	next := w.queue[0]
	w.queue = w.queue[1:]
	return next, true
}

// serveMap answers one map request: a stream for as long as the client holds it, anything else at once.
func (t *tailnet) serveMap(ctx context.Context, out testcontrol.MapStreamWriter, req *tailcfg.MapRequest) {
	if !req.Stream {
		t.servePlainMap(out, req)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := newWatcher(0, cancel)
	if !t.attach(w, req) {
		return
	}
	defer t.detach(w)
	t.log.Info("map stream opened", "node", w.self)
	if err := t.deliver(ctx, w, out); err != nil {
		t.log.Info("map stream ended", "node", w.self, "error", err)
	}
}

// servePlainMap takes a client's news of itself and answers with a map only if it wants one.
func (t *tailnet) servePlainMap(out testcontrol.MapStreamWriter, req *tailcfg.MapRequest) {
	answer := &tailcfg.MapResponse{}
	t.learn(req)
	if !req.OmitPeers {
		t.mu.Lock()
		if d := t.resolveKey(req.NodeKey); d != nil {
			answer = t.fullMap(d)
		}
		t.mu.Unlock()
	}
	if err := out.SendMapMessage(answer); err != nil {
		t.log.Info("a map request went unanswered", "error", err)
	}
}

// deliver writes letters and keepalives until the stream ends.
func (t *tailnet) deliver(ctx context.Context, w *watcher, out testcontrol.MapStreamWriter) error {
	keepAlive := time.NewTicker(keepAliveEvery)
	defer keepAlive.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-keepAlive.C:
			w.post(&tailcfg.MapResponse{KeepAlive: true}, nil)
		case <-w.wake:
		}
		for l, ok := w.take(); ok; l, ok = w.take() {
			if err := t.faults.hold(ctx, l.queued); err != nil {
				return err
			}
			if l.round != nil {
				l.round.begin()
			}
			if err := out.SendMapMessage(l.msg); err != nil {
				return err
			}
		}
	}
}

// attach makes w one of the watchers, starting with a full map; false when the node is not known (any more).
func (t *tailnet) attach(w *watcher, req *tailcfg.MapRequest) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.resolveKey(req.NodeKey)
	if d == nil {
		return false
	}
	w.self = d.id()
	for _, older := range t.watchers {
		if older.self == w.self {
			older.cancel() // a client has one stream: the latest
		}
	}
	t.gainContact(d)
	w.post(t.fullMap(d), nil)
	t.watchers = append(t.watchers, w)
	t.watchOnce.Do(func() { close(t.firstWatch) })
	return true
}

func (t *tailnet) detach(w *watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers = slices.DeleteFunc(t.watchers, func(o *watcher) bool { return o == w })
	if d := t.devices[w.self]; d != nil {
		t.loseStream(d)
	}
}

// dropStreams ends every map stream once.
func (t *tailnet) dropStreams() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.watchers {
		w.cancel()
	}
	return len(t.watchers)
}
