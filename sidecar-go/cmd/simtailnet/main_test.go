package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestFlagsAreChecked(t *testing.T) {
	for args, says := range map[string]string{
		"--peers -1":         "--peers",
		"--grace -1s":        "--grace",
		"extra":              "extra",
		"--nonsense":         "nonsense",
		"--listen 0.0.0.0:0": "loopback",
		"--admin nowhere":    "--admin",
		"--story --peers 1":  "--story",
	} {
		err := run(t.Context(), strings.Fields(args), strings.NewReader(""), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want something about %s", args, err, says)
		}
	}
}

func TestManagedEndsWithStdinAndSaysWhereItIs(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--managed"}, strings.NewReader(""), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var line ready
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || !strings.HasPrefix(line.ControlURL, "http://127.0.0.1:") || line.AdminURL == "" {
		t.Errorf("%q: %v", out.String(), err)
	}
}
