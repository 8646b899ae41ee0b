package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// selfOrder says what becomes of real nodes themselves.
type selfOrder struct {
	Node              string          `json:"node"`
	Via               string          `json:"via"`
	KeyExpiry         json.RawMessage `json:"key_expiry"`
	Expired           bool            `json:"expired"`
	Tags              []string        `json:"tags"`
	MachineAuthorized *bool           `json:"machine_authorized"`
}

// changes spells an order out for one node.
func (o selfOrder) changes(name string) []change {
	var list []change
	if o.KeyExpiry != nil {
		list = append(list, change{Op: "key_expiry", Peer: name, KeyExpiry: o.KeyExpiry})
	}
	if o.Expired {
		list = append(list, change{Op: "expire", Peer: name})
	}
	if o.Tags != nil {
		list = append(list, change{Op: "tags", Peer: name, Tags: o.Tags})
	}
	if o.MachineAuthorized != nil {
		list = append(list, change{Op: "machine_authorized", Peer: name, MachineAuthorized: o.MachineAuthorized})
	}
	return list
}

func (a *admin) self(r *http.Request) (any, error) {
	var order selfOrder
	if err := decode(r, &order); err != nil {
		return nil, err
	}
	names, err := a.net.realNames(order.Node)
	if err != nil {
		return nil, err
	}
	var changes []change
	for _, name := range names {
		changes = append(changes, order.changes(name)...)
	}
	if len(changes) == 0 {
		return nil, refuse(400, "nothing to change: give key_expiry, expired, tags or machine_authorized")
	}
	return a.apply(order.Via, changes)
}

// realNames resolves the name of a real node, or "all" of them.
func (t *tailnet) realNames(which string) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for _, id := range t.keys {
		names = append(names, t.devices[id].name())
	}
	slices.Sort(names)
	switch d := t.resolve(which); {
	case which == "":
		return nil, refuse(400, `"node" is missing: the name of a real node, or "all"`)
	case which == "all" && len(names) > 0:
		return names, nil
	case which == "all":
		return nil, refuse(409, "no real node has joined")
	case d == nil || !d.real:
		return nil, refuse(404, "no real node is called %q", which)
	default:
		return []string{d.name()}, nil
	}
}

func (a *admin) approve(r *http.Request) (any, error) {
	names, err := a.net.realNames(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	var changes []change
	for _, name := range names {
		changes = append(changes, change{Op: "machine_authorized", Peer: name, MachineAuthorized: new(true)})
	}
	return a.apply("", changes)
}

// remove deletes a real node for good. As with control servers in the wild, others learn of it from a full map.
func (a *admin) remove(r *http.Request) (any, error) {
	names, err := a.net.realNames(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	how := r.URL.Query().Get("via")
	if how == "" {
		how = string(viaFull)
	}
	var changes []change
	for _, name := range names {
		changes = append(changes, change{Op: "remove", Peer: name})
	}
	return a.apply(how, changes)
}

// faults orders troubles; those with a duration end by themselves.
func (a *admin) faults(r *http.Request) (any, error) {
	var body struct {
		DropStreams bool   `json:"drop_streams"`
		OutageMS    *int64 `json:"outage_ms"`
		GraceMS     *int64 `json:"grace_ms"`
		FreezeMS    *int64 `json:"freeze_ms"`
		DelayMS     *int64 `json:"delay_ms"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	answer := map[string]any{"ok": true}
	orders := []faultOrder{
		{"grace_ms", body.GraceMS, a.net.setGrace},
		{"freeze_ms", body.FreezeMS, a.net.faults.freeze},
		{"delay_ms", body.DelayMS, a.net.faults.setDelay},
		{"outage_ms", body.OutageMS, func(d time.Duration) { answer["connections_cut"] = a.gate.outage(d) }},
	}
	given, err := checkFaults(orders)
	if err != nil {
		return nil, err
	}
	if given == 0 && !body.DropStreams {
		return nil, refuse(400, "no fault named: give drop_streams, outage_ms, grace_ms, freeze_ms or delay_ms")
	}
	for _, o := range orders {
		if o.ms != nil {
			o.apply(time.Duration(*o.ms) * time.Millisecond)
		}
	}
	if body.DropStreams {
		answer["streams_dropped"] = a.net.dropStreams()
	}
	return answer, nil
}

// faultOrder is a fault with a duration; nil was not asked for.
type faultOrder struct {
	name  string
	ms    *int64
	apply func(time.Duration)
}

func checkFaults(orders []faultOrder) (given int, err error) {
	for _, o := range orders {
		if o.ms == nil {
			continue
		}
		if *o.ms < 0 {
			return 0, refuse(400, "%q must not be negative", o.name)
		}
		given++
	}
	return given, nil
}

func (a *admin) pendingLogins(*http.Request) (any, error) {
	return map[string]any{"pending": a.logins.list()}, nil
}

func (a *admin) completeLogin(r *http.Request) (any, error) {
	var body struct {
		URL string `json:"url"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	done, err := a.logins.complete(body.URL)
	if err != nil {
		return nil, err
	}
	return map[string]string{"completed": done}, nil
}

func (a *admin) startFlips(r *http.Request) (any, error) {
	var order flipOrder
	if err := decode(r, &order); err != nil {
		return nil, err
	}
	return a.flips.start(order)
}

func (a *admin) flipsState(r *http.Request) (any, error) { return a.flips.state(r.PathValue("id")) }

func (a *admin) stopFlips(r *http.Request) (any, error) { return a.flips.stop(r.PathValue("id")) }

func (a *admin) startStory(r *http.Request) (any, error) {
	body := struct {
		Speed float64 `json:"speed"`
	}{Speed: 1}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if body.Speed <= 0 {
		return nil, refuse(400, `"speed" must be above 0`)
	}
	if err := a.story.start(body.Speed); err != nil {
		return nil, err
	}
	return a.story.state(), nil
}

func (a *admin) storyState(*http.Request) (any, error) { return a.story.state(), nil }
