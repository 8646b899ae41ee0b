package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/util/clientmetric"

	"sentinel/sidecar/internal/health"
	"sentinel/sidecar/internal/login"
	"sentinel/sidecar/internal/observe"
	"sentinel/sidecar/internal/settings"
)

const (
	// welcomeGrace is how long an edge that could start alone waits for the service's word first.
	welcomeGrace    = 3 * time.Second
	sampleEvery     = 5 * time.Second
	statusTimeout   = 2 * time.Second
	firstRetry      = 5 * time.Second
	longestRetry    = time.Minute
	defaultHostname = "sentinel"
)

// runner runs the Tailscale client, one run after another. Everything but configure and login is for its goroutine.
type runner struct {
	dir      string
	own      *settings.Own
	observer *observe.Observer
	monitor  *health.Monitor
	logs     logs
	started  func(*local.Client) // nil in production
	inbox    chan action

	// settings are what the next run takes; nil while nothing is known.
	settings *settings.Settings
	// node is the present run; nil between two.
	node *login.Node
	// force says that the next run has to log in even if the node is enrolled; byURL, that it must do so without the
	// credentials, which were refused.
	force, byURL bool
}

// action alters the runner; restart says that the present run has to be replaced by another.
type action func(ctx context.Context) (restart bool)

func newRunner(
	dir string, own *settings.Own, observer *observe.Observer, monitor *health.Monitor, logs logs,
	started func(*local.Client),
) *runner {
	return &runner{
		dir: dir, own: own, observer: observer, monitor: monitor, logs: logs, started: started,
		inbox: make(chan action, 64),
	}
}

// run runs the client until the context is done; an error is about the edge itself.
func (r *runner) run(ctx context.Context) error {
	if err := r.firstSettings(ctx); err != nil {
		return err
	}
	retry := firstRetry
	for attempt := 1; ctx.Err() == nil; attempt++ {
		if err := r.start(ctx); err != nil {
			r.logs.own.Error("the Tailscale client does not start, retrying", "error", err.Error(), "attempt", attempt)
			r.observer.Wait(err.Error(), attempt >= 3)
			r.await(ctx, retry)
			retry = min(2*retry, longestRetry)
			continue
		}
		attempt, retry = 0, firstRetry
		r.follow(ctx)
		if err := r.node.Close(); err != nil {
			r.logs.own.Warn("the Tailscale client did not end cleanly", "error", err.Error())
		}
		r.node = nil
	}
	return nil
}

// firstSettings waits for the service, or for a short while only if the edge has what it needs to start alone.
func (r *runner) firstSettings(ctx context.Context) error {
	r.observer.Wait("", false)
	kept, ok, err := settings.Load(r.dir)
	if err != nil {
		r.logs.own.Warn("the kept settings cannot be used", "error", err.Error())
	}
	if !ok && len(r.own.Names) == 0 {
		r.await(ctx, 0)
		return nil
	}
	r.await(ctx, welcomeGrace)
	if r.settings == nil && ctx.Err() == nil {
		r.logs.own.Info("starting without the service's word", "kept", ok)
		r.take(kept)
	}
	return nil
}

// await serves the inbox until an action wants a run or the patience is over; 0 is endless.
func (r *runner) await(ctx context.Context, patience time.Duration) {
	timer := time.NewTimer(cmp.Or(patience, time.Hour))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case action := <-r.inbox:
			if action(ctx) {
				return
			}
		case <-timer.C:
			if patience > 0 {
				return
			}
			timer.Reset(time.Hour)
		}
	}
}

// take makes what the service said, overridden by the edge's own variables, the present settings.
func (r *runner) take(service settings.Settings) {
	service = r.own.Override(service)
	service.Hostname = cmp.Or(service.Hostname, defaultHostname)
	r.settings = &service
}

// start brings a client up. It may wait for Tailscale's API, which a shutdown does not wait for.
func (r *runner) start(ctx context.Context) error {
	credentials := r.settings.Usable()
	if r.byURL {
		credentials = settings.Credentials{}
	}
	type result struct {
		node *login.Node
		err  error
	}
	started := make(chan result, 1)
	present, force := *r.settings, r.force
	go func() {
		node, err := login.Start(r.dir, &present, credentials, force, r.logs.tailscale)
		started <- result{node, err}
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case res := <-started:
		r.node, r.force = res.node, false
		if res.err == nil && r.started != nil {
			r.started(r.node.Local())
		}
		return res.err
	}
}

