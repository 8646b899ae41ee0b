package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"

	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stunserver"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// relay is a DERP and a STUN server on loopback; without them no node ever counts itself as running.
type relay struct {
	derp *derpserver.Server
	web  *httptest.Server
	stop context.CancelFunc
	stun int
}

func startRelay(log *slog.Logger) (*relay, error) {
	ctx, stop := context.WithCancel(context.Background())
	stun := stunserver.New(ctx)
	if err := stun.Listen("127.0.0.1:0"); err != nil {
		stop()
		return nil, fmt.Errorf("listen for STUN: %w", err)
	}
	go func() {
		if err := stun.Serve(); err != nil {
			log.Error("STUN ended", "error", err)
		}
	}()
	derp := derpserver.New(key.NewNode(), func(format string, args ...any) { log.Debug(fmt.Sprintf(format, args...)) })
	web := httptest.NewUnstartedServer(derpserver.Handler(derp))
	web.Config.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	// DERP takes the connection over, which HTTP/2 does not allow.
	web.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	web.StartTLS()
	return &relay{derp: derp, web: web, stop: stop, stun: stun.LocalAddr().(*net.UDPAddr).Port}, nil
}

func (r *relay) derpMap() *tailcfg.DERPMap {
	const region = 1
	return &tailcfg.DERPMap{Regions: map[int]*tailcfg.DERPRegion{region: {
		RegionID: region, RegionCode: "sim", RegionName: "Loopback",
		Nodes: []*tailcfg.DERPNode{{
			Name: "1a", RegionID: region, HostName: "127.0.0.1", IPv4: "127.0.0.1", IPv6: "none",
			STUNPort: r.stun, STUNTestIP: "127.0.0.1", InsecureForTests: true,
			DERPPort: r.web.Listener.Addr().(*net.TCPAddr).Port,
		}},
	}}}
}

func (r *relay) close() error {
	r.stop()
	err := r.derp.Close()
	r.web.CloseClientConnections()
	r.web.Close()
	if err != nil {
		return fmt.Errorf("close DERP: %w", err)
	}
	return nil
}
