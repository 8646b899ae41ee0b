package record_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"tailscale.com/health"
	"tailscale.com/ipn"
	"tailscale.com/tailcfg"
	"tailscale.com/tsconst"
	"tailscale.com/types/dnstype"
	"tailscale.com/types/key"
	"tailscale.com/types/opt"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
)

// everything is a node that has something to say in each of its fields; it has not expired.
func everything() *tailcfg.Node {
	n := node()
	no, at, v6 := false, time.Unix(1700000000, 0), netip.MustParseAddr("fd7a::9")
	v4 := netip.MustParseAddr("10.64.0.7")
	n.Sharer, n.KeySignature, n.HomeDERP = 8, []byte{1}, 3
	n.KeyExpiry, n.Created, n.LastSeen, n.Online = at, at, &at, &no
	n.DiscoKey, n.Endpoints = key.NewDisco().Public(), []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:1")}
	n.PrimaryRoutes = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	//lint:ignore SA1019 Older control servers say it nowhere else.
	n.Capabilities = []tailcfg.NodeCapability{"only-in-the-old-list"}
	n.UnsignedPeerAPIOnly, n.IsWireGuardOnly, n.IsJailed = true, true, true
	n.SelfNodeV4MasqAddrForThisPeer, n.SelfNodeV6MasqAddrForThisPeer = &v4, &v6
	n.ExitNodeDNSResolvers = []*dnstype.Resolver{{Addr: "10.64.0.1"}, nil}
	n.ComputedName, n.ComputedNameWithHost, n.DataPlaneAuditLogID = "db", "db (db)", "audit"
	n.Hostinfo = talkative().View()
	return n
}

func talkative() *tailcfg.Hostinfo {
	return &tailcfg.Hostinfo{
		IPNVersion: "1.102.5", FrontendLogID: "f", BackendLogID: "b", OS: "linux", OSVersion: "6.8",
		Container: opt.True, Env: "k8s", Distro: "ubuntu", DistroVersion: "24.04", DistroCodeName: "noble", App: "golink",
		Desktop: opt.True, Package: "deb", DeviceModel: "NAS", PushDeviceToken: "p", Hostname: "db", ShieldsUp: true,
		ShareeNode: true, NoLogsNoSupport: true, RemoteConfig: true, WireIngress: true, IngressEnabled: true,
		AllowsUpdate: true, Machine: "x86_64", GoArch: "amd64", GoArchVar: "v1", GoVersion: "go1.26",
		RoutableIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, RequestTags: []string{"tag:a"},
		WoLMACs: []string{"00:00:5e:00:53:01"}, Services: []tailcfg.Service{{Proto: "tcp", Port: 22}},
		NetInfo: &tailcfg.NetInfo{PreferredDERP: 1}, SSH_HostKeys: []string{"ssh-ed25519 AAAA"}, Cloud: "aws",
		Userspace: opt.True, UserspaceRouter: opt.True, AppConnector: opt.True, ServicesHash: "h", PeerRelay: true,
		ExitNodeID: "nEXIT", Location: &tailcfg.Location{
			Country: "Sweden", CountryCode: "SE", City: "Malmö", CityCode: "MMA", Priority: 100,
		},
		TPM: &tailcfg.TPMInfo{Manufacturer: "ACME"}, StateEncrypted: opt.True,
	}
}

func preferring() *ipn.Prefs {
	port := uint16(7777)
	return &ipn.Prefs{
		ControlURL: "https://control.example", RouteAll: true, ExitNodeID: "nEXIT", ExitNodeIP: netip.MustParseAddr("100.64.0.9"),
		AutoExitNode: "any", InternalExitNodePrior: "nOLD", ExitNodeAllowLANAccess: true, CorpDNS: true, RunSSH: true,
		RunWebClient: true, WantRunning: true, LoggedOut: true, ShieldsUp: true, AdvertiseTags: []string{"tag:a"},
		Hostname: "db", NotepadURLs: true, ForceDaemon: true, Egg: true,
		AdvertiseRoutes:   []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		AdvertiseServices: []string{"svc:a"}, Sync: opt.True, NoSNAT: true, NoStatefulFiltering: opt.True, NetfilterMode: 2,
		OperatorUser: "op", ProfileName: "work", AutoUpdate: ipn.AutoUpdatePrefs{Check: true, Apply: opt.True},
		AppConnector: ipn.AppConnectorPrefs{Advertise: true}, PostureChecking: true, NetfilterKind: "nftables",
		RemoteConfig: true, RelayServerPort: &port,
		RelayServerStaticEndpoints: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:1")},
	}
}

// Fields that mean nothing to an operator, change all the time, or are kept beside the record. A field that a new
// version of the client adds fails the test until somebody has decided.
var (
	nodeLeftOut = names("ID", "LastSeen", "Online", "DiscoKey", "Endpoints", "LegacyDERPString", "HomeDERP", "ComputedName",
		"ComputedNameWithHost", "DataPlaneAuditLogID")
	hostinfoLeftOut = names("FrontendLogID", "BackendLogID", "Desktop", "PushDeviceToken", "GoArch", "GoArchVar", "GoVersion",
		"WoLMACs", "Services", "NetInfo", "ServicesHash")
	prefsLeftOut = names("InternalExitNodePrior", "NotepadURLs", "ForceDaemon", "Egg", "Sync", "NoSNAT", "NoStatefulFiltering",
		"NetfilterMode", "OperatorUser", "ProfileName", "NetfilterKind", "DriveShares", "RelayServerStaticEndpoints", "Persist")
)

