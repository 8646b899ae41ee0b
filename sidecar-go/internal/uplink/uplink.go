package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/boundary"
)

// Major and Minor are the version of the wire that this edge speaks.
const (
	Major = 1
	Minor = 0
)

const (
	firstPause = 200 * time.Millisecond
	// longestPause is short, because a service that comes back shall see again within seconds.
	longestPause = 2 * time.Second
	// refusedPause is longer: somebody has to change something first.
	refusedPause   = 5 * time.Second
	welcomeTimeout = 10 * time.Second
	freshnessEvery = 10 * time.Second
	// longSession is how long a session has to last for its end to be news, rather than one more failed attempt.
	longSession = 10 * time.Second
	// flushPatience is how long an ending edge waits for the service to take what is left.
	flushPatience = 2 * time.Second
)

// Edge is what the uplink needs of the rest of the edge.
type Edge interface {
	// Hello is how the edge introduces itself, without its standing.
	Hello() *wirev1.Hello
	// Welcomed takes the configuration that the service sent. It must not block.
	Welcomed(config *wirev1.EdgeConfig)
	// Command carries a command out and calls reply once, perhaps later. It must not block.
	Command(command *wirev1.Command, reply func(*wirev1.CommandResult))
	// Freshness says how well the edge sees, without what the ledger knows.
	Freshness() *wirev1.Freshness
}

// Uplink keeps a session with the service open for as long as it runs.
type Uplink struct {
	target  string
	ledger  *Ledger
	edge    Edge
	log     *slog.Logger
	reached boundary.Reached
	// connected says whether there is a session that the service has welcomed.
	connected atomic.Bool
	// trouble says why there is none, in the words of the last attempt.
	trouble atomic.Value
}

// New returns the Uplink to the service at target, in gRPC's spelling.
func New(target string, ledger *Ledger, edge Edge, log *slog.Logger, reached boundary.Reached) *Uplink {
	return &Uplink{target: target, ledger: ledger, edge: edge, log: log, reached: reached}
}

// Connected reports whether the service has welcomed the edge and the session lasts. It may be called by any goroutine.
func (u *Uplink) Connected() bool { return u.connected.Load() }

// Trouble says why the last attempt at a session failed or the last session ended; empty before the first one and while
// there is a session. It may be called by any goroutine.
func (u *Uplink) Trouble() string {
	if u.Connected() {
		return ""
	}
	text, _ := u.trouble.Load().(string)
	return text
}

// Run keeps trying until the context is done, and then for a moment brings what is left over a stream that is open.
// Trouble is logged when it changes, not for each attempt.
func (u *Uplink) Run(ctx context.Context) {
	pause, trouble := firstPause, ""
	for ctx.Err() == nil {
		began := time.Now()
		welcomed, err := u.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if welcomed && time.Since(began) > longSession {
			pause, trouble = firstPause, ""
		}
		refused := refusal(err)
		text := reason(err)
		u.trouble.Store(text)
		if text != trouble {
			u.logTrouble(refused, welcomed, text)
			trouble = text
		}
		wait := pause
		if refused {
			wait = refusedPause
		}
		sleep(ctx, jittered(wait))
		pause = min(2*pause, longestPause)
	}
}

func (u *Uplink) logTrouble(refused, welcomed bool, text string) {
	switch {
	case refused:
		u.log.Error("the service refuses this edge", "error", text)
	case welcomed:
		u.log.Warn("connection to the service lost, reconnecting", "error", text)
	default:
		u.log.Warn("the service does not answer, retrying", "target", u.target, "error", text)
	}
}

