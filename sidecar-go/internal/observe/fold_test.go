package observe

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
)

func offlinePatch(id int64) record.Patch {
	return record.Patch{ID: id, Presence: wirev1.Presence_PRESENCE_OFFLINE}
}

func TestNoBaseBeforeTheWholeTailnetWasSeen(t *testing.T) {
	b := newBench(t)
	b.expect("a first notice", b.handle(&record.Notice{State: "NoState", Initial: &record.Status{State: "NoState"}}),
		"daemon NoState | suspended STARTING")
	b.expect("peers out of nowhere", b.handle(&record.Notice{Changed: []*record.Peer{node(t, 2, nil)}}), "")
	b.expect("only the own node", b.handle(&record.Notice{Self: b.client.self}), "self | tailnet")
	if b.observer.known.based {
		t.Fatal("based")
	}
	b.handle(b.full(node(t, 2, nil)))
	if s := b.observer.snapshot(); !s.Based || s.Peers != 1 || s.Suspended != nil {
		t.Errorf("snapshot %+v", s)
	}
}

func TestTheBoundaryComesBeforeAnythingIsKept(t *testing.T) {
	b := newBench(t).seeing()
	var reached []string
	b.observer.reached = func(name string) {
		known := b.observer.known.replica.Peers()[0].Presence == wirev1.Presence_PRESENCE_OFFLINE
		reached = append(reached, fmt.Sprintf("%s, frames %d, known %v", name, len(b.ledger.take()), known))
	}
	b.handle(&record.Notice{Patches: []record.Patch{offlinePatch(2)}})
	b.expect("reached", fmt.Sprint(reached), "[bus to ring, frames 0, known false]")
}

func TestATailnetOfNobodyIsABaseToo(t *testing.T) {
	b := newBench(t)
	b.handle(b.full())
	if s := b.observer.snapshot(); !s.Based || s.Peers != 0 {
		t.Errorf("snapshot %+v", s)
	}
}

func TestARepeatedFullMapSaysNothing(t *testing.T) {
	b := newBench(t).seeing()
	b.expect("again", b.handle(b.full(node(t, 3, nil), node(t, 2, nil))), "")
}

func TestARemovalThatOnlyAFullMapShows(t *testing.T) {
	b := newBench(t).seeing()
	full := b.full(node(t, 2, nil))
	b.client.asked = nil
	b.expect("confirmed by a 404", b.handle(full), "full_rebuild -n3")
	b.expect("asked", fmt.Sprint(b.client.asked), "[peer 3]")
	b.client.broken[2] = true
	b.expect("a 500 keeps the peer", b.handle(&record.Notice{Self: b.client.self, Full: true}), "")
	b.client.broken[2] = false
	b.expect("so does an answer with the peer", b.handle(&record.Notice{Self: b.client.self, Full: true}), "")
	b.expect("a map of nobody", b.handle(b.full()), "full_rebuild -n2")
}

func TestNobodyIsRemovedWhenTheClientLeftTheTailnetMeanwhile(t *testing.T) {
	b := newBench(t).seeing()
	b.client.tailnet = nil
	b.expect("full map without anybody", b.handle(b.full()), "")
}

func TestAPeerWithAnIdThatCannotBeAskedForIsLookedUpInTheStatus(t *testing.T) {
	b := newBench(t)
	odd := node(t, -5, nil)
	b.handle(b.full(odd))
	b.client.status.Peers = []record.StatusPeer{{StableID: "n-5"}}
	b.expect("still there", b.handle(b.full()), "")
	b.client.status.Peers = nil
	b.expect("gone", b.handle(b.full()), "full_rebuild -n-5")
}

func TestManyAbsentPeersAreConfirmedByOneStatus(t *testing.T) {
	b := newBench(t)
	var peers []*record.Peer
	for id := range int64(300) {
		peers = append(peers, node(t, id+10, nil))
	}
	b.handle(b.full(peers...))
	b.client.status.Peers = []record.StatusPeer{{StableID: "n10"}}
	b.client.asked = nil
	b.handle(b.full())
	b.expect("asked", fmt.Sprint(b.client.asked), "[status]")
	if n := b.observer.known.replica.Len(); n != 1 {
		t.Errorf("%d peers are left", n)
	}
}

