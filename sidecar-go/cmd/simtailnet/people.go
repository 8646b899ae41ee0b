package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tailscale.com/tailcfg"
)

const (
	firstUserID  tailcfg.UserID = 100_001
	taggedLogin                 = "tagged-devices"
	adminLogin                  = "mira@example.com"
	foreignLogin                = "noor@example.org"
	vpnLogin                    = "mullvad-exit-nodes"
)

// people are the users of the tailnet, by number and by login name.
type people struct {
	byID    map[tailcfg.UserID]tailcfg.UserProfile
	byLogin map[string]tailcfg.UserID
}

func newPeople() *people {
	p := &people{byID: map[tailcfg.UserID]tailcfg.UserProfile{}, byLogin: map[string]tailcfg.UserID{}}
	p.add(taggedLogin, "Tagged Devices")
	p.add(adminLogin, "Mira Lindqvist")
	p.add("tom@example.com", "Tom Okafor")
	p.add("aylin@example.com", "Aylin Demir")
	p.add("jonas@example.com", "Jonas Weber")
	p.add("priya@example.com", "Priya Nair")
	p.add(foreignLogin, "Noor Haddad")
	p.add(vpnLogin, "Mullvad")
	return p
}

func (p *people) add(login, display string) tailcfg.UserID {
	id := firstUserID + tailcfg.UserID(len(p.byID))
	p.byID[id] = tailcfg.UserProfile{ID: id, LoginName: login, DisplayName: display}
	p.byLogin[login] = id
	return id
}

// id returns the number of a login name that is known to exist.
func (p *people) id(login string) tailcfg.UserID { return p.byLogin[login] }

// ensure returns the number of a login name, adding the user when new.
func (p *people) ensure(login string) (tailcfg.UserID, error) {
	if id, ok := p.byLogin[login]; ok {
		return id, nil
	}
	local, domain, ok := strings.Cut(login, "@")
	if !ok || local == "" || domain == "" {
		return 0, refuse(400, "owner %q is no login name like tom@example.com", login)
	}
	return p.add(login, fmt.Sprintf("%s%s", strings.ToUpper(local[:1]), local[1:])), nil
}

func (p *people) rename(id tailcfg.UserID, display string) {
	u := p.byID[id]
	u.DisplayName = display
	p.byID[id] = u
}

func (p *people) profiles() []tailcfg.UserProfile {
	return p.some(slices.Sorted(maps.Keys(p.byID)))
}

func (p *people) some(ids []tailcfg.UserID) []tailcfg.UserProfile {
	out := make([]tailcfg.UserProfile, 0, len(ids))
	for _, id := range ids {
		out = append(out, p.byID[id])
	}
	return out
}
