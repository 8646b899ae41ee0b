package replica_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
	"sentinel/sidecar/internal/replica"
)

const (
	unknown = wirev1.Presence_PRESENCE_UNSPECIFIED
	online  = wirev1.Presence_PRESENCE_ONLINE
	offline = wirev1.Presence_PRESENCE_OFFLINE
)

var noon = time.Unix(1700000000, 0).UTC()

func peer(t testing.TB, id int64, name string, presence wirev1.Presence) *record.Peer {
	t.Helper()
	p, err := record.NewPeer(id, &wirev1.Node{
		StableId: fmt.Sprintf("n%04d", id), Name: name, UserId: 1, Presence: presence, Hostinfo: &wirev1.Hostinfo{Os: "linux"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// text is a diff in one line.
func text(d replica.Diff) string {
	var parts []string
	for _, stableID := range d.Removals {
		parts = append(parts, "-"+stableID)
	}
	for _, p := range d.Upserts {
		parts = append(parts, "+"+p.StableID)
	}
	for _, p := range d.Patches {
		word := "~" + p.StableId + "=" + strings.ToLower(strings.TrimPrefix(p.Presence.String(), "PRESENCE_"))
		if p.LastSeen != nil {
			word += "@" + fmt.Sprint(p.LastSeen.AsTime().Unix()-noon.Unix())
		}
		parts = append(parts, word)
	}
	for _, u := range d.Users {
		parts = append(parts, "u"+fmt.Sprint(u.UserId))
	}
	return strings.Join(parts, " ")
}

func TestApply(t *testing.T) {
	cases := map[string]struct {
		change replica.Change
		want   string
	}{
		"the same peer again says nothing":               {replica.Change{Changed: []*record.Peer{peer(t, 1, "a", online)}}, ""},
		"a new peer is an upsert":                        {replica.Change{Changed: []*record.Peer{peer(t, 3, "c", online)}}, "+n0003"},
		"another name is an upsert":                      {replica.Change{Changed: []*record.Peer{peer(t, 1, "z", online)}}, "+n0001"},
		"another presence alone is a patch":              {replica.Change{Changed: []*record.Peer{peer(t, 1, "a", offline)}}, "~n0001=offline"},
		"a presence that is lost is an upsert":           {replica.Change{Changed: []*record.Peer{peer(t, 1, "a", unknown)}}, "+n0001"},
		"a patch of presence":                            {replica.Change{Patches: []record.Patch{{ID: 1, Presence: offline}}}, "~n0001=offline"},
		"a patch with a last contact":                    {replica.Change{Patches: []record.Patch{{ID: 1, Presence: offline, LastSeen: noon}}}, "~n0001=offline@0"},
		"a last contact means nothing while in contact":  {replica.Change{Patches: []record.Patch{{ID: 1, LastSeen: noon}}}, ""},
		"a later last contact of one that is away":       {replica.Change{Patches: []record.Patch{{ID: 2, LastSeen: noon.Add(time.Second)}}}, "~n0002=unspecified@1"},
		"the same contact again says nothing":            {replica.Change{Patches: []record.Patch{{ID: 2, Presence: offline, LastSeen: noon}}}, ""},
		"a last contact that is missing is kept":         {replica.Change{Changed: []*record.Peer{peer(t, 2, "b", offline)}}, ""},
		"a patch for nobody among valid ones":            {replica.Change{Patches: []record.Patch{{ID: 9, Presence: online}, {ID: 1, Presence: offline}}}, "~n0001=offline"},
		"a removal by NodeID":                            {replica.Change{Removed: []int64{1}}, "-n0001"},
		"a removal of nobody":                            {replica.Change{Removed: []int64{77}}, ""},
		"a removal by StableID":                          {replica.Change{Gone: []string{"n0002"}}, "-n0002"},
		"removed, then changed: it is there":             {replica.Change{Removed: []int64{1}, Changed: []*record.Peer{peer(t, 1, "z", online)}}, "+n0001"},
		"removed, then the same again: nothing happened": {replica.Change{Removed: []int64{1}, Changed: []*record.Peer{peer(t, 1, "a", online)}}, ""},
		"changed, then patched: one upsert":              {replica.Change{Changed: []*record.Peer{peer(t, 3, "c", online)}, Patches: []record.Patch{{ID: 3, Presence: offline}}}, "+n0003"},
		"away and back in one change says nothing":       {replica.Change{Patches: []record.Patch{{ID: 1, Presence: offline}, {ID: 1, Presence: online}}}, ""},
		"a new profile":                                  {replica.Change{Users: []*wirev1.UserProfile{{UserId: 2, LoginName: "tom"}}}, "u2"},
		"the same profile again":                         {replica.Change{Users: []*wirev1.UserProfile{{UserId: 1, LoginName: "mira"}}}, ""},
	}
	for name, c := range cases {
		r := replica.New()
		away := peer(t, 2, "b", offline).WithContact(offline, noon)
		r.Apply(replica.Change{
			Changed: []*record.Peer{peer(t, 1, "a", online), away}, Users: []*wirev1.UserProfile{{UserId: 1, LoginName: "mira"}},
		})
		if got := text(r.Apply(c.change)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestNewNodeIDOfAKnownPeerIsNoChangeButTakesItsPatches(t *testing.T) {
	r := replica.New()
	r.Apply(replica.Change{Changed: []*record.Peer{peer(t, 1, "a", online)}})
	again := *peer(t, 1, "a", online)
	again.ID = 50
	if got := text(r.Apply(replica.Change{Changed: []*record.Peer{&again}})); got != "" {
		t.Errorf("got %q", got)
	}
	if got := text(r.Apply(replica.Change{Patches: []record.Patch{{ID: 50, Presence: offline}}})); got != "~n0001=offline" {
		t.Errorf("patch by the new id: %q", got)
	}
	if got := text(r.Apply(replica.Change{Removed: []int64{1}})); got != "" {
		t.Errorf("removal by the old id: %q", got)
	}
}

func TestWhatHasToBeAsked(t *testing.T) {
	r := replica.New()
	r.Apply(replica.Change{
		Changed: []*record.Peer{peer(t, 1, "a", online), peer(t, 2, "b", online)}, Users: []*wirev1.UserProfile{{UserId: 1}},
	})
	absent := r.Absent([]*record.Peer{peer(t, 2, "b", online)})
	if len(absent) != 1 || absent[0].StableID != "n0001" {
		t.Errorf("absent: %v", absent)
	}
	patches := []record.Patch{{ID: 1}, {ID: 5}, {ID: 6}, {ID: 5}}
	if got := fmt.Sprint(r.UnknownPatched(patches, []*record.Peer{peer(t, 6, "f", online)})); got != "[5]" {
		t.Errorf("unknown in patches: %s", got)
	}
	stranger, err := record.NewPeer(8, &wirev1.Node{StableId: "x", UserId: 4, SharerId: 5})
	if err != nil {
		t.Fatal(err)
	}
	peers := []*record.Peer{peer(t, 7, "g", online), stranger}
	if got := fmt.Sprint(r.UnknownUsers(peers, []*wirev1.UserProfile{{UserId: 5}})); got != "[4]" {
		t.Errorf("unknown users: %s", got)
	}
}

func TestDeltasStayBelowTheirLimitAndLoseNothing(t *testing.T) {
	r := replica.New()
	var change replica.Change
	for id := range int64(500) {
		change.Changed = append(change.Changed, peer(t, id+1, strings.Repeat("x", int(id)%60), online))
	}
	change.Users = []*wirev1.UserProfile{{UserId: 1, LoginName: "mira"}}
	const limit = 4096
	deltas := r.Apply(change).Deltas(wirev1.DeltaCause_DELTA_CAUSE_RESYNC, nil, limit)
	total := 0
	for _, delta := range deltas {
		if size := proto.Size(delta); size > limit+64 {
			t.Errorf("a delta has %d bytes", size)
		}
		if delta.Cause != wirev1.DeltaCause_DELTA_CAUSE_RESYNC {
			t.Errorf("cause %v", delta.Cause)
		}
		total += len(delta.Upserts)
	}
	if total != 500 || len(deltas) < 2 || len(deltas[0].Users) != 1 {
		t.Errorf("%d upserts in %d deltas", total, len(deltas))
	}
	if got := (replica.Diff{}).Deltas(wirev1.DeltaCause_DELTA_CAUSE_DELTA, nil, limit); got != nil {
		t.Errorf("an empty diff gives %v", got)
	}
}

// What the deltas say, applied to an empty table, has to give what the replica has, whatever comes in.
func TestReplayedDeltasGiveTheReplica(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	r, table := replica.New(), make(map[string]*wirev1.Node)
	for range 2000 {
		replay(table, r.Apply(randomChange(t, random)))
		if random.IntN(50) > 0 {
			continue
		}
		peers := r.Peers()
		if len(peers) != len(table) {
			t.Fatalf("seed %d: %d peers, %d replayed", seed, len(peers), len(table))
		}
		for _, p := range peers {
			want, got := p.Node(), table[p.StableID]
			want.LastSeen, got.LastSeen = nil, nil
			if !proto.Equal(want, got) {
				t.Fatalf("seed %d: replica has %v, replayed is %v", seed, want, got)
			}
		}
	}
}

func randomChange(t *testing.T, random *rand.Rand) replica.Change {
	var c replica.Change
	id := func() int64 { return 1 + random.Int64N(12) }
	presence := func() wirev1.Presence { return wirev1.Presence(random.IntN(3)) }
	for range random.IntN(3) {
		c.Changed = append(c.Changed, peer(t, id(), fmt.Sprint("name", random.IntN(3)), presence()))
	}
	for range random.IntN(3) {
		c.Patches = append(c.Patches, record.Patch{ID: id(), Presence: presence(), LastSeen: noon.Add(time.Duration(random.IntN(3)))})
	}
	if random.IntN(3) == 0 {
		c.Removed = append(c.Removed, id())
	}
	return c
}

func replay(table map[string]*wirev1.Node, diff replica.Diff) {
	for _, stableID := range diff.Removals {
		delete(table, stableID)
	}
	for _, p := range diff.Upserts {
		table[p.StableID] = p.Node()
	}
	for _, patch := range diff.Patches {
		if patch.Presence != unknown {
			table[patch.StableId].Presence = patch.Presence
		}
	}
}