func names(list ...string) map[string]bool {
	set := make(map[string]bool)
	for _, name := range list {
		set[name] = true
	}
	return set
}

// without calls try for each exported field of what full makes, with that field as if nobody had said anything; a
// yes or no is turned round.
func without[T any](full func() *T, try func(field string, rest *T)) {
	shape := reflect.TypeFor[T]()
	for i := range shape.NumField() {
		if !shape.Field(i).IsExported() {
			continue
		}
		rest := full()
		field := reflect.ValueOf(rest).Elem().Field(i)
		if field.Kind() == reflect.Bool {
			field.SetBool(!field.Bool())
		} else {
			field.SetZero()
		}
		try(shape.Field(i).Name, rest)
	}
}

func TestEachFieldOfANodeCountsOrIsLeftOutOnPurpose(t *testing.T) {
	one := everything()
	full := translate(t, one)
	without(one.Clone, func(field string, rest *tailcfg.Node) {
		if field == "StableID" {
			return
		}
		if same := translate(t, rest).SameButContact(full); same != nodeLeftOut[field] {
			t.Errorf("%s: left out is %v", field, same)
		}
	})
}

func TestEachFieldOfADescriptionCountsOrIsLeftOutOnPurpose(t *testing.T) {
	one := everything()
	full := translate(t, one)
	without(talkative, func(field string, rest *tailcfg.Hostinfo) {
		other := one.Clone()
		other.Hostinfo = rest.View()
		if same := translate(t, other).SameButContact(full); same != hostinfoLeftOut[field] {
			t.Errorf("%s: left out is %v", field, same)
		}
	})
}

func TestEachPreferenceCountsOrIsLeftOutOnPurpose(t *testing.T) {
	full := record.FromPrefs(preferring())
	without(preferring, func(field string, rest *ipn.Prefs) {
		if same := proto.Equal(record.FromPrefs(rest), full); same != prefsLeftOut[field] {
			t.Errorf("%s: left out is %v", field, same)
		}
	})
}

// unset are the fields of a message, and of those in it, that say nothing.
func unset(m protoreflect.Message) (fields []string) {
	list := m.Descriptor().Fields()
	for i := range list.Len() {
		field := list.Get(i)
		switch {
		case !m.Has(field):
			fields = append(fields, string(field.FullName()))
		case field.Message() != nil && !field.IsList():
			fields = append(fields, unset(m.Get(field).Message())...)
		}
	}
	return fields
}

func TestEachFieldOfTheWireIsFilled(t *testing.T) {
	// The contact is kept apart, and an expired node has no key.
	for _, field := range unset(translate(t, everything()).Node().ProtoReflect()) {
		if field != "sentinel.wire.v1.Node.expired" && field != "google.protobuf.Timestamp.nanos" {
			t.Errorf("%s is never filled", field)
		}
	}
	for _, field := range unset(record.FromPrefs(preferring()).ProtoReflect()) {
		t.Errorf("%s is never filled", field)
	}
}

func TestWhatNobodySaidIsUnsetAndNotNo(t *testing.T) {
	bare := translate(t, &tailcfg.Node{ID: 7, StableID: "nABC"}).Node()
	if want := (&wirev1.Node{StableId: "nABC"}); !proto.Equal(bare, want) {
		t.Errorf("a node of which nothing is said: %v", bare)
	}
	silent := translate(t, &tailcfg.Node{ID: 7, StableID: "nABC", Hostinfo: new(tailcfg.Hostinfo).View()}).Node()
	if silent.Hostinfo == nil || !proto.Equal(silent.Hostinfo, new(wirev1.Hostinfo)) {
		t.Errorf("a description that says nothing: %v", silent.Hostinfo)
	}
	no := translate(t, &tailcfg.Node{ID: 7, StableID: "nABC", Hostinfo: (&tailcfg.Hostinfo{Container: opt.False}).View()}).Node()
	if got := boolText(no.Hostinfo.Container); got != "false" {
		t.Errorf("a no became %s", got)
	}
	prefs := record.FromPrefs(new(ipn.Prefs))
	if prefs.AutoUpdate != nil || prefs.RelayServerPort != nil || prefs.ExitNodeIp != "" {
		t.Errorf("preferences that nobody set: %v", prefs)
	}
}

func TestWarningsAreKnownByTheClientsCodes(t *testing.T) {
	for code, want := range map[health.WarnableCode]string{
		tsconst.HealthWarnableWarmingUp:               "warming-up",
		tsconst.HealthWarnableUpdateAvailable:         "update-available",
		tsconst.HealthWarnableSecurityUpdateAvailable: "security-update-available",
		tsconst.HealthWarnableIsUsingUnstableVersion:  "is-using-unstable-version",
	} {
		state := &health.State{Warnings: map[health.WarnableCode]health.UnhealthyState{code: {WarnableCode: code}}}
		if got := record.FromHealth(state).Warnings[0].Code; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestWarningsCarryNoSecrets(t *testing.T) {
	state := warning("the last login failed: see https://login.example/a/12ab34", "e", time.Unix(1700000000, 0))
	if got := record.FromHealth(state).Warnings[0].Text; got != "the last login failed: see https://login.example/a/…" {
		t.Errorf("got %q", got)
	}
}
