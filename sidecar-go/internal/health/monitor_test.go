package health_test

import (
	"testing"
	"time"

	"sentinel/sidecar/internal/health"
)

var noon = time.Unix(1700000000, 0)

func after(d time.Duration) time.Time { return noon.Add(d) }

func TestSilenceMakesStaleAndThenDead(t *testing.T) {
	var m health.Monitor
	m.Restart(noon)
	m.Sample(after(10*time.Second), 1, true)
	for name, c := range map[string]struct {
		at          time.Duration
		stale, dead bool
	}{
		"shortly after":         {100 * time.Second, false, false},
		"after 150 s":           {160 * time.Second, true, false},
		"a minute of staleness": {220 * time.Second, true, true},
	} {
		m.Sample(after(c.at), 1, true)
		if _, stale, dead := m.Silence(after(c.at)); stale != c.stale || dead != c.dead {
			t.Errorf("%s: stale %v, dead %v", name, stale, dead)
		}
	}
	m.Sample(after(230*time.Second), 2, true)
	if age, stale, _ := m.Silence(after(235 * time.Second)); stale || age != 5*time.Second {
		t.Errorf("after another message: stale %v, age %v", stale, age)
	}
}

func TestANewRunStartsWithNoSilence(t *testing.T) {
	var m health.Monitor
	m.Restart(noon)
	m.Sample(after(time.Second), 1, true)
	m.Restart(after(time.Hour))
	if age, stale, _ := m.Silence(after(time.Hour + time.Minute)); stale || age != time.Minute {
		t.Errorf("stale %v, age %v", stale, age)
	}
}

func TestFreshnessHasNoAgeBeforeTheFirstMessage(t *testing.T) {
	var m health.Monitor
	if f := m.Freshness(noon, 0); f.ControlMessageAge != nil || f.InMapPoll {
		t.Errorf("got %v", f)
	}
	m.Sample(after(time.Second), 5, true)
	f := m.Freshness(after(4*time.Second), 5)
	if f.ControlMessageAge.AsDuration() != 3*time.Second || !f.InMapPoll {
		t.Errorf("got %v", f)
	}
}
