package observe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
)

// Audit compares now and calls reply with what was found, or with an error if it could not compare.
func (o *Observer) Audit(reply func(differences int, err error)) {
	asked := o.running.Load() && o.do(func(ctx context.Context, source Source) {
		suspects, err := o.compare(ctx, source)
		if err == nil {
			o.judge(ctx, source, suspects)
		}
		reply(len(suspects), err)
	})
	if !asked {
		reply(0, errNoClient)
	}
}

// audit compares. What differs for the first time is looked at again a little later: a change may be on its way.
func (o *Observer) audit(ctx context.Context, source Source, again *time.Timer) {
	suspects, err := o.compare(ctx, source)
	if err != nil {
		o.log.Debug("no audit now", "error", err)
		return
	}
	o.judge(ctx, source, suspects)
	if len(o.suspects) > 0 && again != nil {
		again.Reset(auditAgainAfter)
	}
}

// judge forces a full map if the same difference was there before. It never takes a value from the status over: of
// the two, the status may be the one that is wrong.
func (o *Observer) judge(ctx context.Context, source Source, suspects map[string]bool) {
	confirmed := 0
	for suspect := range suspects {
		if o.suspects[suspect] {
			confirmed++
		}
	}
	o.suspects = suspects
	if confirmed == 0 {
		return
	}
	o.suspects = nil
	o.mismatches.Add(1)
	o.log.Warn("the replica differs from the client's status, asking for everything anew", "differences", confirmed)
	if err := o.nudge(ctx, source); err != nil {
		o.log.Error("the control server could not be asked for everything anew", "error", err)
	}
}

// compare returns what differs between the replica and the client's status, one word for each difference.
func (o *Observer) compare(ctx context.Context, source Source) (map[string]bool, error) {
	if !o.conditions.current || o.known.suspended != nil {
		return nil, errors.New("the edge does not see the tailnet")
	}
	status, err := source.Status(ctx, true)
	if err != nil {
		return nil, err
	}
	if status.Tailnet == nil {
		return nil, errors.New("the client is in no tailnet")
	}
	suspects := make(map[string]bool)
	there := make(map[string]record.StatusPeer, len(status.Peers))
	for _, peer := range status.Peers {
		there[peer.StableID] = peer
	}
	for _, peer := range o.known.replica.Peers() {
		theirs, ok := there[peer.StableID]
		delete(there, peer.StableID)
		if !ok {
			suspects["extra "+peer.StableID] = true
			continue
		}
		for _, aspect := range differing(peer, theirs) {
			suspects[fmt.Sprintf("%s %s", aspect, peer.StableID)] = true
		}
	}
	for stableID := range there {
		if stableID != "" {
			suspects["missing "+stableID] = true
		}
	}
	return suspects, nil
}

func differing(ours *record.Peer, theirs record.StatusPeer) []string {
	var aspects []string
	// The status knows no third value for the contact.
	known := ours.Presence != wirev1.Presence_PRESENCE_UNSPECIFIED
	if known && (ours.Presence == wirev1.Presence_PRESENCE_ONLINE) != theirs.Online {
		aspects = append(aspects, "online")
	}
	node := ours.Node()
	if !node.Expired && !theirs.Expired && node.NodeKey != theirs.NodeKey {
		aspects = append(aspects, "key")
	}
	if !slices.Equal(node.Tags, theirs.Tags) {
		aspects = append(aspects, "tags")
	}
	return aspects
}

// nudge makes the control server send everything anew by closing and opening the map poll. What the client says of
// being off in between is hidden from the service.
func (o *Observer) nudge(ctx context.Context, source Source) error {
	o.nudged = true
	if err := source.SetWantRunning(ctx, false); err != nil {
		o.nudged = false
		return err
	}
	if err := source.SetWantRunning(ctx, true); err != nil {
		o.nudged = false
		// Staying off would be worse than what the nudge was for.
		return errors.Join(err, source.SetWantRunning(ctx, true))
	}
	return nil
}

// hideNudge takes the traces of a nudge out of a notice. The whole tailnet, a client that runs again, or one that says
// anything else of itself ends it.
func (o *Observer) hideNudge(n *record.Notice) {
	switch n.State {
	case "Stopped", "Starting":
		n.State = ""
	case "":
		o.nudged = !n.Full && n.Initial == nil
	default:
		o.nudged = false
	}
	if n.Prefs != nil && !n.Prefs.WantRunning {
		n.Prefs = nil
	}
	if o.nudged {
		n.Health = nil
	}
}
