package main

import (
	"fmt"
	"net/netip"
)

// model is the blueprint of one believable device.
type model struct {
	name    string
	system  system
	owner   string // a login; empty when tagged
	tags    []string
	routes  []string
	exit    bool
	offline bool
}

// system is an operating system as a client reports it.
type system struct {
	os, version, distro, distroVersion, device, arch string
}

func debian(device string) system {
	return system{"linux", "6.1.0-28-amd64", "debian", "12", device, "amd64"}
}
func ubuntu() system { return system{"linux", "6.8.0-51-generic", "ubuntu", "24.04", "", "amd64"} }
func synology() system {
	return system{"linux", "4.4.302+", "synology", "7.2.2", "DS923+", "amd64"}
}
func openwrt() system {
	return system{"linux", "5.15.167", "openwrt", "23.05.5", "", "arm64"}
}
func raspberry() system {
	return system{"linux", "6.6.51+rpt-rpi-v8", "debian", "12", "Raspberry Pi 4 Model B", "arm64"}
}
func macOS() system   { return system{"macOS", "15.6.1", "", "", "Mac14,7", "arm64"} }
func windows() system { return system{"windows", "10.0.26100.4770", "", "", "", "amd64"} }
func iOS() system     { return system{"iOS", "18.6", "", "", "iPhone15,2", "arm64"} }
func iPadOS() system  { return system{"iOS", "18.6", "", "", "iPad14,3", "arm64"} }
func android() system { return system{"android", "15", "", "", "Pixel 8", "arm64"} }
func tvOS() system    { return system{"tvOS", "18.6", "", "", "AppleTV14,1", "arm64"} }
func freebsd() system { return system{"freebsd", "14.2-RELEASE", "", "", "", "amd64"} }

// catalogue lists the devices that have a name of their own, those that the story needs first.
func catalogue() []model {
	const (
		mira, tom, aylin = adminLogin, "tom@example.com", "aylin@example.com"
		jonas, priya     = "jonas@example.com", "priya@example.com"
	)
	server, router, ci := []string{"tag:server"}, []string{"tag:router"}, []string{"tag:ci"}
	return []model{
		{name: "nas", system: synology(), tags: server},
		{name: "tom-iphone", system: iOS(), owner: tom},
		{name: "old-phone", system: android(), owner: mira, offline: true},
		{name: "router-berlin", system: openwrt(), tags: router, routes: []string{"10.20.0.0/16"}},
		{name: "mira-macbook", system: macOS(), owner: mira},
		{name: "build-01", system: ubuntu(), tags: ci},
		{name: "pi-garage", system: raspberry(), owner: tom},
		{name: "exit-frankfurt", system: debian(""), tags: []string{"tag:exit"}, exit: true},
		{name: "router-lisbon", system: openwrt(), tags: router, routes: []string{"10.30.0.0/16", "192.168.30.0/24"}},
		{name: "tom-desktop", system: windows(), owner: tom},
		{name: "build-02", system: ubuntu(), tags: ci},
		{name: "db-primary", system: debian(""), tags: []string{"tag:db", "tag:server"}},
		{name: "db-replica", system: debian(""), tags: []string{"tag:db", "tag:server"}},
		{name: "aylin-thinkpad", system: ubuntu(), owner: aylin},
		{name: "aylin-pixel", system: android(), owner: aylin},
		{name: "jonas-surface", system: windows(), owner: jonas, offline: true},
		{name: "jonas-ipad", system: iPadOS(), owner: jonas},
		{name: "priya-macbook", system: macOS(), owner: priya},
		{name: "priya-iphone", system: iOS(), owner: priya},
		{name: "living-room-tv", system: tvOS(), owner: mira, offline: true},
		{name: "backup-oslo", system: synology(), tags: []string{"tag:backup", "tag:server"}},
		{name: "git", system: debian(""), tags: server},
		{name: "grafana", system: debian(""), tags: []string{"tag:monitoring", "tag:server"}},
		{name: "prometheus", system: debian(""), tags: []string{"tag:monitoring", "tag:server"}},
		{name: "home-assistant", system: raspberry(), owner: mira},
		{name: "pi-greenhouse", system: raspberry(), owner: tom},
		{name: "firewall-lab", system: freebsd(), tags: router, routes: []string{"172.20.8.0/22"}},
		{name: "mira-ipad", system: iPadOS(), owner: mira},
		{name: "web-01", system: ubuntu(), tags: []string{"tag:web", "tag:server"}},
		{name: "web-02", system: ubuntu(), tags: []string{"tag:web", "tag:server"}},
		{name: "mail-relay", system: debian(""), tags: server},
		{name: "print-server", system: debian("HP ProDesk 400"), tags: []string{"tag:printer"}},
		{name: "cam-entrance", system: raspberry(), tags: []string{"tag:camera"}},
		{name: "cam-yard", system: raspberry(), tags: []string{"tag:camera"}, offline: true},
		{name: "workshop-pc", system: windows(), owner: jonas},
		{name: "laptop-loan-1", system: windows(), owner: jonas, offline: true},
	}
}

// series makes the systematic devices that fill a large tailnet up: number counts from 1.
func series(number int) model {
	name := func(kind string) string { return fmt.Sprintf("%s-%04d", kind, number) }
	owners := []string{"tom@example.com", "aylin@example.com", "jonas@example.com", "priya@example.com", adminLogin}
	owner := owners[number/8%len(owners)]
	switch number % 8 {
	case 0:
		return model{name: name("laptop"), system: macOS(), owner: owner}
	case 1:
		return model{name: name("edge"), system: debian(""), tags: []string{"tag:edge", "tag:server"}}
	case 2:
		return model{name: name("kiosk"), system: windows(), tags: []string{"tag:kiosk"}}
	case 3:
		return model{name: name("sensor"), system: raspberry(), tags: []string{"tag:sensor"}}
	case 4:
		return model{name: name("desktop"), system: windows(), owner: owner}
	case 5:
		return model{name: name("runner"), system: ubuntu(), tags: []string{"tag:ci"}}
	case 6:
		return model{name: name("phone"), system: android(), owner: owner}
	default:
		return model{name: name("edge"), system: openwrt(), tags: []string{"tag:edge"}, routes: siteRoute(number)}
	}
}

// siteRoute gives every hundred-odd-th edge router a subnet of its own.
func siteRoute(number int) []string {
	if number%104 != 7 {
		return nil
	}
	site := number / 104
	return []string{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(100 + site/256), byte(site), 0}), 24).String()}
}
