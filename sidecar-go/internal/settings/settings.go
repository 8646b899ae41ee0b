// Package settings decides what an edge runs with: its own variables, else what the service says, else what it kept of
// that.
package settings

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
)

// Settings are an edge's part of the configuration.
type Settings struct {
	Hostname      string   `json:"hostname"`
	ControlURL    string   `json:"control_url"`
	AdvertiseTags []string `json:"advertise_tags"`
	// LoginMode is auto, auth_key, oauth or interactive.
	LoginMode    string        `json:"login_mode"`
	Ephemeral    bool          `json:"ephemeral"`
	LogUpload    bool          `json:"log_upload"`
	Fallback     bool          `json:"allow_interactive_fallback"`
	LoginTimeout time.Duration `json:"login_timeout"`
	// Credentials are never kept.
	Credentials Credentials `json:"-"`
}

// Credentials are what a node logs in with.
type Credentials struct {
	AuthKey, ClientSecret, ClientID, IDToken, Audience string
}

// LogValue keeps credentials out of every log.
func (Credentials) LogValue() slog.Value { return slog.StringValue("…") }

// String keeps credentials out of every formatted text.
func (Credentials) String() string { return "…" }

// FromWire translates what the service says.
func FromWire(c *wirev1.EdgeConfig) Settings {
	return Settings{
		Hostname: c.GetHostname(), ControlURL: c.GetControlUrl(), AdvertiseTags: slices.Clone(c.GetAdvertiseTags()),
		LoginMode: loginMode(c.GetLoginMode()), Ephemeral: c.GetEphemeral(), LogUpload: c.GetLogUpload(),
		Fallback: c.GetAllowInteractiveFallback(), LoginTimeout: c.GetLoginTimeout().AsDuration(),
		Credentials: Credentials{
			AuthKey: c.GetCredentials().GetAuthKey(), ClientSecret: c.GetCredentials().GetClientSecret(),
			ClientID: c.GetCredentials().GetClientId(), IDToken: c.GetCredentials().GetIdToken(),
			Audience: c.GetCredentials().GetAudience(),
		},
	}
}

func loginMode(mode wirev1.LoginMode) string {
	switch mode {
	case wirev1.LoginMode_LOGIN_MODE_AUTH_KEY:
		return "auth_key"
	case wirev1.LoginMode_LOGIN_MODE_OAUTH:
		return "oauth"
	case wirev1.LoginMode_LOGIN_MODE_INTERACTIVE:
		return "interactive"
	default:
		return "auto"
	}
}

// Usable returns those of the credentials that the login mode allows: at most one kind.
func (s *Settings) Usable() Credentials {
	c := s.Credentials
	oauth := Credentials{ClientSecret: c.ClientSecret, ClientID: c.ClientID, IDToken: c.IDToken, Audience: c.Audience}
	switch s.LoginMode {
	case "auth_key":
		return Credentials{AuthKey: c.AuthKey}
	case "oauth":
		return oauth
	case "interactive":
		return Credentials{}
	}
	if c.AuthKey != "" {
		return Credentials{AuthKey: c.AuthKey}
	}
	return oauth
}

// URLAllowed reports whether a person may be asked to log the node in.
func (s *Settings) URLAllowed() bool {
	return s.Fallback || s.LoginMode == "auto" || s.LoginMode == "interactive"
}

// Differences names the settings that differ, sorted by what has to be done: those that a running node takes, those
// for which it has to be restarted, and those that matter only to a login.
func Differences(old, now *Settings) (live, restart, login []string) {
	add := func(list *[]string, differs bool, name string) {
		if differs {
			*list = append(*list, name)
		}
	}
	add(&live, old.Hostname != now.Hostname, "hostname")
	add(&restart, old.ControlURL != now.ControlURL, "control_url")
	add(&restart, !slices.Equal(old.AdvertiseTags, now.AdvertiseTags), "advertise_tags")
	add(&restart, old.Ephemeral != now.Ephemeral, "ephemeral")
	add(&restart, old.LogUpload != now.LogUpload, "log_upload")
	add(&login, old.LoginMode != now.LoginMode, "login_mode")
	add(&login, old.Credentials != now.Credentials, "credentials")
	add(&login, old.Fallback != now.Fallback, "allow_interactive_fallback")
	add(&login, old.LoginTimeout != now.LoginTimeout, "login_timeout")
	return live, restart, login
}

