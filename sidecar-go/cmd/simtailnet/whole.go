package main

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"tailscale.com/tailcfg"
)

// wholeOrder says what becomes of the tailnet as a whole; what is null stays as it is.
type wholeOrder struct {
	Via            string                                               `json:"via"`
	Domain         *string                                              `json:"domain"`
	Suffix         *string                                              `json:"suffix"`
	Health         *[]string                                            `json:"health"`
	Messages       map[tailcfg.DisplayMessageID]*tailcfg.DisplayMessage `json:"messages"`
	Lock           *bool                                                `json:"lock"`
	WithdrawRoutes *bool                                                `json:"withdraw_routes"`
}

// everyMessage stands for all messages before: null there takes them back.
const everyMessage tailcfg.DisplayMessageID = "*"

func (o *wholeOrder) check() error {
	switch {
	case o.Domain == nil && o.Suffix == nil && o.Health == nil && o.Messages == nil && o.Lock == nil && o.WithdrawRoutes == nil:
		return refuse(400, "nothing to change: give domain, suffix, health, messages, lock or withdraw_routes")
	case o.Suffix != nil && !strings.Contains(strings.Trim(*o.Suffix, "."), "."):
		return refuse(400, `"suffix" %q is no DNS suffix such as tail1234.ts.net`, *o.Suffix)
	case o.Domain != nil && *o.Domain == "":
		return refuse(400, `"domain" must not be empty`)
	case o.Messages[everyMessage] != nil:
		return refuse(400, `"messages": * takes all messages back and can only be null`)
	}
	return nil
}

func (a *admin) whole(r *http.Request) (any, error) {
	var order wholeOrder
	if err := decode(r, &order); err != nil {
		return nil, err
	}
	if err := order.check(); err != nil {
		return nil, err
	}
	way, err := parseVia(order.Via, viaDelta)
	if err != nil {
		return nil, err
	}
	sent, revision, err := a.net.changeWhole(way, &order)
	if err != nil {
		return nil, err
	}
	return receiptOf(sent, revision), nil
}

// changeWhole takes an order in and tells the watchers. What changes every node goes out as a full map.
func (t *tailnet) changeWhole(how via, o *wholeOrder) (*round, int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.newDraft()
	if o.Lock != nil {
		if err := d.setLock(*o.Lock); err != nil {
			return nil, 0, err
		}
	}
	if o.Suffix != nil {
		d.setSuffix(strings.Trim(*o.Suffix, "."))
	}
	if how == viaDelta && (o.Lock != nil || o.Suffix != nil) {
		how = viaFull
	}
	d.news = t.take(o)
	return t.publish(d, how), t.revision, nil
}

// setSuffix gives the tailnet another DNS suffix, and with it all of its own nodes other names.
func (d *draft) setSuffix(suffix string) {
	was := "." + d.net.suffix + "."
	for _, known := range d.net.devices {
		if label, ours := strings.CutSuffix(known.node.Name, was); ours {
			d.open(known).node.Name = label + "." + suffix + "."
		}
	}
	d.net.suffix, d.net.maker.suffix = suffix, suffix
}

// take takes an order in and returns what a delta says of it; nil for nothing.
func (t *tailnet) take(o *wholeOrder) *tailcfg.MapResponse {
	if o.WithdrawRoutes != nil {
		t.withdraws = *o.WithdrawRoutes
	}
	if o.Domain == nil && o.Health == nil && o.Messages == nil {
		return nil
	}
	news := &tailcfg.MapResponse{DisplayMessages: o.Messages}
	if o.Domain != nil {
		t.domain, news.Domain = *o.Domain, *o.Domain
	}
	if o.Health != nil {
		t.health, news.Health = *o.Health, *o.Health
	}
	if _, all := o.Messages[everyMessage]; all {
		clear(t.messages)
	}
	for id, message := range o.Messages {
		t.note(id, message)
	}
	return news
}

func (t *tailnet) note(id tailcfg.DisplayMessageID, message *tailcfg.DisplayMessage) {
	switch {
	case id == everyMessage:
	case message == nil:
		delete(t.messages, id)
	default:
		t.messages[id] = message
	}
}

// allMessages are the messages for a full map, which takes older ones back.
func (t *tailnet) allMessages() map[tailcfg.DisplayMessageID]*tailcfg.DisplayMessage {
	all := maps.Clone(t.messages)
	all[everyMessage] = nil
	return all
}

// describeWhole adds to a full map what concerns nobody in particular.
func (t *tailnet) describeWhole(m *tailcfg.MapResponse) {
	m.Domain = t.domain
	m.Health = slices.Clone(t.health)
	m.DisplayMessages = t.allMessages()
	m.TKAInfo = t.lock.info()
}
