package bus

import (
	"errors"
	"sync"
	"time"
)

// ErrOverflow says that a watch was closed on purpose because its messages piled up.
var ErrOverflow = errors.New("queue of the IPN bus is full")

// Message is one message of the bus as it came.
type Message struct {
	// Raw is the message, undecoded.
	Raw []byte
	// At is when it came.
	At time.Time
}

// Queue is bounded by the bytes in it, not by their number. One side puts, another takes; neither waits for the other.
type Queue struct {
	ready chan struct{}

	mu       sync.Mutex
	messages []Message
	bytes    int
	limit    int
	err      error
}

// NewQueue returns a Queue that holds up to limit bytes; a single larger message still fits into an empty one.
func NewQueue(limit int) *Queue {
	return &Queue{limit: limit, ready: make(chan struct{}, 1)}
}

// Ready has an element when Take may have something new.
func (q *Queue) Ready() <-chan struct{} { return q.ready }

// Put appends a message; false says that the queue is full or closed, and that nothing more will be taken in.
func (q *Queue) Put(m Message) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return false
	}
	if len(q.messages) > 0 && q.bytes+len(m.Raw) > q.limit {
		q.closeLocked(ErrOverflow)
		q.messages, q.bytes = nil, 0
		return false
	}
	q.messages = append(q.messages, m)
	q.bytes += len(m.Raw)
	q.wake()
	return true
}

// Close ends the queue; what is in it can still be taken. The first reason stays.
func (q *Queue) Close(reason error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closeLocked(reason)
}

// Take returns the oldest message. Without one, ok is false, and err is the reason for the end if there was one.
func (q *Queue) Take() (m Message, ok bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) == 0 {
		return Message{}, false, q.err
	}
	m = q.messages[0]
	q.messages[0] = Message{}
	q.messages = q.messages[1:]
	q.bytes -= len(m.Raw)
	if len(q.messages) > 0 || q.err != nil {
		q.wake()
	}
	return m, true, nil
}

func (q *Queue) closeLocked(reason error) {
	if q.err == nil {
		q.err = reason
		q.wake()
	}
}

func (q *Queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}
