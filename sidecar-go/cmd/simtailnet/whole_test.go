package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tailscale.com/tailcfg"
)

// carriers says who carries a subnet, and who is listed with it.
func carriers(n *tailnet, subnet string) string {
	p := netip.MustParsePrefix(subnet)
	var names []string
	for _, node := range n.visible() {
		if primary, allowed := slices.Contains(node.PrimaryRoutes, p), slices.Contains(node.AllowedIPs, p); primary || allowed {
			names = append(names, fmt.Sprintf("%s %v %v", firstLabel(node.Name), primary, allowed))
		}
	}
	return strings.Join(names, ", ")
}

// tell applies changes to a small tailnet and returns what its watcher is sent.
func tell(t *testing.T, n *tailnet, w *watcher, how via, text string) string {
	t.Helper()
	if _, _, err := n.change(how, n.script(changes(t, text))); err != nil {
		t.Fatal(err)
	}
	l, ok := w.take()
	if !ok {
		return ""
	}
	return shape(n, l.msg)
}

const site = "10.99.0.0/16"

func TestASubnetPassesToTheNextOneThatIsInContact(t *testing.T) {
	n, w := smallTailnet(t)
	approve := `{"op":"routes","peer":"git","routes":["10.99.0.0/16"]},{"op":"routes","peer":"nas","routes":["10.99.0.0/16","0.0.0.0/0","::/0"]}`
	tell(t, n, w, viaDelta, approve)
	for _, step := range []struct{ what, changes, sent, carriers string }{
		{"approved for both", `{"op":"touch","peer":"git","fields":["derp"]}`, "P:git(derp)", "nas true true"},
		{"the standby goes", `{"op":"offline","peer":"git"}`, "P:git(offline,seen)", "nas true true"},
		{"the standby comes", `{"op":"online","peer":"git"}`, "P:git(online)", "nas true true"},
		{"the carrier goes", `{"op":"offline","peer":"nas"}`, "N:nas N:git", "git true true"},
		{"nobody is left", `{"op":"offline","peer":"git"}`, "P:git(offline,seen)", "git true true"},
		{"the first one is back", `{"op":"online","peer":"nas"}`, "N:nas N:git", "nas true true"},
		{"both are back", `{"op":"online","peer":"git"}`, "P:git(online)", "nas true true"},
		{"no longer approved", `{"op":"routes","peer":"nas","routes":[]}`, "N:nas N:git", "git true true"},
		{"deleted", `{"op":"remove","peer":"git"}`, "R:?", ""},
	} {
		sent := tell(t, n, w, viaDelta, step.changes)
		if sent != step.sent || carriers(n, site) != step.carriers {
			t.Errorf("%s: sent %q, carried by %q", step.what, sent, carriers(n, site))
		}
	}
}

func TestAStandbyKeepsItsExitRoutes(t *testing.T) {
	n, w := smallTailnet(t)
	tell(t, n, w, viaDelta, `{"op":"routes","peer":"nas","routes":["10.99.0.0/16"]},{"op":"add","name":"late","routes":["10.99.0.0/16","0.0.0.0/0"]}`)
	late := n.resolve("late").node
	if carriers(n, site) != "nas true true" || len(late.PrimaryRoutes) != 0 || len(late.AllowedIPs) != 3 {
		t.Errorf("carried by %s; late has %v and %v", carriers(n, site), late.PrimaryRoutes, late.AllowedIPs)
	}
}

func TestASubnetWithoutAnybodyInContactIsWithdrawnWhereThatIsTheRule(t *testing.T) {
	n, w := smallTailnet(t)
	tell(t, n, w, viaDelta, `{"op":"routes","peer":"nas","routes":["10.99.0.0/16"]}`)
	rule := true
	if _, _, err := n.changeWhole(viaDelta, &wholeOrder{WithdrawRoutes: &rule}); err != nil {
		t.Fatal(err)
	}
	if _, sent := w.take(); sent {
		t.Error("the rule itself is nobody's business")
	}
	if sent := tell(t, n, w, viaDelta, `{"op":"offline","peer":"nas"}`); sent != "N:nas" || carriers(n, site) != "" {
		t.Errorf("sent %q, carried by %q", sent, carriers(n, site))
	}
	if sent := tell(t, n, w, viaDelta, `{"op":"online","peer":"nas"}`); sent != "N:nas" || carriers(n, site) != "nas true true" {
		t.Errorf("sent %q, carried by %q", sent, carriers(n, site))
	}
}

