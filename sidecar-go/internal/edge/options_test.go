package edge

import (
	"io"
	"log/slog"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	long := "/" + strings.Repeat("x", 107)
	rest := []string{"--source", "home", "--state-dir", "/var/lib/s"}
	cases := map[string]struct {
		args   []string
		target string
		err    string
	}{
		"a path":               {append([]string{"--connect", "/run/s"}, rest...), "unix:/run/s", ""},
		"a unix address":       {append([]string{"--connect", "unix:/run/s"}, rest...), "unix:/run/s", ""},
		"the longest path":     {append([]string{"--connect", long[:107]}, rest...), "unix:" + long[:107], ""},
		"a path too long":      {append([]string{"--connect", long}, rest...), "", "108 bytes, at most 107"},
		"a relative path":      {append([]string{"--connect", "unix:run/s"}, rest...), "", "absolute path"},
		"another transport":    {append([]string{"--connect", "tcp://127.0.0.1:1"}, rest...), "", "unix:/path/to/socket"},
		"no address":           {rest, "", "--connect is missing"},
		"no source":            {[]string{"--connect", "/s", "--state-dir", "/d"}, "", "--source is missing"},
		"no directory":         {[]string{"--connect", "/s", "--source", "home"}, "", "--state-dir is missing"},
		"an unknown log level": {append([]string{"--connect", "/s", "--log-level", "loud"}, rest...), "", "debug, info, warn or error"},
		"a stray word":         {append([]string{"--connect", "/s", "x"}, rest...), "", "unexpected argument"},
	}
	for name, c := range cases {
		got, err := parseOptions(c.args, io.Discard)
		switch {
		case c.err == "" && (err != nil || got.target != c.target || got.level != slog.LevelInfo):
			t.Errorf("%s: %+v %v", name, got, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: error %v", name, err)
		}
	}
}
