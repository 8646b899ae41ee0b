package observe

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/bus"
	"sentinel/sidecar/internal/record"
	"sentinel/sidecar/internal/replica"
)

const (
	// manyAbsent is from how many on one answer for all is cheaper than one for each.
	manyAbsent = 200
	// askers is how many nodes are asked for at a time: as many connections as the client's transport keeps open.
	askers = 2
)

// plan is what a notice means for the peers, everything looked up.
type plan struct {
	change       replica.Change
	cause        wirev1.DeltaCause
	missingSince *timestamppb.Timestamp
	// whole says that the change accounts for every peer.
	whole bool
	// elsewhere says that the node is in another tailnet than before.
	elsewhere bool
}

// plan returns what has to be done about peers; nil for nothing.
func (o *Observer) plan(ctx context.Context, source Source, n *record.Notice, at time.Time) *plan {
	blind := o.conditions.unauthorized || o.conditions.expired
	switch {
	case n.Full && blind:
		// A node that is not let in is shown less than there is: what was seen stays as it was.
		o.conditions.current = false
		return nil
	case n.Full:
		o.askedUsers = nil
		return o.planWhole(ctx, source, n.Self, n.Changed, nil, n.Users)
	case n.Initial != nil && n.Initial.Tailnet != nil:
		return o.planResync(ctx, source, n, at)
	case n.HasPeers() && o.conditions.current:
		return o.planDelta(ctx, source, n)
	default:
		return nil
	}
}

// planDelta looks up what a patch names and nobody has described yet.
func (o *Observer) planDelta(ctx context.Context, source Source, n *record.Notice) *plan {
	changed := n.Changed
	for _, id := range o.known.replica.UnknownPatched(n.Patches, n.Changed) {
		peer, err := source.Peer(ctx, id)
		switch {
		case err == nil:
			changed = append(changed, peer)
		case !errors.Is(err, bus.ErrGone):
			o.log.Warn("a peer that a change names could not be looked up", "error", err)
		}
	}
	return &plan{
		cause: wirev1.DeltaCause_DELTA_CAUSE_DELTA,
		change: replica.Change{
			Removed: n.Removed, Changed: changed, Patches: n.Patches,
			Users: o.withUnknownUsers(ctx, source, changed, n.Users),
		},
	}
}

// planResync makes up for a watch that has started in the middle: the initial status names everybody, and each one is
// asked for. What follows in the queue is absolute, so that it may come on top.
func (o *Observer) planResync(ctx context.Context, source Source, n *record.Notice, at time.Time) *plan {
	self, err := source.Self(ctx, n.Initial.SelfID)
	if err != nil {
		o.log.Warn("the own node could not be looked up", "error", err)
		return nil
	}
	n.Self = self
	o.note(&record.Notice{Self: self}, at)
	if o.conditions.unauthorized || o.conditions.expired {
		return nil
	}
	listed, unsure := o.hydrate(ctx, source, n.Initial.Peers)
	users := append(n.Users, o.listedUsers(ctx, source, n.Initial.Users)...)
	return o.planWhole(ctx, source, self, listed, unsure, users)
}

// planWhole takes listed for all peers there are. Unsure are StableIDs that are there but could not be looked up.
func (o *Observer) planWhole(
	ctx context.Context, source Source, self *record.Peer, listed []*record.Peer, unsure map[string]bool,
	users []*wirev1.UserProfile,
) *plan {
	p := &plan{whole: true, cause: wirev1.DeltaCause_DELTA_CAUSE_FULL_REBUILD}
	if !o.lost.IsZero() {
		p.cause, p.missingSince = wirev1.DeltaCause_DELTA_CAUSE_RESYNC, sinceWhen(o.lost)
	}
	p.change.Changed = listed
	p.change.Users = o.withUnknownUsers(ctx, source, append(listed[:len(listed):len(listed)], self), users)
	absent := o.known.replica.Absent(listed)
	was := o.known.self
	if was != nil && was.StableID != self.StableID && len(absent) == o.known.replica.Len() && len(unsure) == 0 {
		p.elsewhere = true
		return p
	}
	p.change.Gone = o.confirm(ctx, source, absent, unsure)
	return p
}