// follow observes the present run until it has to be replaced or the context is done.
func (r *runner) follow(ctx context.Context) {
	r.monitor.Restart(time.Now())
	observing, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.observer.Run(observing, r.node.Client(), r.observed())
	}()
	defer func() {
		stop()
		<-done
	}()
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	r.sample(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case action := <-r.inbox:
			if action(ctx) {
				return
			}
		case <-ticker.C:
			if r.sample(ctx) {
				return
			}
		}
	}
}

func (r *runner) observed() observe.Run {
	return observe.Run{
		ControlURL: r.settings.ControlURL, URLAllowed: r.settings.URLAllowed() || r.byURL,
		LoginTimeout: r.settings.LoginTimeout,
		Refused: func() {
			if err := r.post(r.refused); err != nil {
				r.logs.own.Error("no fallback to a login URL", "error", err.Error())
			}
		},
	}
}

// sample measures how well the edge sees; restart says that only a new client can mend it.
func (r *runner) sample(ctx context.Context) (restart bool) {
	asking, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	status, err := r.node.Client().Status(asking, false)
	if err != nil {
		r.logs.own.Debug("the client's status cannot be had", "error", err.Error())
	}
	now := time.Now()
	r.monitor.Sample(now, controlMessages(), err == nil && status.InMapPoll)
	age, stale, dead := r.monitor.Silence(now)
	r.observer.Stale(stale, age)
	if !dead || !r.observer.SeesTailnet() {
		return false
	}
	if r.settings.Ephemeral {
		// It would come back as another node, so that everything about it would seem new.
		r.logs.own.Warn("the control server is silent, but an ephemeral node is not restarted", "age", age.String())
		r.monitor.Restart(now)
		return false
	}
	r.logs.own.Warn("the control server is silent, restarting the Tailscale client", "age", age.String())
	return true
}

// controlMessages is how many messages control servers have sent to this process, keep-alives included.
func controlMessages() int64 {
	for _, metric := range clientmetric.Metrics() {
		if metric.Name() == "controlclient_map_response_message" {
			return metric.Value()
		}
	}
	return 0
}

func (r *runner) refused(context.Context) (restart bool) {
	if !r.settings.Fallback || r.byURL {
		return false
	}
	r.logs.own.Warn("the credentials are refused, falling back to a login URL")
	r.byURL = true
	return true
}

var errBusy = errors.New("the edge has too many commands to carry out")

func (r *runner) post(a action) error {
	select {
	case r.inbox <- a:
		return nil
	default:
		return errBusy
	}
}

// configure takes a configuration of the service and says which settings were taken at once, and for which the client
// is restarted.
func (r *runner) configure(service settings.Settings, reply func(applied, restarted []string, err error)) {
	err := r.post(func(ctx context.Context) bool {
		if err := settings.Keep(r.dir, service); err != nil {
			r.logs.own.Warn("the service's configuration could not be kept", "error", err.Error())
		}
		applied, restarted, err := r.change(ctx, service)
		reply(applied, restarted, err)
		return len(restarted) > 0 || r.force || r.node == nil
	})
	if err != nil {
		reply(nil, nil, err)
	}
}

func (r *runner) change(ctx context.Context, service settings.Settings) (applied, restarted []string, err error) {
	before := r.settings
	r.take(service)
	if before == nil || r.node == nil {
		return nil, nil, nil
	}
	live, restarted, forLogin := settings.Differences(before, r.settings)
	if len(forLogin) > 0 {
		r.byURL = false
		r.force = r.observer.WaitsForLogin()
	}
	applied = append(live, forLogin...)
	if len(live) > 0 && len(restarted) == 0 && !r.force {
		err = r.node.Client().SetHostname(ctx, r.settings.Hostname)
	}
	if len(applied)+len(restarted) > 0 {
		r.logs.own.Info("the configuration has changed", "applied", applied, "restarted_for", restarted)
	}
	return applied, restarted, err
}

// login starts a login, with the credentials at hand or with a URL.
func (r *runner) login(reply func(error)) {
	err := r.post(func(ctx context.Context) bool {
		restart, err := r.startLogin(ctx)
		reply(err)
		return restart
	})
	if err != nil {
		reply(err)
	}
}

func (r *runner) startLogin(ctx context.Context) (restart bool, err error) {
	switch {
	case r.node == nil:
		return r.settings != nil, nil
	case !r.observer.WaitsForLogin():
		return false, errors.New("the node is logged in")
	case r.settings.Usable() != settings.Credentials{} && !r.byURL:
		r.force = true
		return true, nil
	case r.settings.URLAllowed() || r.byURL:
		return false, r.node.Client().StartLogin(ctx)
	default:
		return false, fmt.Errorf("login mode %s needs credentials, and there are none", r.settings.LoginMode)
	}
}
