package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// server is the whole simulation: control server, relay and admin interface.
type server struct {
	net        *tailnet
	story      *story
	relay      *relay
	log        *slog.Logger
	control    *http.Server
	admin      *http.Server
	stop       context.CancelFunc
	gate       *gate
	controlURL string
	adminURL   string
}

// start brings everything up; the announce function gets the scenes of the story.
func start(ctx context.Context, o options, announce func(any) error, log *slog.Logger) (*server, error) {
	controlAt, err := listenLoopback(o.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	adminAt, err := listenLoopback(o.admin)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--admin: %w", err), controlAt.Close())
	}
	relay, err := startRelay(log)
	if err != nil {
		return nil, errors.Join(err, controlAt.Close(), adminAt.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	network := newTailnet(tailnetOptions{
		peers: o.peers, seed: o.seed, grace: o.grace, approval: o.approval, derp: relay.derpMap(), log: log,
	})
	s := &server{
		net: network, relay: relay, log: log, stop: stop, gate: newGate(controlAt),
		story:      newStory(ctx, network, announce, log),
		controlURL: "http://" + controlAt.Addr().String(), adminURL: "http://" + adminAt.Addr().String(),
	}
	front := newFront(network, s.controlURL, o.authKey, o.interactive, log)
	desk := &admin{net: network, gate: s.gate, logins: front.logins, flips: newFlips(ctx, network), story: s.story, log: log}
	s.control = s.serve(s.gate, front.handler())
	s.admin = s.serve(adminAt, desk.handler())
	if o.story {
		if err := s.story.cast(); err != nil {
			return nil, errors.Join(fmt.Errorf("--story: %w", err), s.close())
		}
	}
	return s, nil
}

func (s *server) serve(l net.Listener, h http.Handler) *http.Server {
	web := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	go func() {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("a listener failed", "address", l.Addr().String(), "error", err)
		}
	}()
	return web
}

// listenLoopback listens on an address of this machine alone: the simulation lets anybody in.
func listenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("read the address: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%q is not a loopback address", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// tellStory starts the story a while after somebody began to watch.
func (s *server) tellStory(ctx context.Context, after time.Duration) {
	select {
	case <-ctx.Done():
		return
	case <-s.net.firstWatch:
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
		if err := s.story.start(1); err != nil {
			s.log.Error("the story could not start", "error", err)
		}
	}
}

// close ends every connection and stops listening.
func (s *server) close() error {
	s.stop()
	s.gate.outage(time.Hour)
	return errors.Join(s.control.Close(), s.admin.Close(), s.relay.close())
}
