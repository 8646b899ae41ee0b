package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/boundary"
)

type stream = grpc.BidiStreamingClient[wirev1.StreamFramesRequest, wirev1.StreamFramesResponse]

// outlet is the sending side of one session.
type outlet struct {
	uplink   *Uplink
	stream   stream
	cursor   *cursor
	results  chan *wirev1.CommandResult
	received chan error
}

// exchange sends what the ledger has and takes in what the service says until either direction fails. When ctx is
// done it sends what is left; streaming is the context of the stream, which ends later.
func (u *Uplink) exchange(ctx, streaming context.Context, stream stream, c *cursor) error {
	o := &outlet{
		uplink: u, stream: stream, cursor: c,
		results: make(chan *wirev1.CommandResult, 16), received: make(chan error, 1),
	}
	go func() { o.received <- u.receive(streaming, stream, o.results) }()
	err := o.send(ctx)
	if err == nil {
		err = o.finish(streaming)
	}
	if errors.Is(err, io.EOF) {
		// A failed send only says that the stream has ended; the reason is with the receiver.
		return <-o.received
	}
	return err
}

// send sends until something fails, or, without an error, until the context is done.
func (o *outlet) send(ctx context.Context) error {
	if err := o.sendFreshness(); err != nil {
		return err
	}
	ticker := time.NewTicker(freshnessEvery)
	defer ticker.Stop()
	for {
		sent, err := o.sendNext()
		if err != nil {
			return err
		}
		// With more to send this looks without waiting, so that a long replay holds up neither heartbeat nor answers.
		idle := o.uplink.ledger.wake
		if sent {
			idle = closed
		}
		select {
		case <-ctx.Done():
			return nil
		case err = <-o.received:
			return err
		case result := <-o.results:
			err = o.sendResult(result)
		case <-ticker.C:
			err = o.sendFreshness()
		case <-idle:
		}
		if err != nil {
			return err
		}
	}
}

// finish sends what is left, waits for the service to commit it, and ends the stream in order.
func (o *outlet) finish(streaming context.Context) error {
	for {
		sent, err := o.sendNext()
		if err != nil {
			return err
		}
		if sent {
			continue
		}
		select {
		case err = <-o.received:
			return err
		case <-streaming.Done():
			return streaming.Err()
		case result := <-o.results:
			err = o.sendResult(result)
		default:
			if o.uplink.ledger.Settled() {
				return o.close()
			}
			select {
			case err = <-o.received:
				return err
			case <-o.uplink.ledger.wake:
			}
		}
		if err != nil {
			return err
		}
	}
}

func (o *outlet) close() error {
	if err := o.stream.CloseSend(); err != nil {
		return err
	}
	return <-o.received
}

// closed never blocks.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (o *outlet) sendNext() (sent bool, err error) {
	part, request, err := o.uplink.ledger.take(o.cursor)
	if err != nil || part == nil && request == nil {
		return false, err
	}
	o.uplink.reached(boundary.RingToWire)
	if part != nil {
		message := &wirev1.StreamFramesRequest{Message: &wirev1.StreamFramesRequest_Frame{Frame: part()}}
		return true, o.stream.Send(message)
	}
	return true, o.stream.SendMsg(request)
}

func (o *outlet) sendResult(result *wirev1.CommandResult) error {
	message := &wirev1.StreamFramesRequest{Message: &wirev1.StreamFramesRequest_CommandResult{CommandResult: result}}
	return o.stream.Send(message)
}

func (o *outlet) sendFreshness() error {
	freshness := o.uplink.edge.Freshness()
	freshness.RingFrames, freshness.RingBytes, freshness.LastMade = o.uplink.ledger.Depth()
	message := &wirev1.StreamFramesRequest{Message: &wirev1.StreamFramesRequest_Freshness{Freshness: freshness}}
	return o.stream.Send(message)
}

// receive takes in acknowledgements and commands until the stream ends.
func (u *Uplink) receive(ctx context.Context, stream stream, results chan<- *wirev1.CommandResult) error {
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return errors.New("the service ended the stream")
		}
		if err != nil {
			return err
		}
		switch message := response.Message.(type) {
		case *wirev1.StreamFramesResponse_Ack:
			u.reached(boundary.AckToTrim)
			if err := u.ledger.Ack(message.Ack.GetPosition()); err != nil {
				return fmt.Errorf("take an acknowledgement in: %w", err)
			}
		case *wirev1.StreamFramesResponse_Command:
			u.edge.Command(message.Command, func(result *wirev1.CommandResult) {
				select {
				case results <- result:
				case <-ctx.Done():
					u.log.Warn("the stream ended before a command's result was sent", "command", result.CommandId)
				}
			})
		default:
			u.log.Debug("ignored an unknown message of the service")
		}
	}
}
