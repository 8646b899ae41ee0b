package uplink_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
	"sentinel/sidecar/internal/uplink"
)

func manyPeers(t *testing.T, n int) []*record.Peer {
	t.Helper()
	peers := make([]*record.Peer, n)
	for i := range peers {
		var err error
		peers[i], err = record.NewPeer(int64(i+1), &wirev1.Node{
			StableId: fmt.Sprintf("n%08dCNTRL", i), Name: fmt.Sprintf("machine-%d.tail1234.ts.net", i),
			Addresses: []string{"100.64.0.1/32", "fd7a:115c:a1e0::1/128"}, AllowedIps: []string{"100.64.0.1/32"},
			NodeKey: "nodekey:" + strings.Repeat("0a", 32), MachineKey: "mkey:" + strings.Repeat("0b", 32),
			Hostinfo: &wirev1.Hostinfo{Os: "linux", ClientVersion: "1.102.5", Hostname: "machine"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return peers
}

func TestABaseOfTenThousandPeersComesInMessagesBelowAMegabyte(t *testing.T) {
	b := start(t, baseOf(manyPeers(t, 10_000)...))
	b.mustPlay(func(s *side) error {
		if _, err := s.hello(); err != nil {
			return err
		}
		if err := s.welcome(nil); err != nil {
			return err
		}
		peers := make(map[string]bool)
		for seq := uint64(1); ; seq++ {
			frame, size, err := s.frame()
			if err != nil {
				return err
			}
			if size >= 1<<20 || frame.Position.Epoch != 1 || frame.Position.Seq != seq {
				return fmt.Errorf("message %d: %d bytes at %v", seq, size, frame.Position)
			}
			for _, node := range frame.GetBaseChunk().GetPeers() {
				peers[node.StableId] = true
			}
			if end := frame.GetBaseEnd(); end != nil {
				if end.PeerCount != 10_000 || len(peers) != 10_000 {
					return fmt.Errorf("the end says %d, there were %d", end.PeerCount, len(peers))
				}
				return s.ack(frame.Position)
			}
		}
	})
	if config := <-b.edge.welcomed; config.Hostname != "named" {
		t.Errorf("configuration %v", config)
	}
}

func TestFramesSurviveALostServiceAndGoOnWhereItStood(t *testing.T) {
	b := start(t, baseOf())
	var end *wirev1.Position
	b.mustPlay(func(s *side) error {
		if _, err := s.hello(); err != nil {
			return err
		}
		if err := s.welcome(nil); err != nil {
			return err
		}
		for range 2 {
			frame, _, err := s.frame()
			if err != nil {
				return err
			}
			end = frame.Position
		}
		return nil
	})
	removal(b, "a")
	removal(b, "b")
	b.mustPlay(func(s *side) error {
		hello, err := s.hello()
		if err != nil {
			return err
		}
		if hello.LastMade.GetSeq() != 4 || hello.Protocol.GetMajor() != uplink.Major {
			return fmt.Errorf("hello %v", hello)
		}
		if err := s.welcome(end); err != nil {
			return err
		}
		for _, want := range []string{"a", "b"} {
			frame, _, err := s.frame()
			if err != nil {
				return err
			}
			if got := frame.GetDelta().GetRemovals(); len(got) != 1 || got[0] != want {
				return fmt.Errorf("got %v, want %s", frame, want)
			}
			if err := s.ack(frame.Position); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestBoundariesComeBeforeAFrameLeavesAndBeforeTheRingForgetsIt(t *testing.T) {
	b := start(t, baseOf())
	b.mustPlay(func(s *side) error {
		if _, err := s.hello(); err != nil {
			return err
		}
		if err := s.welcome(nil); err != nil {
			return err
		}
		for _, want := range []string{"ring to wire, frames 0", "ring to wire, frames 0", "ring to wire, frames 1"} {
			frame, _, err := s.frame()
			if err != nil {
				return err
			}
			if got := <-b.crossed; got != want {
				return fmt.Errorf("got %q, want %q", got, want)
			}
			if frame.GetBaseEnd() != nil {
				removal(b, "a")
			}
			if frame.GetDelta() != nil {
				if err := s.ack(frame.Position); err != nil {
					return err
				}
			}
		}
		if got, want := <-b.crossed, "ack to trim, frames 1"; got != want {
			return fmt.Errorf("got %q, want %q", got, want)
		}
		return nil
	})
}

func TestCommandsAreAnsweredOnTheSameStream(t *testing.T) {
	b := start(t, baseOf())
	b.mustPlay(func(s *side) error {
		if _, err := s.hello(); err != nil {
			return err
		}
		if err := s.welcome(nil); err != nil {
			return err
		}
		command := &wirev1.Command{CommandId: "c1", Command: &wirev1.Command_Audit{Audit: new(wirev1.Audit)}}
		if err := s.stream.Send(&wirev1.StreamFramesResponse{Message: &wirev1.StreamFramesResponse_Command{Command: command}}); err != nil {
			return err
		}
		for {
			message, err := s.stream.Recv()
			if err != nil {
				return err
			}
			if result := message.GetCommandResult(); result != nil {
				if result.CommandId != "c1" || !result.Done {
					return fmt.Errorf("result %v", result)
				}
				return nil
			}
		}
	})
}

func TestTheFirstHeartbeatFollowsWelcomeAtOnce(t *testing.T) {
	b := start(t, func() uplink.Snapshot { return uplink.Snapshot{} })
	b.mustPlay(func(s *side) error {
		if _, err := s.hello(); err != nil {
			return err
		}
		if err := s.welcome(nil); err != nil {
			return err
		}
		message, err := s.stream.Recv()
		if err != nil {
			return err
		}
		if !message.GetFreshness().GetInMapPoll() {
			return fmt.Errorf("got %v", message)
		}
		return nil
	})
}

func TestAnEdgeIsConnectedFromWelcomeToTheEndOfTheSession(t *testing.T) {
	b := start(t, func() uplink.Snapshot { return uplink.Snapshot{} })
	b.mustPlay(func(s *side) error {
		if _, err := s.hello(); err != nil {
			return err
		}
		if b.uplink.Connected() {
			return errors.New("connected before it is welcome")
		}
		if err := s.welcome(nil); err != nil {
			return err
		}
		// What the edge says first, it says after Welcome.
		if _, err := s.stream.Recv(); err != nil {
			return err
		}
		if !b.uplink.Connected() {
			return errors.New("not connected after Welcome")
		}
		return nil
	})
	b.mustPlay(func(s *side) error {
		if _, err := s.hello(); err != nil {
			return err
		}
		if b.uplink.Connected() {
			return errors.New("still connected in the next session")
		}
		return nil
	})
}

func TestAnEndingEdgeBringsWhatIsLeftOverAnOpenStream(t *testing.T) {
	b := start(t, baseOf())
	based, removed := make(chan struct{}), make(chan string, 10)
	b.service.sessions <- func(stream wirev1.IngestService_StreamFramesServer) error {
		defer close(removed)
		s := &side{stream}
		if _, err := s.hello(); err != nil {
			return err
		}
		if err := s.welcome(nil); err != nil {
			return err
		}
		for {
			frame, _, err := s.frame()
			if err != nil {
				return err
			}
			if frame.GetBaseEnd() != nil {
				close(based)
			}
			for _, stableID := range frame.GetDelta().GetRemovals() {
				removed <- stableID
			}
			if err := s.ack(frame.Position); err != nil {
				return err
			}
		}
	}
	<-based
	removal(b, "last")
	b.stop()
	<-b.finished
	if got := <-removed; got != "last" {
		t.Errorf("the service got %q", got)
	}
	if !b.ledger.Settled() {
		t.Error("the edge ended before the service had committed")
	}
}

func TestRefusalsAreLoggedOnceAndNameTheReason(t *testing.T) {
	cases := map[string]func(s *side) error{
		"source home already has an edge": func(*side) error {
			return status.Error(codes.AlreadyExists, "source home already has an edge")
		},
		"service 9.9 speaks 2.0: update the sidecar": func(s *side) error {
			return s.welcomeAs(&wirev1.Protocol{Major: 2}, nil)
		},
		"service 9.9 speaks 0.9: update the service": func(s *side) error {
			return s.welcomeAs(&wirev1.Protocol{Minor: 9}, nil)
		},
		"it has: other": func(*side) error {
			return status.Error(codes.NotFound, "no source named home (it has: other)")
		},
		"does not know wire protocol 1.0": func(*side) error {
			return status.Error(codes.Unimplemented, "Method not found!")
		},
	}
	for want, refuse := range cases {
		t.Run(want, func(t *testing.T) {
			b := start(t, baseOf())
			_ = b.play(func(s *side) error {
				if _, err := s.hello(); err != nil {
					return err
				}
				if err := refuse(s); err != nil {
					return err
				}
				<-s.stream.Context().Done()
				return nil
			})
			if text := b.log.await(want); strings.Count(text, "level=ERROR") != 1 {
				t.Errorf("not one error line: %s", text)
			}
			if said := b.uplink.Trouble(); !strings.Contains(said, want) {
				t.Errorf("the trouble is said to be %q", said)
			}
		})
	}
}
