package settings_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/settings"
)

func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func fromService() settings.Settings {
	return settings.FromWire(&wirev1.EdgeConfig{
		Hostname: "service", ControlUrl: "https://control.example", AdvertiseTags: []string{"tag:a"},
		LoginMode: wirev1.LoginMode_LOGIN_MODE_OAUTH, Ephemeral: true, LogUpload: true, AllowInteractiveFallback: true,
		LoginTimeout: durationpb.New(time.Minute),
		Credentials:  &wirev1.Credentials{AuthKey: "tskey-auth-secret", ClientSecret: "tskey-client-secret"},
	})
}

func TestOwnVariablesWin(t *testing.T) {
	own, err := settings.ReadOwn(environment(map[string]string{
		"SENTINEL_TSNET_HOSTNAME": "own", "SENTINEL_TSNET_EPHEMERAL": "False", "SENTINEL_TSNET_ADVERTISE_TAGS": "tag:x, tag:y",
		"SENTINEL_TAILSCALE_AUTH_KEY": "tskey-own", "SENTINEL_TSNET_CONTROL_URL": "",
	}))
	if err != nil {
		t.Fatal(err)
	}
	got := own.Override(fromService())
	if got.Hostname != "own" || got.Ephemeral || !slices.Equal(got.AdvertiseTags, []string{"tag:x", "tag:y"}) ||
		got.Credentials.AuthKey != "tskey-own" {
		t.Errorf("own: %+v", got)
	}
	if got.ControlURL != "https://control.example" || !got.LogUpload {
		t.Errorf("an unset variable overrides: %+v", got)
	}
	want := []string{
		"SENTINEL_TAILSCALE_AUTH_KEY", "SENTINEL_TSNET_ADVERTISE_TAGS", "SENTINEL_TSNET_EPHEMERAL", "SENTINEL_TSNET_HOSTNAME",
	}
	if !slices.Equal(own.Names, want) {
		t.Errorf("names %v", own.Names)
	}
}

func TestAVariableThatMakesNoSenseIsNamed(t *testing.T) {
	_, err := settings.ReadOwn(environment(map[string]string{"SENTINEL_TSNET_LOG_UPLOAD": "perhaps"}))
	if err == nil || !strings.Contains(err.Error(), "SENTINEL_TSNET_LOG_UPLOAD") {
		t.Errorf("got %v", err)
	}
}

func TestEveryPartOfALoginCanComeFromTheEdgesOwnVariables(t *testing.T) {
	values := map[string]string{
		"SENTINEL_TSNET_LOGIN_MODE": "OAuth", "SENTINEL_TSNET_ALLOW_INTERACTIVE_FALLBACK": "false",
		"SENTINEL_TSNET_LOGIN_TIMEOUT": "90s", "SENTINEL_TSNET_CLIENT_SECRET": "own-secret",
		"SENTINEL_TSNET_CLIENT_ID": "own-id", "SENTINEL_TSNET_ID_TOKEN": "own-token", "SENTINEL_TSNET_AUDIENCE": "own-audience",
	}
	own, err := settings.ReadOwn(func(name string) (string, bool) { v, ok := values[name]; return v, ok })
	if err != nil || len(own.Names) != len(values) {
		t.Fatalf("names %v, %v", own, err)
	}
	got := own.Override(fromService())
	want := settings.Credentials{
		AuthKey: got.Credentials.AuthKey, ClientSecret: "own-secret", ClientID: "own-id", IDToken: "own-token",
		Audience: "own-audience",
	}
	if got.LoginMode != "oauth" || got.Fallback || got.LoginTimeout != 90*time.Second || got.Credentials != want {
		t.Errorf("got %+v", got)
	}
}

func TestOwnVariablesThatSayNothingUsableAreRefused(t *testing.T) {
	for name, value := range map[string]string{
		"SENTINEL_TSNET_LOGIN_MODE": "magic", "SENTINEL_TSNET_LOGIN_TIMEOUT": "-1s",
		"SENTINEL_TSNET_ALLOW_INTERACTIVE_FALLBACK": "maybe",
	} {
		values := map[string]string{name: value}
		lookup := func(asked string) (string, bool) { v, ok := values[asked]; return v, ok }
		if _, err := settings.ReadOwn(lookup); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

func TestTheLoginModeChoosesTheCredentials(t *testing.T) {
	for mode, want := range map[string]string{"auto": "key", "auth_key": "key", "oauth": "secret", "interactive": ""} {
		s := fromService()
		s.LoginMode = mode
		got := ""
		switch c := s.Usable(); {
		case c.AuthKey != "" && c.ClientSecret != "":
			got = "both"
		case c.AuthKey != "":
			got = "key"
		case c.ClientSecret != "":
			got = "secret"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", mode, got, want)
		}
	}
}

func TestDifferencesAreSortedByWhatTheyTake(t *testing.T) {
	old, now := fromService(), fromService()
	now.Hostname, now.ControlURL, now.LogUpload = "x", "y", false
	now.Credentials.AuthKey = "another"
	live, restart, login := settings.Differences(&old, &now)
	if got := fmt.Sprint(live, restart, login); got != "[hostname] [control_url log_upload] [credentials]" {
		t.Errorf("got %s", got)
	}
	if live, restart, login = settings.Differences(&old, &old); len(live)+len(restart)+len(login) > 0 {
		t.Error("nothing differs from itself")
	}
}

func TestWhatIsKeptHasNoCredentials(t *testing.T) {
	dir := t.TempDir()
	if _, ok, err := settings.Load(dir); ok || err != nil {
		t.Fatalf("an empty directory: %v %v", ok, err)
	}
	if err := settings.Keep(dir, fromService()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "edge.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "secret") {
		t.Errorf("kept: %s", data)
	}
	if info, err := os.Stat(filepath.Join(dir, "edge.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	got, ok, err := settings.Load(dir)
	if want := fromService(); !ok || err != nil || got.Hostname != want.Hostname || got.LoginTimeout != want.LoginTimeout {
		t.Errorf("loaded %+v %v %v", got, ok, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestCredentialsCannotBeLogged(t *testing.T) {
	var line strings.Builder
	s := fromService()
	slog.New(slog.NewJSONHandler(&line, nil)).Info("settings", "credentials", s.Credentials)
	line.WriteString(fmt.Sprintf("%v %+v %s", s.Credentials, s, s.Credentials))
	if strings.Contains(line.String(), "secret") {
		t.Errorf("logged: %s", line.String())
	}
}
