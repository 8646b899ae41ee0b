// Package health measures how well the edge sees: how long ago the control server said anything, and whether the poll
// that it would say it on is open.
package health

import (
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
)

const (
	// staleAfter is longer than any control server keeps silent on purpose, and than the client takes to break a
	// silent poll.
	staleAfter = 150 * time.Second
	// deadAfter is how long staleness may last before only a new client can help.
	deadAfter = staleAfter + time.Minute
)

// Monitor follows a counter of the control server's messages. It may be used by several goroutines.
type Monitor struct {
	mu        sync.Mutex
	count     int64
	heardAt   time.Time
	sinceAt   time.Time
	inMapPoll bool
}

// Restart begins a new run of the client: its silence counts from now.
func (m *Monitor) Restart(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sinceAt, m.inMapPoll = now, false
}

// Sample takes the counter's present value, which only grows, and whether the poll is open.
func (m *Monitor) Sample(now time.Time, count int64, inMapPoll bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hear(now, count)
	m.inMapPoll = inMapPoll
}

func (m *Monitor) hear(now time.Time, count int64) {
	if count != m.count {
		m.count, m.heardAt = count, now
	}
}

// Silence is how long the control server has said nothing to the present run of the client, and whether that makes
// what is known stale, or the client dead.
func (m *Monitor) Silence(now time.Time) (age time.Duration, stale, dead bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	age = now.Sub(m.sinceAt)
	if m.heardAt.After(m.sinceAt) {
		age = now.Sub(m.heardAt)
	}
	return age, age >= staleAfter, age >= deadAfter
}

// Freshness is what is known now, as the wire has it. The poll is as it was at the last sample.
func (m *Monitor) Freshness(now time.Time, count int64) *wirev1.Freshness {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hear(now, count)
	f := &wirev1.Freshness{CapturedAt: timestamppb.New(now), InMapPoll: m.inMapPoll}
	if !m.heardAt.IsZero() {
		f.ControlMessageAge = durationpb.New(now.Sub(m.heardAt))
	}
	return f
}