func TestAnyFieldOfANodeCanBeChanged(t *testing.T) {
	n, w := smallTailnet(t)
	sent := tell(t, n, w, viaDelta, `{"op":"hostinfo","peer":"nas","hostinfo":{"DeviceModel":"DS923+","ShieldsUp":true}},
		{"op":"node","peer":"nas","node":{"IsJailed":true,"Cap":99,"KeySignature":"AQ=="}}`)
	nas := n.resolve("nas").node
	if hi := nas.Hostinfo; sent != "N:nas" || hi.DeviceModel() != "DS923+" || !hi.ShieldsUp() || hi.Hostname() != "nas" {
		t.Errorf("sent %q, %+v", sent, hi)
	}
	if !nas.IsJailed || nas.Cap != 99 || len(nas.KeySignature) != 1 {
		t.Errorf("got %+v", nas)
	}
}

// whole gives an order for the whole tailnet and returns what the watcher is sent.
func whole(t *testing.T, n *tailnet, w *watcher, body string) *tailcfg.MapResponse {
	t.Helper()
	var got receipt
	if status := ask(t, desk(t, n), "POST", "/v1/tailnet", body, &got); status != 200 {
		t.Fatalf("%s: status %d", body, status)
	}
	l, ok := w.take()
	if !ok {
		return nil
	}
	return l.msg
}

func TestTheTailnetAsAWholeCanBeChanged(t *testing.T) {
	n, w := smallTailnet(t)
	m := whole(t, n, w, `{"domain":"example.org","messages":{"slow":{"Title":"Slow"}}}`)
	if m.Domain != "example.org" || m.DisplayMessages["slow"].Title != "Slow" || m.Peers != nil || m.Node != nil {
		t.Errorf("delta %+v", m)
	}
	if n.truth().Domain != "example.org" {
		t.Errorf("truth says %s", n.truth().Domain)
	}
	m = whole(t, n, w, `{"via":"full","messages":{"odd":{"Title":"Odd"}}}`)
	if _, clears := m.DisplayMessages[everyMessage]; !clears || len(m.DisplayMessages) != 3 || m.Domain != "example.org" {
		t.Errorf("full %+v", m.DisplayMessages)
	}
	whole(t, n, w, `{"messages":{"odd":null}}`)
	whole(t, n, w, `{"messages":{"*":null,"new":{"Title":"New"}},"health":["disk is full"]}`)
	m = n.fullMap(n.resolve("watcher"))
	if len(m.DisplayMessages) != 2 || m.DisplayMessages["new"] == nil || len(m.Health) != 1 {
		t.Errorf("full %+v", m)
	}
}

func TestAnotherSuffixRenamesTheTailnetsOwnNodes(t *testing.T) {
	n, w := smallTailnet(t)
	tell(t, n, w, viaDelta, `{"op":"add","name":"theirs","shared_in":true}`)
	m := whole(t, n, w, `{"suffix":"tail7.ts.net"}`)
	if m.Node.Name != "watcher.tail7.ts.net." || m.DNSConfig.Domains[0] != "tail7.ts.net" {
		t.Errorf("own node %s, domains %v", m.Node.Name, m.DNSConfig.Domains)
	}
	tell(t, n, w, viaDelta, `{"op":"add","name":"new"}`)
	for short, want := range map[string]string{"nas": "nas.tail7.ts.net", "new": "new.tail7.ts.net", "theirs": "theirs.tail1a2b3.ts.net"} {
		if d := n.resolve(want); d == nil || d.name() != short {
			t.Errorf("%s is not called %s", short, want)
		}
	}
}

func TestALockSignsEverybodyAndWhoeverComes(t *testing.T) {
	n, w := smallTailnet(t)
	m := whole(t, n, w, `{"lock":true}`)
	if m.TKAInfo == nil || m.TKAInfo.Disabled || len(m.Peers) == 0 || m.Node == nil {
		t.Fatalf("got %+v", m.TKAInfo)
	}
	tell(t, n, w, viaDelta, `{"op":"add","name":"new"},{"op":"key_rotate","peer":"nas"}`)
	for _, node := range n.visible() {
		if err := n.lock.authority.NodeKeyAuthorized(node.Key, node.KeySignature); err != nil {
			t.Errorf("%s: %v", node.Name, err)
		}
	}
	if !n.resolve("watcher").node.CapMap.Contains(tailcfg.CapabilityTailnetLock) {
		t.Error("the watcher does not look at the lock")
	}
	if m := whole(t, n, w, `{"lock":false}`); !m.TKAInfo.Disabled {
		t.Error("the lock is still on")
	}
}