// Own are the edge's own variables, which win over everything.
type Own struct {
	// Names are the variables that are set, sorted.
	Names []string

	set []func(*Settings)
}

// Override puts the edge's own values in place of others.
func (o *Own) Override(s Settings) Settings {
	for _, set := range o.set {
		set(&s)
	}
	return s
}

// ReadOwn reads the edge's own variables. Lookup is that of the environment; an empty variable counts as unset.
func ReadOwn(lookup func(string) (string, bool)) (*Own, error) {
	own := new(Own)
	for _, v := range variables {
		text, _ := lookup(v.name)
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		set, err := v.parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		own.Names = append(own.Names, v.name)
		own.set = append(own.set, set)
	}
	slices.Sort(own.Names)
	return own, nil
}

// SecretVariables are those that have to be gone from the environment once they are read.
func SecretVariables() []string {
	return []string{
		"SENTINEL_TSNET_AUTH_KEY", "SENTINEL_TAILSCALE_AUTH_KEY", "SENTINEL_TSNET_CLIENT_SECRET", "SENTINEL_TSNET_ID_TOKEN",
	}
}

type variable struct {
	name  string
	parse func(string) (func(*Settings), error)
}

// Where two variables set the same, the later one wins.
var variables = []variable{
	{"SENTINEL_TSNET_HOSTNAME", text(func(s *Settings, v string) { s.Hostname = v })},
	{"SENTINEL_TSNET_CONTROL_URL", text(func(s *Settings, v string) { s.ControlURL = v })},
	{"SENTINEL_TSNET_EPHEMERAL", boolean(func(s *Settings, v bool) { s.Ephemeral = v })},
	{"SENTINEL_TSNET_LOG_UPLOAD", boolean(func(s *Settings, v bool) { s.LogUpload = v })},
	{"SENTINEL_TSNET_ADVERTISE_TAGS", text(func(s *Settings, v string) { s.AdvertiseTags = list(v) })},
	{"SENTINEL_TSNET_LOGIN_MODE", oneOf(
		func(s *Settings, v string) { s.LoginMode = v }, "auto", "auth_key", "oauth", "interactive")},
	{"SENTINEL_TSNET_ALLOW_INTERACTIVE_FALLBACK", boolean(func(s *Settings, v bool) { s.Fallback = v })},
	{"SENTINEL_TSNET_LOGIN_TIMEOUT", duration(func(s *Settings, v time.Duration) { s.LoginTimeout = v })},
	{"SENTINEL_TSNET_CLIENT_SECRET", text(func(s *Settings, v string) { s.Credentials.ClientSecret = v })},
	{"SENTINEL_TSNET_CLIENT_ID", text(func(s *Settings, v string) { s.Credentials.ClientID = v })},
	{"SENTINEL_TSNET_ID_TOKEN", text(func(s *Settings, v string) { s.Credentials.IDToken = v })},
	{"SENTINEL_TSNET_AUDIENCE", text(func(s *Settings, v string) { s.Credentials.Audience = v })},
	{"SENTINEL_TSNET_AUTH_KEY", text(func(s *Settings, v string) { s.Credentials.AuthKey = v })},
	{"SENTINEL_TAILSCALE_AUTH_KEY", text(func(s *Settings, v string) { s.Credentials.AuthKey = v })},
}

func text(set func(*Settings, string)) func(string) (func(*Settings), error) {
	return func(v string) (func(*Settings), error) { return func(s *Settings) { set(s, v) }, nil }
}

func oneOf(set func(*Settings, string), known ...string) func(string) (func(*Settings), error) {
	return func(text string) (func(*Settings), error) {
		v := strings.ToLower(text)
		if !slices.Contains(known, v) {
			return nil, fmt.Errorf("%q is none of %s", text, strings.Join(known, ", "))
		}
		return func(s *Settings) { set(s, v) }, nil
	}
}

func boolean(set func(*Settings, bool)) func(string) (func(*Settings), error) {
	return func(text string) (func(*Settings), error) {
		v, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		return func(s *Settings) { set(s, v) }, nil
	}
}

func duration(set func(*Settings, time.Duration)) func(string) (func(*Settings), error) {
	return func(text string) (func(*Settings), error) {
		v, err := time.ParseDuration(text)
		if err != nil || v <= 0 {
			return nil, fmt.Errorf("%q is no duration such as 90s or 5m", text)
		}
		return func(s *Settings) { set(s, v) }, nil
	}
}

func list(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
