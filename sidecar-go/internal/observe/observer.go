// Package observe folds what the Tailscale client says into what the edge knows, and turns what differs into frames. It
// translates and never decides: no rule, no severity, no person to be told.
package observe

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/boundary"
	"sentinel/sidecar/internal/bus"
	"sentinel/sidecar/internal/record"
	"sentinel/sidecar/internal/replica"
	"sentinel/sidecar/internal/uplink"
)

const (
	queueLimit      = 64 << 20
	firstPause      = 100 * time.Millisecond
	longestPause    = 30 * time.Second
	silenceAfter    = 15 * time.Second
	auditEvery      = 10 * time.Minute
	auditAgainAfter = 30 * time.Second
	dropWindow      = 10 * time.Second
)

// Source is one running Tailscale client.
type Source interface {
	// Watch opens a watch of the client's bus, whose first message is an initial one.
	Watch(ctx context.Context) (bus.Stream, error)
	// Decode translates one message of a watch; skipped counts peers that have no StableID.
	Decode(raw []byte) (notice *record.Notice, skipped int, err error)
	// Peer and Self ask for a node by NodeID; bus.ErrGone is the client's word that there is none.
	Peer(ctx context.Context, id int64) (*record.Peer, error)
	Self(ctx context.Context, id int64) (*record.Peer, error)
	// User asks for a profile.
	User(ctx context.Context, id int64) (*wirev1.UserProfile, error)
	// Status asks for everything.
	Status(ctx context.Context, withPeers bool) (*record.Status, error)
	// Tailnet asks for the tailnet and its lock; nil while the node is in none.
	Tailnet(ctx context.Context) (*wirev1.Tailnet, error)
	// SetWantRunning switches the client on or off.
	SetWantRunning(ctx context.Context, on bool) error
}

// Run is what an observer has to know of one run of the Tailscale client.
type Run struct {
	// ControlURL is what the client was told; empty means Tailscale's own.
	ControlURL string
	// URLAllowed says that a person may be asked to log the node in.
	URLAllowed bool
	// LoginTimeout is how long the first sight of the tailnet may take; 0 for no limit.
	LoginTimeout time.Duration
	// Refused is called, at most once, when the control server refuses the credentials.
	Refused func()
}

// Observer is what one edge knows, over all runs of the Tailscale client. Run and Wait are for one goroutine; the
// rest may be called from any.
type Observer struct {
	log      *slog.Logger
	reached  boundary.Reached
	ledger   Ledger
	requests chan request

	resyncs, mismatches atomic.Uint64
	running             atomic.Bool
	waitsForLogin       atomic.Bool
	seesTailnet         atomic.Bool

	// What the snapshot reads is altered inside the ledger's Update only.
	known known
	// The rest belongs to the goroutine of Run.
	conditions   conditions
	refused      bool
	nudged       bool
	lost, lastAt time.Time
	suspects     map[string]bool
	askedUsers   map[int64]bool
}

// known is what the edge tells the service.
type known struct {
	based     bool
	replica   *replica.Replica
	self      *record.Peer
	tailnet   *wirev1.Tailnet
	daemon    *wirev1.Daemon
	prefs     *wirev1.Prefs
	health    *wirev1.Health
	suspended *wirev1.Suspended
}

// request is something that another goroutine wants done by that of Run.
type request func(ctx context.Context, source Source)

// Ledger is where frames go. What the snapshot reads is altered inside Update only.
type Ledger interface {
	Update(at time.Time, change func(tx uplink.Tx))
}

// New returns an Observer. Connect makes the ledger that it fills, given the snapshot that a base is taken of.
func New(
	tailscaleVersion string, log *slog.Logger, reached boundary.Reached,
	connect func(snapshot func() uplink.Snapshot) Ledger,
) *Observer {
	o := &Observer{
		log:      log,
		reached:  reached,
		requests: make(chan request, 16),
		known: known{
			replica: replica.New(),
			daemon:  &wirev1.Daemon{TailscaleVersion: tailscaleVersion},
		},
	}
	o.ledger = connect(o.snapshot)
	return o
}

// Wait says why no Tailscale client runs. What was seen last stays as it was.
func (o *Observer) Wait(detail string, needsOperator bool) {
	o.conditions = conditions{waiting: detail, operator: needsOperator}
	o.update(time.Now(), func(uplink.Tx) {})
}