func TestAChangeOfTheOwnNodeAloneTouchesNoPeer(t *testing.T) {
	b := newBench(t).seeing()
	renamed := self(t, func(n *wirev1.Node) { n.Name = "other" })
	b.expect("own node", b.handle(&record.Notice{Self: renamed}), "self")
}

func TestAPatchForAnUnknownPeerAmongValidOnes(t *testing.T) {
	b := newBench(t).seeing()
	patches := []record.Patch{offlinePatch(9), offlinePatch(2)}
	b.expect("the client does not know it either", b.handle(&record.Notice{Patches: patches}), "delta ~n2")
	b.client.peers[9] = node(t, 9, nil)
	b.expect("the client knows it", b.handle(&record.Notice{Patches: []record.Patch{offlinePatch(9)}}), "delta +n9")
	b.client.broken[8] = true
	b.expect("no answer", b.handle(&record.Notice{Patches: []record.Patch{offlinePatch(8)}}), "")
}

func TestUnknownUsersAreAskedForOnce(t *testing.T) {
	b := newBench(t).seeing()
	b.client.users[5] = &wirev1.UserProfile{UserId: 5}
	b.client.asked = nil
	owned := func(id, user int64) *record.Notice {
		return &record.Notice{Changed: []*record.Peer{node(t, id, func(n *wirev1.Node) { n.UserId = user })}}
	}
	b.expect("known to the client", b.handle(owned(4, 5)), "delta +n4 u5")
	b.expect("unknown to it", b.handle(owned(5, 6)), "delta +n5")
	b.expect("again", b.handle(owned(6, 6)), "delta +n6")
	b.expect("asked", fmt.Sprint(b.client.asked), "[user 5 user 6]")
}

func TestTheOwnNodesUserIsAskedForToo(t *testing.T) {
	b := newBench(t)
	b.client.self = self(t, func(n *wirev1.Node) { n.UserId = 5 })
	b.client.users[5] = &wirev1.UserProfile{UserId: 5}
	b.handle(b.full())
	b.expect("users", fmt.Sprint(b.observer.snapshot().Chunks[0]().Users), fmt.Sprint([]*wirev1.UserProfile{{UserId: 5}}))
}

func TestAUserThatIsCalledSomethingElseIsADeltaOfItsOwn(t *testing.T) {
	b := newBench(t).seeing()
	renamed := &record.Notice{Users: []*wirev1.UserProfile{{UserId: 1, DisplayName: "Mira"}}}
	b.expect("another name", b.handle(renamed), "delta u1")
	b.expect("the same again", b.handle(renamed), "")
}

func TestAStatusWithAnOlderProfileDoesNotUndoAChange(t *testing.T) {
	b := newBench(t).seeing()
	now := &wirev1.UserProfile{UserId: 1, DisplayName: "now"}
	b.handle(&record.Notice{Users: []*wirev1.UserProfile{now}})
	b.client.status.Users = []*wirev1.UserProfile{{UserId: 1, DisplayName: "before"}}
	b.client.status.Peers = []record.StatusPeer{{ID: 2, StableID: "n2"}, {ID: 3, StableID: "n3"}}
	again := &record.Notice{Initial: b.client.status}
	b.expect("the client does not say", b.handle(again), "")
	b.client.users[1] = now
	b.expect("the client says what is known", b.handle(again), "")
	b.client.users[1] = &wirev1.UserProfile{UserId: 1, DisplayName: "newer"}
	b.expect("the client says what is new", b.handle(again), "full_rebuild u1")
}

