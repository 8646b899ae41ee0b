// Crashing-sidecar is sentinel-sidecar with a moment of death, for tests only: it kills itself without a word when it
// reaches a boundary for the N-th time. What follows -- is sentinel-sidecar's command line.
//
//	crashing-sidecar --kill-at "ring to wire" --kill-after 7 -- --connect /run/ingest.sock --source home --state-dir edge
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"sentinel/sidecar/internal/boundary"
	"sentinel/sidecar/internal/edge"
)

func main() {
	at := flag.String("kill-at", "", "`boundary` of its death: "+strings.Join(boundary.Names(), ", "))
	after := flag.Int64("kill-after", 1, "the boundary is reached for the `N`-th time")
	flag.Parse()
	if !slices.Contains(boundary.Names(), *at) || *after < 1 {
		fmt.Fprintln(os.Stderr, "crashing-sidecar: give --kill-at a known boundary and --kill-after a number above 0")
		os.Exit(2)
	}
	os.Exit(edge.Main("0.1.0-crashing", flag.Args(), edge.Hooks{Reached: killer(*at, *after)}))
}

// killer kills the process when the boundary is reached for the n-th time.
func killer(at string, n int64) boundary.Reached {
	var times atomic.Int64
	return func(name string) {
		if name != at || times.Add(1) != n {
			return
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			panic(err)
		}
		select {} // no further, should the signal take a moment
	}
}