// Run observes one run of the Tailscale client until the context is done.
func (o *Observer) Run(ctx context.Context, source Source, run Run) {
	o.conditions = conditions{run: run, based: o.known.based}
	o.refused = false
	o.running.Store(true)
	defer o.running.Store(false)
	o.update(time.Now(), func(uplink.Tx) {})
	clocks := newClocks(run.LoginTimeout)
	defer clocks.stop()
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		err := o.watch(ctx, source, clocks)
		if ctx.Err() != nil {
			break
		}
		o.markLost(err, time.Now())
		o.resyncs.Add(1)
		o.log.Warn("watch of the IPN bus ended, watching anew", "error", err)
		if time.Since(began) > 2*longestPause {
			pause = firstPause
		}
		sleep(ctx, time.Duration(float64(pause)*(0.8+0.4*rand.Float64())))
		pause = min(2*pause, longestPause)
	}
	o.markLost(ctx.Err(), time.Now())
}

// markLost remembers since when messages may be missing, the first time until they are made up for. The client does
// not say what it dropped, but it drops only what has just come; what the own queue dropped came after the last one.
func (o *Observer) markLost(reason error, now time.Time) {
	if !o.known.based || !o.lost.IsZero() {
		return
	}
	o.lost = now.Add(-dropWindow)
	if errors.Is(reason, bus.ErrOverflow) || o.lost.Before(o.lastAt) {
		o.lost = o.lastAt
	}
}

// clocks are what else than messages makes the observer look.
type clocks struct {
	silence, login, again *time.Timer
	audit                 *time.Ticker
}

func newClocks(loginTimeout time.Duration) *clocks {
	c := &clocks{
		silence: time.NewTimer(silenceAfter), again: time.NewTimer(auditAgainAfter),
		login: time.NewTimer(max(loginTimeout, time.Millisecond)), audit: time.NewTicker(auditEvery),
	}
	c.again.Stop()
	if loginTimeout <= 0 {
		c.login.Stop()
	}
	return c
}

func (c *clocks) stop() {
	c.silence.Stop()
	c.login.Stop()
	c.again.Stop()
	c.audit.Stop()
}

// watch follows one watch of the bus to its end; err says how it ended.
func (o *Observer) watch(ctx context.Context, source Source, clocks *clocks) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := source.Watch(ctx)
	if err != nil {
		return err
	}
	queue := bus.NewQueue(queueLimit)
	go bus.Pump(ctx, stream, queue)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-queue.Ready():
			if err := o.takeOne(ctx, source, queue); err != nil {
				return err
			}
		case request := <-o.requests:
			request(ctx, source)
		case <-clocks.silence.C:
			o.update(time.Now(), func(uplink.Tx) { o.conditions.silent = !o.conditions.answered })
		case <-clocks.login.C:
			o.update(time.Now(), func(uplink.Tx) { o.conditions.overdue = !o.conditions.current })
		case <-clocks.audit.C:
			o.audit(ctx, source, clocks.again)
		case <-clocks.again.C:
			o.audit(ctx, source, nil)
		}
	}
}

func (o *Observer) takeOne(ctx context.Context, source Source, queue *bus.Queue) error {
	message, ok, err := queue.Take()
	if !ok {
		return err
	}
	notice, skipped, err := source.Decode(message.Raw)
	if err != nil {
		return err
	}
	if skipped > 0 {
		o.log.Warn("peers without a stable id are left out", "peers", skipped)
	}
	o.lastAt = message.At
	o.handle(ctx, source, notice, message.At)
	return nil
}

// do hands a request to the goroutine of Run; false if it has too much to do or there is none.
func (o *Observer) do(r request) bool {
	select {
	case o.requests <- r:
		return true
	default:
		return false
	}
}

// Stale says whether the control server has been silent for too long, and for how long.
func (o *Observer) Stale(stale bool, age time.Duration) {
	o.do(func(context.Context, Source) {
		o.update(time.Now(), func(uplink.Tx) { o.conditions.setStale(stale, age) })
	})
}

// Counts are the resyncs and the audits with a difference since the edge started.
func (o *Observer) Counts() (resyncs, mismatches uint64) {
	return o.resyncs.Load(), o.mismatches.Load()
}

// WaitsForLogin reports whether the node is not logged in.
func (o *Observer) WaitsForLogin() bool { return o.waitsForLogin.Load() }

// SeesTailnet reports whether nothing but silence of the control server can keep the edge from seeing.
func (o *Observer) SeesTailnet() bool { return o.seesTailnet.Load() }

var errNoClient = errors.New("no Tailscale client is running")

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