func TestEachValueOfTheOwnNodeIsAFrameWhenItChangesAndInEveryBase(t *testing.T) {
	b := newBench(t).seeing()
	b.handle(&record.Notice{Prefs: &wirev1.Prefs{WantRunning: true}, Health: &wirev1.Health{}})
	cases := []struct {
		frame  string
		notice func() *record.Notice
	}{
		{"self", func() *record.Notice {
			return &record.Notice{Self: self(t, func(n *wirev1.Node) { n.Tags = []string{"tag:a"} })}
		}},
		{"prefs", func() *record.Notice { return &record.Notice{Prefs: &wirev1.Prefs{RunSsh: true}} }},
		{"health", func() *record.Notice {
			return &record.Notice{Health: &wirev1.Health{Warnings: []*wirev1.HealthWarning{{Code: "warming-up"}}}}
		}},
		{"daemon Running", func() *record.Notice { return &record.Notice{Error: "out of disk"} }},
	}
	for _, c := range cases {
		b.expect(c.frame+" changed", b.handle(c.notice()), c.frame)
		b.expect(c.frame+" repeated", b.handle(c.notice()), "")
	}
	s := b.observer.snapshot()
	base := strings.Join([]string{
		s.Self.Node.Tags[0], fmt.Sprint(s.Prefs.RunSsh), s.Health.Warnings[0].Code, s.Daemon.Error, s.Tailnet.Domain,
	}, " ")
	b.expect("base", base, "tag:a true warming-up out of disk example.com")
}

func TestTheTailnetIsAskedForWithEachChangeOfTheOwnNode(t *testing.T) {
	on := true
	b := newBench(t).seeing()
	b.client.tailnet = &wirev1.Tailnet{Domain: "example.org", MagicDnsSuffix: "tail1.ts.net"}
	b.expect("another domain", b.handle(&record.Notice{Self: b.client.self}), "tailnet")
	b.client.tailnet = &wirev1.Tailnet{
		Domain: "example.org", MagicDnsSuffix: "tail1.ts.net", LockEnabled: &on, LockFiltered: []string{"n3"},
	}
	b.expect("locked", b.handle(&record.Notice{Self: b.client.self}), "tailnet")
	b.client.tailnet = &wirev1.Tailnet{Domain: "example.org", MagicDnsSuffix: "tail1.ts.net"}
	b.expect("the lock cannot be asked", b.handle(&record.Notice{Self: b.client.self}), "")
	if known := b.observer.snapshot().Tailnet; !known.GetLockEnabled() || len(known.LockFiltered) != 1 {
		t.Errorf("known is %v", known)
	}
	b.client.self = self(t, func(n *wirev1.Node) { n.StableId = "another" })
	b.client.tailnet = &wirev1.Tailnet{Domain: "example.net"}
	b.handle(b.full(node(t, 7, nil)))
	if known := b.observer.snapshot().Tailnet; known.LockEnabled != nil {
		t.Errorf("the lock of another tailnet is kept: %v", known)
	}
}

func TestALogoutKeepsEverythingAndSuspends(t *testing.T) {
	b := newBench(t).seeing()
	b.expect("no state", b.handle(&record.Notice{State: "NoState", Prefs: &wirev1.Prefs{LoggedOut: true}}),
		"prefs | daemon NoState | suspended STARTING")
	b.expect("needs login", b.handle(&record.Notice{State: "NeedsLogin"}), "daemon NeedsLogin | suspended NEEDS_LOGIN")
	if n := b.observer.known.replica.Len(); n != 2 {
		t.Fatalf("%d peers are left", n)
	}
	b.handle(&record.Notice{State: "Starting", Prefs: &wirev1.Prefs{WantRunning: true}})
	b.expect("back, one peer less", b.handle(b.full(node(t, 2, nil))), "full_rebuild -n3 | resumed")
}

