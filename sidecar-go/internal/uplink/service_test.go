package uplink_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
	"sentinel/sidecar/internal/replica"
	"sentinel/sidecar/internal/uplink"
)

// service is a real gRPC server whose sessions are scripted.
type service struct {
	wirev1.UnimplementedIngestServiceServer
	sessions chan func(stream wirev1.IngestService_StreamFramesServer) error
}

func (s *service) StreamFrames(stream wirev1.IngestService_StreamFramesServer) error {
	select {
	case play := <-s.sessions:
		return play(stream)
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
}

// edge answers for the rest of an edge.
type edge struct {
	welcomed chan *wirev1.EdgeConfig
}

func (e *edge) Hello() *wirev1.Hello               { return &wirev1.Hello{Source: "home", BootId: "boot"} }
func (e *edge) Welcomed(config *wirev1.EdgeConfig) { e.welcomed <- config }
func (e *edge) Freshness() *wirev1.Freshness       { return &wirev1.Freshness{InMapPoll: true} }

func (e *edge) Command(command *wirev1.Command, reply func(*wirev1.CommandResult)) {
	reply(&wirev1.CommandResult{CommandId: command.CommandId, Done: true})
}

// lines is a log that a test may wait for.
type lines struct {
	mu   sync.Mutex
	more sync.Cond
	text bytes.Buffer
}

func newLines() *lines {
	l := new(lines)
	l.more.L = &l.mu
	return l
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.more.Broadcast()
	return l.text.Write(p)
}

// await waits for a part of the log and returns all of it.
func (l *lines) await(part string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !strings.Contains(l.text.String(), part) {
		l.more.Wait()
	}
	return l.text.String()
}

// bench is an uplink that runs against a service.
type bench struct {
	t        *testing.T
	ledger   *uplink.Ledger
	uplink   *uplink.Uplink
	service  *service
	edge     *edge
	log      *lines
	stop     context.CancelFunc
	finished chan struct{}
	path     string
	// crossed has the boundaries that were reached, each with what the ring had then.
	crossed chan string
}

func start(t *testing.T, snapshot func() uplink.Snapshot) *bench {
	t.Helper()
	b := &bench{
		t: t, ledger: uplink.NewLedger("boot", 64<<20, snapshot), log: newLines(),
		service:  &service{sessions: make(chan func(wirev1.IngestService_StreamFramesServer) error, 4)},
		edge:     &edge{welcomed: make(chan *wirev1.EdgeConfig, 16)},
		path:     filepath.Join(t.TempDir(), "s"),
		finished: make(chan struct{}),
		crossed:  make(chan string, 64),
	}
	b.listen()
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	b.uplink = uplink.New("unix:"+b.path, b.ledger, b.edge, slog.New(slog.NewTextHandler(b.log, nil)), b.reached)
	go func() {
		defer close(b.finished)
		b.uplink.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-b.finished
	})
	return b
}

func (b *bench) reached(name string) {
	frames, _, _ := b.ledger.Depth()
	select {
	case b.crossed <- fmt.Sprintf("%s, frames %d", name, frames):
	default:
	}
}

func (b *bench) listen() {
	b.t.Helper()
	listener, err := net.Listen("unix", b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	server := grpc.NewServer()
	wirev1.RegisterIngestServiceServer(server, b.service)
	go func() { _ = server.Serve(listener) }()
	b.t.Cleanup(server.Stop)
}

// play scripts the next session and returns what it returned.
func (b *bench) play(script func(s *side) error) error {
	b.t.Helper()
	result := make(chan error, 1)
	b.service.sessions <- func(stream wirev1.IngestService_StreamFramesServer) error {
		err := script(&side{stream})
		result <- err
		return err
	}
	select {
	case err := <-result:
		return err
	case <-time.After(30 * time.Second):
		b.t.Fatal("the session does not end")
		return nil
	}
}

func (b *bench) mustPlay(script func(s *side) error) {
	b.t.Helper()
	if err := b.play(script); err != nil {
		b.t.Fatal(err)
	}
}

// side is the service's side of one session.
type side struct {
	stream wirev1.IngestService_StreamFramesServer
}

func (s *side) hello() (*wirev1.Hello, error) {
	message, err := s.stream.Recv()
	return message.GetHello(), err
}

func (s *side) welcome(after *wirev1.Position) error {
	return s.welcomeAs(&wirev1.Protocol{Major: uplink.Major, Minor: uplink.Minor}, after)
}

func (s *side) welcomeAs(protocol *wirev1.Protocol, after *wirev1.Position) error {
	welcome := &wirev1.Welcome{
		Protocol: protocol, ServiceVersion: "9.9", Config: &wirev1.EdgeConfig{Hostname: "named"},
		Resume: &wirev1.Welcome_SendBase{SendBase: new(wirev1.SendBase)},
	}
	if after != nil {
		welcome.Resume = &wirev1.Welcome_ResumeAfter{ResumeAfter: after}
	}
	return s.stream.Send(&wirev1.StreamFramesResponse{Message: &wirev1.StreamFramesResponse_Welcome{Welcome: welcome}})
}

func (s *side) ack(p *wirev1.Position) error {
	return s.stream.Send(&wirev1.StreamFramesResponse{Message: &wirev1.StreamFramesResponse_Ack{Ack: &wirev1.Ack{Position: p}}})
}

// frame is the next frame; heartbeats are passed over.
func (s *side) frame() (*wirev1.Frame, int, error) {
	for {
		message, err := s.stream.Recv()
		if err != nil {
			return nil, 0, err
		}
		if frame := message.GetFrame(); frame != nil {
			return frame, proto.Size(message), nil
		}
	}
}

func baseOf(peers ...*record.Peer) func() uplink.Snapshot {
	return func() uplink.Snapshot {
		s := uplink.Snapshot{Based: true, Peers: len(peers)}
		for _, group := range replica.Chunks(peers, 768<<10) {
			s.Chunks = append(s.Chunks, func() *wirev1.BaseChunk {
				chunk := new(wirev1.BaseChunk)
				for _, p := range group {
					chunk.Peers = append(chunk.Peers, p.Node())
				}
				return chunk
			})
		}
		return s
	}
}

func removal(b *bench, stableID string) {
	b.ledger.Update(time.Now(), func(tx uplink.Tx) {
		tx.Emit(&wirev1.Frame{Body: &wirev1.Frame_Delta{Delta: &wirev1.Delta{Removals: []string{stableID}}}})
	})
}
