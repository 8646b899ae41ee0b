// Package bus connects the edge with the Tailscale client inside it: the only place that touches those parts of
// Tailscale's API that may change with each release.
package bus

import (
	"context"
	"time"
)

// Stream is one watch of the IPN bus.
type Stream interface {
	// Next returns the next message, undecoded; any error ends the stream.
	Next() ([]byte, error)
	// Close ends a Next that waits.
	Close() error
}

// Pump reads a stream into a queue until the stream ends, the queue is full or the context is done. It does nothing
// else: the client closes a watch whose reader falls behind.
func Pump(ctx context.Context, stream Stream, queue *Queue) {
	stop := context.AfterFunc(ctx, func() { _ = stream.Close() })
	defer func() {
		stop()
		_ = stream.Close()
	}()
	for {
		raw, err := stream.Next()
		if err != nil {
			queue.Close(err)
			return
		}
		if !queue.Put(Message{Raw: raw, At: time.Now()}) {
			return
		}
	}
}
