// Simtailnet is a whole tailnet on loopback for Sentinel's demonstration, tests and benchmarks: a control server built on
// Tailscale's own test control server, a DERP relay and a STUN server, any number of synthetic peers, and an HTTP interface
// that changes them and makes trouble. Real nodes log in to it as they do to any control server. It is never part of
// Sentinel itself, listens on loopback only and lets anybody in.
//
// # Running it
//
// One JSON line on stdout says where it is, {"control_url": "...", "admin_url": "..."}; scenes of the story follow as
// {"scene": "..."}. Logs go to stderr. SIGINT and SIGTERM end it, with --managed also the end of stdin.
//
//	--peers N               synthetic peers (20)
//	--seed S                what their details are drawn from (1); the same seed gives the same peers, but for times
//	--listen, --admin       loopback addresses of the control server and of the interface (127.0.0.1:0)
//	--grace D               how long a real node may be away before others learn of it (10s)
//	--story                 tell the story 6 s after the first map stream opens
//	--require-auth-key KEY  refuse all other auth keys; a node that is in needs none to come back
//	--require-auth          new nodes have to be let in at a login URL
//	--require-approval      new nodes see nobody until they are approved
//	--managed, --verbose    end with stdin; log everything
//
// A program that joins needs TS_ASSUME_NETWORK_UP_FOR_TEST=1, TS_NO_LOGS_NO_SUPPORT=true, TS_DISABLE_PORTMAPPER=1 and
// TS_PANIC_IF_HIT_MAIN_CONTROL=1 in its environment, and should not set TS_USE_CACHED_NETMAP.
//
// # The tailnet
//
// Its domain is example.com and its DNS suffix tailfe8c.ts.net until they are changed. Synthetic peers have identifiers from 1000000 and addresses in
// 100.65.0.0-100.126.255.255; real nodes count from 1 and live in 100.64.0.0/16. The first three peers are nas, tom-iphone
// and old-phone, the next 33 have names of their own, the rest are called like edge-0137. About 85 % are in contact.
//
// A real node is first seen without contact and gains it when its map stream opens. When the stream ends it loses contact
// after the grace; an ephemeral one that logs out is gone at once (full map); any other that logs out keeps its place with
// an expired key. A machine that comes back is the same device, unless it was deleted: then it is a new one. A node that was
// deleted hears nothing more on its open stream and is answered 404 afterwards.
//
// # The interface
//
// JSON both ways. An error is {"error": "..."} with a 4xx status and changes nothing. RECEIPT is {"revision",
// "sent_at_unix_ns", "watchers"}: the time is taken immediately before the write to the first watcher's stream, or is that
// of the change when there was nobody to write to; it is 0 when nothing was written within 2 s (a freeze, a long delay).
// watchers counts those that were sent something. "via" is delta (the default), full or silent (nobody is told).
//
//	GET    /v1/healthz               {"ok": true}
//	GET    /v1/truth                 {"now", "domain", "suffix", "revision", "watchers", "peers": [...]}, sorted by name, real
//	                                 nodes included, hidden ones not; "name" is the full DNS name, "short" its first label
//	POST   /v1/mutate                {"via", "changes": [{"op", "peer", ...}]} → RECEIPT; one map response for all changes
//	POST   /v1/repeat                → RECEIPT; a full map that repeats everything
//	POST   /v1/version-only          → RECEIPT; a map response with nothing in it
//	POST   /v1/self                  {"node": NAME or "all", "via", "key_expiry", "expired": true, "tags", "machine_authorized"}
//	                                 → RECEIPT; the real node itself is told, and so are the others
//	POST   /v1/tailnet               any of {"domain", "suffix", "health": [LINE], "messages": {ID: MESSAGE or null}, "lock": bool,
//	                                 "withdraw_routes": bool, "via"} → RECEIPT; what concerns the tailnet as a whole, see below
//	POST   /v1/flips                 {"count", "interval_ms", "per_response": 1, "peers": [NAME], "seed", "via"} → RUN
//	GET    /v1/flips/ID              RUN: {"id", "state": running|done|stopped|failed, "count", "done", "remaining",
//	                                 "revision", "last_sent_at_unix_ns", "error"}
//	DELETE /v1/flips/ID              stops it → RUN
//	POST   /v1/faults                any of {"drop_streams": true, "outage_ms", "grace_ms", "freeze_ms", "delay_ms"} →
//	                                 {"ok": true, "streams_dropped", "connections_cut"}; a delay stays until it is set to 0
//	GET    /v1/auth                  {"pending": [URL]}
//	POST   /v1/auth/complete         {"url": optional} → {"completed": URL}
//	POST   /v1/nodes/NAME/approve    → RECEIPT
//	DELETE /v1/nodes/NAME?via=full   deletes a real node for good → RECEIPT
//	POST   /v1/story                 {"speed": 1} → STORY; once per process
//	GET    /v1/story                 STORY: {"state": idle|running|done|failed, "scene", "error", "scenes": [{"scene", "at"}]}
//
// During an outage connections are reset, open ones included. A client stays away for some 10 s after even a short one;
// after dropped streams it is back within milliseconds.
//
// # The tailnet as a whole
//
// "messages" are what clients show as health warnings, as Tailscale's DisplayMessage spells them ({"Title", "Text",
// "Severity": "high", "ImpactsConnectivity"}); null takes one back, and "*" with null all of them. "health" are the lines of
// older control servers, which count only without messages; clients hear of [] when their stream is dropped.
//
// "suffix" is that of all DNS names but those of nodes that are shared in or Mullvad's; it travels as a full map.
//
// "lock" switches tailnet lock on, with a key of the control server's own, or off. All nodes are signed, also those that
// come later or change their key; one whose signature is taken away (operation node, {"KeySignature": null}) is hidden by
// its watchers. It travels as a full map.
//
// Of several devices with the same approved subnet one carries it: the one that does keeps it while it is in contact,
// otherwise it passes to the first other one in contact. When none is left, the last one keeps it, or with
// "withdraw_routes" nobody has it, as with headscale. Exit nodes are not chosen between.
//
// # Real nodes
//
// Operations take them by name, too. Their preferences are their own: cmd/steered-sidecar is a sidecar that lets them be
// changed from outside, which is also how a node is switched off. Expired by /v1/self, it needs a login.
//
// # Operations
//
// "peer" is a short name, a full DNS name or a stable identifier; a real node's name works, too. In a delta an operation
// travels as a patch (P), as a whole node (N) or as a removal (R); several operations on one peer become one entry.
//
//	online                P
//	offline               P  "last_seen": false keeps LastSeen out of the patch, as headscale does
//	unknown               N  Online becomes nil; clients overlook that in a delta when nothing else changed
//	add                   N  "name", "os", "version", "owner", "tags", "routes" (exit node: "0.0.0.0/0", "::/0"), "online",
//	                         "last_seen", "key_expiry", "ephemeral", "shared_in", "mullvad", "funnel_ingress"; all optional
//	remove                R
//	rename                N  "name": a DNS label
//	hostname              N  "hostname"
//	tags                  N  "tags"; the owner becomes tagged-devices, with [] it becomes "owner" or mira@example.com
//	owner                 N  "owner": a login name, made up when new; tags go
//	routes                N  "routes": what is approved; what it carries of it comes as AllowedIPs and PrimaryRoutes
//	advertise_routes      N  "routes": what the peer offers, as Hostinfo.RoutableIPs
//	addresses             N  "addresses"
//	key_expiry            N  "key_expiry": null, RFC 3339, or from now as in "30d", "36h", "-5m"
//	expire                N  Expired, and a KeyExpiry a second ago
//	machine_authorized    N  "machine_authorized": bool
//	key_rotate            N  synthetic peers only; a renewed key is this and a key_expiry in one call
//	os_version            N  "version", "os"
//	client_version        N  "version"
//	capabilities          N  "capabilities": names
//	hostinfo              N  "hostinfo": any fields of Tailscale's Hostinfo, such as {"DeviceModel": "DS923+"}
//	node                  N  "node": any fields of Tailscale's Node but those that it is known by, such as {"IsJailed": true}
//	touch                 P/N "fields": any of endpoints, derp, disco (P), netinfo, services (N); all by default
//	hide, show            R, N policy takes a peer out of everybody's sight, or lets it be seen again
//	patch_unknown         P  for a node nobody has heard of: "id" (999999999), "online" (true)
//	profile               -  "owner", "display_name": the user is called something else
package main
