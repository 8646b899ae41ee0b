package main

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"tailscale.com/tailcfg"
)

func ownerOr(login string) string {
	if login == "" {
		return adminLogin
	}
	return login
}

func checkTags(tags []string) error {
	for _, tag := range tags {
		if err := tailcfg.CheckTag(tag); err != nil {
			return refuse(400, "tag %q: %v", tag, err)
		}
	}
	return nil
}

func prefixes(field string, texts []string) ([]netip.Prefix, error) {
	if texts == nil {
		return nil, refuse(400, "%q is missing; [] removes all", field)
	}
	var out []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, refuse(400, "%q: %v", field, err)
		}
		out = append(out, p.Masked())
	}
	return slices.Compact(out), nil
}

// moment reads a point in time: null (never), RFC 3339, or a duration from now such as "36h", "-5m" or "30d".
func moment(raw json.RawMessage, now time.Time) (time.Time, error) {
	if string(raw) == "null" {
		return time.Time{}, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return time.Time{}, refuse(400, `"key_expiry" must be null, an RFC 3339 time or a duration such as "30d"`)
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil {
			return now.Add(time.Duration(n * float64(day))).Truncate(time.Second), nil
		}
	}
	in, err := time.ParseDuration(text)
	if err != nil {
		return time.Time{}, refuse(400, `"key_expiry" %q is neither an RFC 3339 time nor a duration such as "36h" or "30d"`, text)
	}
	return now.Add(in).Truncate(time.Second), nil
}
