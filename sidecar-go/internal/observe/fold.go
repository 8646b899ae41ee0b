package observe

import (
	"context"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/boundary"
	"sentinel/sidecar/internal/record"
	"sentinel/sidecar/internal/replica"
	"sentinel/sidecar/internal/uplink"
)

// handle takes one notice in: first everything that has to be asked, then one step under the ledger's lock.
func (o *Observer) handle(ctx context.Context, source Source, n *record.Notice, at time.Time) {
	if o.nudged {
		o.hideNudge(n)
	}
	o.note(n, at)
	var tailnet *wirev1.Tailnet
	plan := o.plan(ctx, source, n, at)
	if n.Self != nil || n.Initial != nil && n.Initial.Tailnet != nil {
		tailnet = o.askTailnet(ctx, source, plan)
	}
	o.reached(boundary.BusToRing)
	o.update(at, func(tx uplink.Tx) {
		o.takePeers(tx, plan)
		o.takeValues(tx, n, tailnet)
	})
}

// note takes in what decides whether the edge sees.
func (o *Observer) note(n *record.Notice, at time.Time) {
	c := &o.conditions
	state, url := n.State, n.LoginURL
	if n.Initial != nil {
		state = n.Initial.State
		url = n.Initial.LoginURL
		c.current = c.current && n.Initial.Tailnet != nil
	}
	if state != "" {
		o.noteState(state)
	}
	if url != "" && url != c.loginURL {
		c.loginURL = url
		o.logLoginURL(url)
	}
	if n.LoginFinished {
		c.loginURL, c.refusal = "", ""
	}
	if n.Prefs != nil {
		c.loggedOut = n.Prefs.LoggedOut
		c.logging = c.logging && !n.Prefs.WantRunning
	}
	if n.Error != "" {
		o.noteError(n.Error)
	}
	if n.Self != nil {
		self := n.Self.Node()
		c.unauthorized = !self.GetMachineAuthorized()
		c.expired = self.Expired || self.KeyExpiry != nil && self.KeyExpiry.AsTime().Before(at)
	}
	c.answered = c.answered || n.Self != nil || url != "" || n.Error != "" || n.LoginFinished
	c.silent = c.silent && !c.answered
}

func (o *Observer) noteState(state string) {
	c := &o.conditions
	if state == "NoState" {
		c.current = false
	}
	if state != "NeedsLogin" {
		c.loginURL, c.refusal = "", ""
	}
	c.state = state
}

func (o *Observer) noteError(text string) {
	c := &o.conditions
	switch {
	case strings.HasPrefix(text, "IPN bus"):
		// The end of the watch, which follows, says the same.
	case strings.HasPrefix(text, "tailnet requires logging"):
		c.logging = true
	case c.state == "NeedsLogin" || c.state == "NoState" || c.state == "":
		c.refusal = text
		if !o.refused && c.run.Refused != nil {
			o.refused = true
			c.run.Refused()
		}
	}
}

// logLoginURL is the one line that may have the URL: somebody has to open it.
func (o *Observer) logLoginURL(url string) {
	if o.conditions.run.URLAllowed {
		o.log.Warn("open the URL to log this node in", "login_url", url)
	}
}

// update alters what is known, and then says whether the edge sees, if that is new.
func (o *Observer) update(at time.Time, change func(tx uplink.Tx)) {
	o.ledger.Update(at, func(tx uplink.Tx) {
		change(tx)
		o.takeSight(tx)
	})
	c := &o.conditions
	o.waitsForLogin.Store(c.state == "NeedsLogin" || c.waiting != "")
	blind := o.known.suspended
	o.seesTailnet.Store(blind == nil || blind.Reason == wirev1.SuspendedReason_SUSPENDED_REASON_STALE)
}

func (o *Observer) takeSight(tx uplink.Tx) {
	now, before := o.conditions.suspended(), o.known.suspended
	if proto.Equal(now, before) {
		return
	}
	o.known.suspended = now
	if now != nil {
		tx.Emit(&wirev1.Frame{Body: &wirev1.Frame_Suspended{Suspended: now}})
		o.log.Warn("the tailnet is not seen", "reason", reasonName(now.Reason), "detail", now.Detail,
			"needs_operator", now.NeedsOperator)
		return
	}
	o.log.Info("the tailnet is seen", "peers", o.known.replica.Len())
	o.conditions.based = true
	// A base says it too, but one that was taken while the node was still logging in also carried why it did not see.
	tx.Emit(&wirev1.Frame{Body: &wirev1.Frame_Resumed{Resumed: &wirev1.Resumed{}}})
}

func reasonName(reason wirev1.SuspendedReason) string {
	return strings.ToLower(strings.TrimPrefix(reason.String(), "SUSPENDED_REASON_"))
}

// takePeers applies a plan and emits what differs.
func (o *Observer) takePeers(tx uplink.Tx, p *plan) {
	if p == nil {
		return
	}
	if p.elsewhere {
		o.known.replica = replica.New()
		o.log.Warn("the node is in another tailnet now, starting anew")
	}
	diff := o.known.replica.Apply(p.change)
	if p.whole {
		o.known.based, o.conditions.current, o.lost = true, true, time.Time{}
	}
	if p.elsewhere {
		tx.Rebase()
		return
	}
	for _, delta := range diff.Deltas(p.cause, p.missingSince, messageLimit) {
		tx.Emit(&wirev1.Frame{Body: &wirev1.Frame_Delta{Delta: delta}})
	}
}

// takeValues emits what came as a whole value and differs from the one before.
func (o *Observer) takeValues(tx uplink.Tx, n *record.Notice, tailnet *wirev1.Tailnet) {
	k := &o.known
	if n.Self != nil && (k.self == nil || !k.self.SameButContact(n.Self)) {
		tx.Emit(&wirev1.Frame{Body: &wirev1.Frame_Self{Self: &wirev1.SelfNode{Node: n.Self.Node()}}})
	}
	if n.Self != nil {
		k.self = n.Self
	}
	if tailnet != nil && !proto.Equal(k.tailnet, tailnet) {
		k.tailnet = tailnet
		tx.Emit(&wirev1.Frame{Body: &wirev1.Frame_Tailnet{Tailnet: tailnet}})
	}
	if n.Prefs != nil && !proto.Equal(k.prefs, n.Prefs) {
		k.prefs = n.Prefs
		tx.Emit(&wirev1.Frame{Body: &wirev1.Frame_Prefs{Prefs: n.Prefs}})
	}
	if n.Health != nil && (k.health == nil || !record.SameHealth(k.health, n.Health)) {
		k.health = n.Health
		tx.Emit(&wirev1.Frame{Body: &wirev1.Frame_Health{Health: n.Health}})
	}
	o.takeDaemon(tx, n)
}

func (o *Observer) takeDaemon(tx uplink.Tx, n *record.Notice) {
	before := o.known.daemon
	now := &wirev1.Daemon{State: before.State, TailscaleVersion: before.TailscaleVersion, Error: before.Error}
	if o.conditions.state != "" {
		now.State = o.conditions.state
	}
	switch {
	case n.Error != "" && !strings.HasPrefix(n.Error, "IPN bus"):
		now.Error = n.Error
	case n.LoginFinished || now.State == "Running" && before.State != "Running":
		now.Error = ""
	}
	if !proto.Equal(before, now) {
		o.known.daemon = now
		tx.Emit(&wirev1.Frame{Body: &wirev1.Frame_Daemon{Daemon: now}})
	}
}

func sinceWhen(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
