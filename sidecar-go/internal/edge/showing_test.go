package edge

import (
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func ask(dir string) (code int, said string) {
	var out strings.Builder
	code = askHealth([]string{"--state-dir", dir}, &out, &out)
	return code, out.String()
}

func TestOnlyAnEdgeWithTheServicesEarIsHealthy(t *testing.T) {
	cases := map[string]struct {
		is   condition
		code int
		said string
	}{
		"all well":            {condition{Connected: true, SeesTailnet: true}, 0, "sees the tailnet"},
		"a login is wanted":   {condition{Connected: true, WaitsForLogin: true}, 0, "waits for a login"},
		"it has just started": {condition{Connected: true}, 0, "does not see the tailnet yet"},
		"no service":          {condition{SeesTailnet: true}, 1, "not connected to the service"},
		"it is refused":       {condition{Trouble: "update the sidecar"}, 1, "the service: update the sidecar"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			listener, err := listenHealth(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			go answerHealth(listener, func() condition { return c.is }, slog.New(slog.DiscardHandler))
			if code, said := ask(dir); code != c.code || !strings.Contains(said, c.said) {
				t.Errorf("%d %q", code, said)
			}
		})
	}
}

func TestNobodyAnsweringIsNotHealthy(t *testing.T) {
	if code, said := ask(t.TempDir()); code != 1 || !strings.Contains(said, "no edge answers") {
		t.Errorf("%d %q", code, said)
	}
}

func TestASocketThatAKilledEdgeLeftIsReplaced(t *testing.T) {
	dir := t.TempDir()
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, healthSocket), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	if code, _ := ask(dir); code != 1 {
		t.Errorf("a dead socket: %d", code)
	}
	listener, err := listenHealth(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, healthSocket)); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestTheHealthCommandSaysHowItIsUsed(t *testing.T) {
	for _, args := range [][]string{{}, {"--state-dir", "/d", "x"}, {"--nonsense"}} {
		if code := askHealth(args, io.Discard, io.Discard); code != 2 {
			t.Errorf("%v: %d", args, code)
		}
	}
}
