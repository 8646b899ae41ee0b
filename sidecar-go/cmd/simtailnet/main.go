package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const storyDelay = 6 * time.Second // from the first watcher's map stream to the first scene

type options struct {
	peers       int
	seed        uint64
	listen      string
	admin       string
	grace       time.Duration
	story       bool
	authKey     string
	interactive bool
	approval    bool
	managed     bool
	verbose     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "simtailnet:", err)
		os.Exit(1)
	}
}

func parseFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("simtailnet", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.peers, "peers", 20, "how many synthetic peers there are")
	f.Uint64Var(&o.seed, "seed", 1, "what the peers' details are drawn from")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback address of the control server")
	f.StringVar(&o.admin, "admin", "127.0.0.1:0", "loopback address of the admin interface")
	f.DurationVar(&o.grace, "grace", 10*time.Second, "how long a real node may be away before others learn of it")
	f.BoolVar(&o.story, "story", false, "tell the story once somebody watches")
	f.StringVar(&o.authKey, "require-auth-key", "", "the only auth key that lets a node in")
	f.BoolVar(&o.interactive, "require-auth", false, "new nodes have to be let in at a login URL")
	f.BoolVar(&o.approval, "require-approval", false, "new nodes see nobody until they are approved")
	f.BoolVar(&o.managed, "managed", false, "end when stdin ends")
	f.BoolVar(&o.verbose, "verbose", false, "log everything")
	if err := f.Parse(args); err != nil {
		return o, fmt.Errorf("flags: %w", err)
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("what is %q? simtailnet takes flags only", f.Arg(0))
	case o.peers < 0 || o.peers > 1_000_000:
		return o, fmt.Errorf("--peers %d is not between 0 and 1000000", o.peers)
	case o.grace < 0:
		return o, fmt.Errorf("--grace %s is negative", o.grace)
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	slog.SetDefault(log) // libraries that use package log come out here, too
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := &announcer{out: json.NewEncoder(stdout)}
	srv, err := start(ctx, o, out.say, log)
	if err != nil {
		return err
	}
	if err := out.say(ready{srv.controlURL, srv.adminURL}); err != nil {
		return errors.Join(err, srv.close())
	}
	if o.managed {
		go endWith(stdin, cancel, log)
	}
	if o.story {
		go srv.tellStory(ctx, storyDelay)
	}
	<-ctx.Done()
	return srv.close()
}

// ready is the first line on stdout.
type ready struct {
	ControlURL string `json:"control_url"`
	AdminURL   string `json:"admin_url"`
}

// endWith ends the program when whoever started it has gone.
func endWith(stdin io.Reader, cancel context.CancelFunc, log *slog.Logger) {
	if _, err := io.Copy(io.Discard, stdin); err != nil {
		log.Warn("stdin could not be read", "error", err)
	}
	cancel()
}

// announcer writes JSON lines, one at a time.
type announcer struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (a *announcer) say(line any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.out.Encode(line); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	return nil
}
