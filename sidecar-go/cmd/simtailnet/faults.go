package main

import (
	"context"
	"net"
	"sync"
	"time"
)

// faults are the troubles that a caller has ordered.
type faults struct {
	mu     sync.Mutex
	frozen time.Time // map streams say nothing until then
	delay  time.Duration
}

func newFaults() *faults { return &faults{} }

func (f *faults) freeze(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = time.Now().Add(d)
}

func (f *faults) setDelay(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = d
}

// due is the earliest moment for a letter that was queued at the given one.
func (f *faults) due(queued time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := queued.Add(f.delay)
	if f.frozen.After(at) {
		return f.frozen
	}
	return at
}

// hold waits until a letter may go. A fault ordered meanwhile counts too.
func (f *faults) hold(ctx context.Context, queued time.Time) error {
	for {
		left := time.Until(f.due(queued))
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// gate is a listener that can be shut: connections then end at once and new ones are reset, while the port stays ours.
type gate struct {
	net.Listener
	mu   sync.Mutex
	shut time.Time
	open map[net.Conn]struct{}
}

func newGate(l net.Listener) *gate { return &gate{Listener: l, open: map[net.Conn]struct{}{}} }

// Accept passes connections on, but for those that come during an outage.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := g.admit(conn); admitted != nil {
			return admitted, nil
		}
	}
}

func (g *gate) admit(conn net.Conn) net.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Now().Before(g.shut) {
		reset(conn)
		return nil
	}
	g.open[conn] = struct{}{}
	return &guest{Conn: conn, gate: g}
}

// outage cuts all connections and lets none in for a while.
func (g *gate) outage(d time.Duration) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = time.Now().Add(d)
	cut := len(g.open)
	for conn := range g.open {
		reset(conn)
	}
	clear(g.open)
	return cut
}

// reset ends a connection the hard way. That it may have ended already is no trouble.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// guest is a connection that the gate can cut.
type guest struct {
	net.Conn
	gate *gate
}

// Close ends the connection and lets the gate forget it.
func (c *guest) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.open, c.Conn)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
