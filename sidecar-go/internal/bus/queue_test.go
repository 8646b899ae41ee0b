package bus_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"sentinel/sidecar/internal/bus"
)

func message(size int) bus.Message { return bus.Message{Raw: make([]byte, size)} }

func TestQueueGivesWhatWasPutInOrder(t *testing.T) {
	q := bus.NewQueue(100)
	for size := range 3 {
		if !q.Put(message(size + 1)) {
			t.Fatal("not taken in")
		}
	}
	q.Close(io.EOF)
	for size := range 3 {
		<-q.Ready()
		if m, ok, err := q.Take(); !ok || err != nil || len(m.Raw) != size+1 {
			t.Fatalf("message %d: %v %v %v", size, m, ok, err)
		}
	}
	<-q.Ready()
	if _, ok, err := q.Take(); ok || !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v %v", ok, err)
	}
}

func TestQueueIsBoundedByBytes(t *testing.T) {
	q := bus.NewQueue(10)
	if !q.Put(message(50)) {
		t.Error("one message that is too large does not fit into an empty queue")
	}
	if q.Put(message(1)) {
		t.Error("more than the limit is taken in")
	}
	if _, ok, err := q.Take(); ok || !errors.Is(err, bus.ErrOverflow) {
		t.Errorf("after an overflow: %v %v", ok, err)
	}
	if q.Put(message(1)) {
		t.Error("a closed queue takes something in")
	}
}

// tap is a stream that never ends by itself.
type tap struct{ closed chan struct{} }

func (s *tap) Next() ([]byte, error) {
	select {
	case <-s.closed:
		return nil, io.EOF
	default:
		return make([]byte, 10), nil
	}
}

func (s *tap) Close() error {
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return nil
}

func TestOverflowClosesTheWatch(t *testing.T) {
	stream, q := &tap{closed: make(chan struct{})}, bus.NewQueue(35)
	bus.Pump(context.Background(), stream, q)
	select {
	case <-stream.closed:
	default:
		t.Error("the watch is still open")
	}
	if _, ok, err := q.Take(); ok || !errors.Is(err, bus.ErrOverflow) {
		t.Errorf("got %v %v", ok, err)
	}
}