// hydrate asks for each of the peers. One that is gone by now is left out; one that cannot be had is unsure.
func (o *Observer) hydrate(
	ctx context.Context, source Source, wanted []record.StatusPeer,
) (found []*record.Peer, unsure map[string]bool) {
	peers, errs := make([]*record.Peer, len(wanted)), make([]error, len(wanted))
	var group sync.WaitGroup
	for asker := range askers {
		group.Go(func() {
			for i := asker; i < len(wanted); i += askers {
				peers[i], errs[i] = source.Peer(ctx, wanted[i].ID)
			}
		})
	}
	group.Wait()
	unsure = make(map[string]bool)
	for i, err := range errs {
		switch {
		case err == nil:
			found = append(found, peers[i])
		case !errors.Is(err, bus.ErrGone):
			unsure[wanted[i].StableID] = true
		}
	}
	if len(unsure) > 0 {
		o.log.Warn("some peers could not be looked up and stay as they were", "peers", len(unsure))
	}
	return found, unsure
}

// confirm returns which of the absent peers the client itself says it does not have. Every other answer, and none,
// keeps the peer: a list that is short for whatever reason must not look like a tailnet that was emptied.
func (o *Observer) confirm(
	ctx context.Context, source Source, absent []*record.Peer, unsure map[string]bool,
) (gone []string) {
	var together []*record.Peer
	for _, peer := range absent {
		switch {
		case unsure[peer.StableID]:
		case len(absent) > manyAbsent || peer.ID <= 0:
			// The client does not answer for ids that are not positive.
			together = append(together, peer)
		default:
			now, err := source.Peer(ctx, peer.ID)
			if errors.Is(err, bus.ErrGone) || err == nil && now.StableID != peer.StableID {
				gone = append(gone, peer.StableID)
			}
		}
	}
	return append(gone, o.confirmTogether(ctx, source, together)...)
}

func (o *Observer) confirmTogether(ctx context.Context, source Source, absent []*record.Peer) (gone []string) {
	if len(absent) == 0 {
		return nil
	}
	status, err := source.Status(ctx, true)
	if err != nil || status.Tailnet == nil {
		o.log.Warn("absent peers could not be confirmed and stay as they were", "peers", len(absent), "error", err)
		return nil
	}
	there := make(map[string]bool, len(status.Peers))
	for _, peer := range status.Peers {
		there[peer.StableID] = true
	}
	for _, peer := range absent {
		if !there[peer.StableID] {
			gone = append(gone, peer.StableID)
		}
	}
	return gone
}

// askTailnet asks for the tailnet. A client that has left it by now would also have said that every peer is gone, so
// that no such answer counts then.
func (o *Observer) askTailnet(ctx context.Context, source Source, p *plan) *wirev1.Tailnet {
	tailnet, err := source.Tailnet(ctx)
	if err != nil {
		o.log.Warn("the tailnet could not be asked for", "error", err)
	}
	if tailnet == nil && p != nil {
		p.change.Gone = nil
	}
	if tailnet == nil || p != nil && p.elsewhere {
		return tailnet
	}
	return withKnownLock(tailnet, o.known.tailnet)
}

// withKnownLock keeps what was last known of the lock if it could not be asked this time.
func withKnownLock(tailnet, before *wirev1.Tailnet) *wirev1.Tailnet {
	if tailnet.LockEnabled == nil && before != nil {
		tailnet.LockEnabled, tailnet.LockFiltered = before.LockEnabled, before.LockFiltered
	}
	return tailnet
}

// listedUsers are the users of a status as they are now. A status shows them as the last full map did, and what is known
// may be newer: a user that differs is asked for.
func (o *Observer) listedUsers(
	ctx context.Context, source Source, listed []*wirev1.UserProfile,
) (users []*wirev1.UserProfile) {
	for _, user := range listed {
		if known := o.known.replica.User(user.UserId); known != nil && !proto.Equal(known, user) {
			now, err := source.User(ctx, user.UserId)
			if err != nil {
				o.log.Debug("a user could not be looked up and stays as it was", "error", err)
				continue
			}
			user = now
		}
		users = append(users, user)
	}
	return users
}

// withUnknownUsers adds the profiles of users that peers name and nobody has described yet, asking once for each.
func (o *Observer) withUnknownUsers(
	ctx context.Context, source Source, peers []*record.Peer, users []*wirev1.UserProfile,
) []*wirev1.UserProfile {
	for _, id := range o.known.replica.UnknownUsers(peers, users) {
		if o.askedUsers[id] {
			continue
		}
		if o.askedUsers == nil {
			o.askedUsers = make(map[int64]bool)
		}
		o.askedUsers[id] = true
		user, err := source.User(ctx, id)
		if err != nil {
			o.log.Debug("a user could not be looked up", "error", err)
			continue
		}
		users = append(users, user)
	}
	return users
}