// session connects, says Hello and exchanges messages until the stream breaks; err is never nil unless the context is
// done. Then an open stream is given a moment to take what is left.
func (u *Uplink) session(ctx context.Context) (welcomed bool, err error) {
	conn, err := grpc.NewClient(u.target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return false, fmt.Errorf("prepare the connection: %w", err)
	}
	defer func() { _ = conn.Close() }()
	streaming, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	giveUp := context.AfterFunc(ctx, cancel)
	stream, err := wirev1.NewIngestServiceClient(conn).StreamFrames(streaming, grpc.ForceCodecV2(codec{}))
	if err != nil {
		return false, err
	}
	welcome, err := u.greet(stream, cancel)
	if err != nil || !giveUp() {
		return false, err
	}
	cursor, err := u.ledger.resume(welcome)
	if err != nil {
		return true, fmt.Errorf("resume where the service asks: %w", err)
	}
	u.log.Info("connected to the service", "service_version", welcome.GetServiceVersion(),
		"resumed", cursor.resumed)
	u.connected.Store(true)
	defer u.connected.Store(false)
	u.edge.Welcomed(welcome.GetConfig())
	defer context.AfterFunc(ctx, func() { time.AfterFunc(flushPatience, cancel) })()
	return true, u.exchange(ctx, streaming, stream, cursor)
}

// greet says Hello and waits for Welcome, not forever.
func (u *Uplink) greet(stream stream, cancel context.CancelFunc) (*wirev1.Welcome, error) {
	timer := time.AfterFunc(welcomeTimeout, cancel)
	hello := u.edge.Hello()
	hello.Protocol = &wirev1.Protocol{Major: Major, Minor: Minor}
	hello.LastMade, hello.LastAcked = u.ledger.Standing()
	request := &wirev1.StreamFramesRequest{Message: &wirev1.StreamFramesRequest_Hello{Hello: hello}}
	// A failed send only says that the stream has ended; Recv says why.
	if err := stream.Send(request); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	response, err := stream.Recv()
	if !timer.Stop() {
		return nil, fmt.Errorf("no welcome within %v", welcomeTimeout)
	}
	if err != nil {
		return nil, err
	}
	welcome := response.GetWelcome()
	if welcome == nil {
		return nil, errors.New("the service's first message was no welcome")
	}
	return welcome, checkProtocol(hello.GetEdgeVersion(), welcome)
}

// mismatch is the edge's own refusal to talk to a service.
type mismatch struct{ text string }

func (m mismatch) Error() string { return m.text }

// checkProtocol says the same sentence as the service, so that both logs say one thing.
func checkProtocol(version string, welcome *wirev1.Welcome) error {
	theirs := welcome.GetProtocol()
	apart := int64(theirs.GetMinor()) - Minor
	if theirs.GetMajor() == Major && apart >= -1 && apart <= 1 {
		return nil
	}
	older := "service"
	if theirs.GetMajor() > Major || theirs.GetMajor() == Major && apart > 0 {
		older = "sidecar"
	}
	return mismatch{fmt.Sprintf("sidecar %s speaks wire protocol %d.%d, service %s speaks %d.%d: update the %s",
		version, Major, Minor, welcome.GetServiceVersion(), theirs.GetMajor(), theirs.GetMinor(), older)}
}

// refusal reports whether a new attempt can only help after somebody has changed something.
func refusal(err error) bool {
	if errors.As(err, new(mismatch)) {
		return true
	}
	switch status.Code(err) {
	case codes.FailedPrecondition, codes.AlreadyExists, codes.InvalidArgument, codes.NotFound, codes.PermissionDenied,
		codes.Unauthenticated, codes.Unimplemented:
		return true
	default:
		return false
	}
}

// reason is why there is no session, for a person.
func reason(err error) string {
	if status.Code(err) == codes.Unimplemented {
		return fmt.Sprintf("what answers there does not know wire protocol %d.%d: it is no Sentinel service, or one of "+
			"another release: install the sidecar and the service from one", Major, Minor)
	}
	return status.Convert(err).Message()
}

// jittered spreads a pause over 80 to 120 per cent, so that edges do not come back all at once.
func jittered(pause time.Duration) time.Duration {
	return time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64()))
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
