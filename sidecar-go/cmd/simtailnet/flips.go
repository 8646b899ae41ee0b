package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"
)

// flipOrder asks for a bounded run of random losses and returns of contact.
type flipOrder struct {
	Count       int      `json:"count"`
	IntervalMS  int      `json:"interval_ms"`
	PerResponse int      `json:"per_response"`
	Peers       []string `json:"peers"`
	Seed        uint64   `json:"seed"`
	Via         string   `json:"via"`
}

// flipRun is the state of one run.
type flipRun struct {
	ID        string `json:"id"`
	State     string `json:"state"` // running, done, stopped or failed
	Count     int    `json:"count"`
	Done      int    `json:"done"`
	Remaining int    `json:"remaining"`
	Revision  int64  `json:"revision"`
	SentAt    int64  `json:"last_sent_at_unix_ns"`
	Error     string `json:"error,omitempty"`

	stop context.CancelFunc
}

// flips are all runs so far.
type flips struct {
	ctx  context.Context
	net  *tailnet
	mu   sync.Mutex
	runs []*flipRun
}

func newFlips(ctx context.Context, net *tailnet) *flips { return &flips{ctx: ctx, net: net} }

func (f *flips) start(o flipOrder) (flipRun, error) {
	o.PerResponse = max(o.PerResponse, 1)
	way, err := parseVia(o.Via, viaDelta)
	if err != nil {
		return flipRun{}, err
	}
	if o.Count <= 0 || o.IntervalMS < 0 {
		return flipRun{}, refuse(400, `"count" must be above 0 and "interval_ms" not below`)
	}
	names, err := f.net.flippable(o.Peers)
	if err != nil {
		return flipRun{}, err
	}
	if o.PerResponse > len(names) {
		return flipRun{}, refuse(400, `"per_response" is %d, but there are only %d peers`, o.PerResponse, len(names))
	}
	ctx, stop := context.WithCancel(f.ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	run := &flipRun{ID: strconv.Itoa(len(f.runs) + 1), State: "running", Count: o.Count, Remaining: o.Count, stop: stop}
	f.runs = append(f.runs, run)
	go f.play(ctx, run, o, way, names)
	return *run, nil
}

// flippable are the peers that a run may touch: those named, else all synthetic ones.
func (t *tailnet) flippable(wanted []string) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range wanted {
		if t.resolve(name) == nil {
			return nil, refuse(404, "no peer is called %q", name)
		}
	}
	if len(wanted) > 0 {
		return wanted, nil
	}
	var names []string
	for _, n := range t.visible() {
		if n.ID >= firstSyntheticID {
			names = append(names, string(n.StableID))
		}
	}
	return names, nil
}

func (f *flips) play(ctx context.Context, run *flipRun, o flipOrder, how via, names []string) {
	rng := rand.New(rand.NewPCG(o.Seed, 1))
	pause := time.NewTicker(max(time.Duration(o.IntervalMS)*time.Millisecond, time.Nanosecond))
	defer pause.Stop()
	for done := 0; done < o.Count; {
		n := min(o.PerResponse, o.Count-done)
		sent, revision, err := f.net.change(how, flipSome(rng, names, n))
		if err != nil {
			f.note(run, func() { run.State, run.Error = "failed", err.Error() })
			return
		}
		// Waiting for the write keeps a run without pauses from outrunning its watchers.
		at := sent.wait(sendLimit)
		done += n
		f.note(run, func() {
			run.Done, run.Remaining, run.Revision = done, o.Count-done, revision
			if !at.IsZero() {
				run.SentAt = at.UnixNano()
			}
		})
		select {
		case <-ctx.Done():
			f.note(run, func() { run.State = "stopped" })
			return
		case <-pause.C:
		}
	}
	f.note(run, func() { run.State = "done" })
}

// flipSome turns the contact of n different peers around.
func flipSome(rng *rand.Rand, names []string, n int) func(*draft) error {
	return func(d *draft) error {
		for _, i := range pick(rng, len(names), n) {
			dev, err := d.find(names[i])
			if err != nil {
				continue // removed since the run began
			}
			turn := opOnline
			if on := dev.node.Online; on != nil && *on {
				turn = opOffline
			}
			if err := turn(d, dev, change{}); err != nil {
				return err
			}
		}
		return nil
	}
}

// pick draws n different numbers below limit.
func pick(rng *rand.Rand, limit, n int) []int {
	picked := make([]int, 0, n)
	seen := make(map[int]bool, n)
	for len(picked) < n {
		if i := rng.IntN(limit); !seen[i] {
			seen[i] = true
			picked = append(picked, i)
		}
	}
	return picked
}

func (f *flips) note(run *flipRun, edit func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit()
}

func (f *flips) state(id string) (flipRun, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.runs, func(r *flipRun) bool { return r.ID == id })
	if i < 0 {
		return flipRun{}, refuse(404, "there is no run %q", id)
	}
	return *f.runs[i], nil
}

func (f *flips) stop(id string) (flipRun, error) {
	run, err := f.state(id)
	if err != nil {
		return flipRun{}, err
	}
	run.stop()
	return f.state(id)
}