func TestANodeThatIsNotLetInKeepsWhatItSaw(t *testing.T) {
	no, past := false, timestamppb.New(time.Unix(1600000000, 0))
	cases := map[string]struct {
		change func(*wirev1.Node)
		want   string
	}{
		"not approved": {func(n *wirev1.Node) { n.MachineAuthorized = &no }, "self | suspended NEEDS_APPROVAL"},
		"expired":      {func(n *wirev1.Node) { n.KeyExpiry = past }, "self | suspended NEEDS_LOGIN operator"},
	}
	for name, c := range cases {
		b := newBench(t).seeing()
		shunned := &record.Notice{Self: self(t, c.change), Full: true}
		b.client.peers = nil
		b.expect(name, b.handle(shunned), c.want)
		b.expect(name+", let in again", b.handle(b.full(node(t, 2, nil), node(t, 3, nil))), "self | resumed")
	}
}

func TestAnotherTailnetStartsAnew(t *testing.T) {
	b := newBench(t).seeing()
	b.client.self = self(t, func(n *wirev1.Node) { n.StableId = "another" })
	b.expect("nobody in common", b.handle(b.full(node(t, 7, nil))), "self")
	if !b.ledger.rebased || b.observer.snapshot().Peers != 1 {
		t.Error("no base is taken")
	}
}

func TestARejoinedNodeInTheSameTailnetIsAnOrdinaryDifference(t *testing.T) {
	b := newBench(t).seeing()
	b.client.self = self(t, func(n *wirev1.Node) { n.StableId = "another" })
	b.expect("one in common", b.handle(b.full(node(t, 2, nil))), "full_rebuild -n3 | self")
	if b.ledger.rebased {
		t.Error("a base is taken")
	}
}

func TestLoginAsSeenFromOutside(t *testing.T) {
	b := newBench(t)
	b.handle(&record.Notice{Initial: &record.Status{State: "NoState"}})
	b.expect("a login under way", b.handle(&record.Notice{State: "NeedsLogin"}), "daemon NeedsLogin")
	b.expect("a URL", b.handle(&record.Notice{LoginURL: "https://x/a/1"}), "suspended NEEDS_LOGIN url")
	b.expect("the same URL", b.handle(&record.Notice{LoginURL: "https://x/a/1"}), "")
	b.expect("done", b.handle(&record.Notice{LoginFinished: true}), "suspended STARTING")
}

func TestARefusedKeyIsSaidOnce(t *testing.T) {
	b := newBench(t)
	refusals := 0
	b.observer.conditions.run.Refused = func() { refusals++ }
	b.handle(&record.Notice{State: "NeedsLogin"})
	b.expect("refused", b.handle(&record.Notice{Error: "invalid key"}), "daemon NeedsLogin | suspended NEEDS_LOGIN operator")
	b.expect("refused again", b.handle(&record.Notice{Error: "invalid key"}), "")
	if refusals != 1 {
		t.Errorf("told %d times", refusals)
	}
}

func TestAWarningOfTheBusIsNoComplaintOfTheClient(t *testing.T) {
	b := newBench(t).seeing()
	b.expect("fell behind", b.handle(&record.Notice{Error: "IPN bus consumer fell behind; closing watch"}), "")
}

func TestADemandForLogsSuspends(t *testing.T) {
	b := newBench(t).seeing()
	b.expect("demanded", b.handle(&record.Notice{Error: "tailnet requires logging to be enabled."}),
		"daemon Running | suspended LOGGING_REQUIRED operator")
}

func TestStaleAndFreshAgain(t *testing.T) {
	b := newBench(t).seeing()
	tell := func(stale bool) string {
		b.observer.Stale(stale, 3*time.Minute)
		(<-b.observer.requests)(t.Context(), b.client)
		return text(b.ledger.take())
	}
	b.expect("stale", tell(true), "suspended STALE")
	b.expect("still stale", tell(true), "")
	b.expect("fresh", tell(false), "resumed")
}

func TestABaseSeenDuringTheLoginIsFollowedByTheEndOfItsSuspension(t *testing.T) {
	b := newBench(t)
	b.handle(&record.Notice{State: "NeedsLogin"})
	b.handle(b.full(node(t, 2, nil)))
	if s := b.observer.snapshot(); !s.Based || s.Suspended == nil {
		t.Fatalf("snapshot %+v", s)
	}
	b.expect("let in", b.handle(&record.Notice{State: "Running"}), "daemon Running | resumed")
}
