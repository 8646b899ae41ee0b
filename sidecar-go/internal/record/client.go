package record

import (
	"regexp"
	"slices"
	"strings"

	"tailscale.com/health"
	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnstate"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
)

// FromPrefs translates the node's preferences.
func FromPrefs(p *ipn.Prefs) *wirev1.Prefs {
	prefs := &wirev1.Prefs{
		WantRunning: p.WantRunning, LoggedOut: p.LoggedOut,
		ExitNodeId: string(p.ExitNodeID), AutoExitNode: string(p.AutoExitNode),
		ExitNodeAllowLanAccess: p.ExitNodeAllowLANAccess, RouteAll: p.RouteAll, CorpDns: p.CorpDNS,
		ShieldsUp: p.ShieldsUp, RunSsh: p.RunSSH, RunWebClient: p.RunWebClient,
		AdvertiseRoutes: prefixes(p.AdvertiseRoutes), AdvertiseTags: sorted(p.AdvertiseTags),
		AdvertiseServices: sorted(p.AdvertiseServices), Hostname: p.Hostname, ControlUrl: WithoutCredentials(p.ControlURL),
		AutoUpdate: optional(p.AutoUpdate.Apply), AppConnector: p.AppConnector.Advertise,
		PostureChecking: p.PostureChecking, RemoteConfig: p.RemoteConfig,
	}
	if p.ExitNodeIP.IsValid() {
		prefs.ExitNodeIp = p.ExitNodeIP.String()
	}
	if p.RelayServerPort != nil {
		port := uint32(*p.RelayServerPort)
		prefs.RelayServerPort = &port
	}
	return prefs
}

// FromHealth translates the client's warnings, sorted by code.
func FromHealth(s *health.State) *wirev1.Health {
	out := new(wirev1.Health)
	for _, w := range s.Warnings {
		out.Warnings = append(out.Warnings, &wirev1.HealthWarning{
			Code: string(w.WarnableCode), Severity: string(w.Severity),
			// The text of a failed login may carry what it failed with.
			Title: WithoutSecrets(w.Title), Text: WithoutSecrets(w.Text),
			BrokenSince: pointedTime(w.BrokenSince), ImpactsConnectivity: w.ImpactsConnectivity, Etag: w.ETag,
		})
	}
	slices.SortFunc(out.Warnings, func(a, b *wirev1.HealthWarning) int { return strings.Compare(a.Code, b.Code) })
	return out
}

var digits = regexp.MustCompile(`[0-9.]+`)

// SameHealth reports whether two states warn of the same. Numbers in a text do not count: the client counts seconds in
// there, and its etag changes with each of them.
func SameHealth(a, b *wirev1.Health) bool {
	return slices.EqualFunc(a.GetWarnings(), b.GetWarnings(), func(x, y *wirev1.HealthWarning) bool {
		return x.Code == y.Code && x.Severity == y.Severity && x.Title == y.Title &&
			x.ImpactsConnectivity == y.ImpactsConnectivity && x.BrokenSince.AsTime().Equal(y.BrokenSince.AsTime()) &&
			digits.ReplaceAllString(x.Text, "#") == digits.ReplaceAllString(y.Text, "#")
	})
}

// FromStatus translates what the client answers when asked for everything.
func FromStatus(s *ipnstate.Status) *Status {
	out := &Status{State: s.BackendState, LoginURL: s.AuthURL, Tailnet: wireTailnet(s.CurrentTailnet)}
	if s.Self != nil {
		out.SelfID, out.InMapPoll = int64(s.Self.NodeID), s.Self.Online
	}
	if len(s.Peer) > 0 {
		out.Peers = make([]StatusPeer, 0, len(s.Peer))
	}
	for _, p := range s.Peer {
		out.Peers = append(out.Peers, statusPeer(p))
	}
	for id := range s.User {
		user := s.User[id]
		out.Users = append(out.Users, FromUser(&user))
	}
	return out
}

func wireTailnet(t *ipnstate.TailnetStatus) *wirev1.Tailnet {
	if t == nil {
		return nil
	}
	return &wirev1.Tailnet{Domain: t.Name, MagicDnsSuffix: t.MagicDNSSuffix, MagicDnsEnabled: t.MagicDNSEnabled}
}

func statusPeer(p *ipnstate.PeerStatus) StatusPeer {
	out := StatusPeer{ID: int64(p.NodeID), StableID: string(p.ID), Online: p.Online, Expired: p.Expired}
	if !p.PublicKey.IsZero() && !p.Expired {
		out.NodeKey = p.PublicKey.String()
	}
	if p.Tags != nil {
		out.Tags = sorted(p.Tags.AsSlice())
	}
	return out
}

// WithLock adds what is known of the tailnet lock.
func WithLock(t *wirev1.Tailnet, lock *ipnstate.TailnetLockStatus) {
	t.LockEnabled = &lock.Enabled
	for _, p := range lock.FilteredPeers {
		if p != nil {
			t.LockFiltered = append(t.LockFiltered, string(p.StableID))
		}
	}
	slices.Sort(t.LockFiltered)
}
