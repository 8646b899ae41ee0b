package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// scene is one step of the story: after a pause it is announced, and then things happen.
type scene struct {
	pause time.Duration
	text  string
	how   via
	act   []change      // nothing means: repeat the full map
	then  time.Duration // until what follows of itself
	after []change
}

func scenes() []scene {
	return []scene{
		{text: "The plug of nas is pulled.", how: viaDelta, act: []change{{Op: "offline", Peer: "nas"}}},
		{pause: 15 * time.Second, text: "nas has power again.", how: viaDelta, act: []change{{Op: "online", Peer: "nas"}}},
		{
			pause: 12 * time.Second, text: "Tom signs a new laptop in.", how: viaDelta,
			act: []change{{
				Op: "add", Peer: "toms-new-laptop", Name: "toms-new-laptop", OS: "macOS", Owner: "tom@example.com",
				Online: new(false),
			}},
			then: time.Second, after: []change{{Op: "online", Peer: "toms-new-laptop"}},
		},
		{pause: 13 * time.Second, text: "Mira deletes old-phone for good.", how: viaFull, act: []change{{Op: "remove", Peer: "old-phone"}}},
		{
			pause: 12 * time.Second, text: "tom-iphone changes from Wi-Fi to mobile: nobody needs to hear of that.", how: viaDelta,
			act:  []change{{Op: "offline", Peer: "tom-iphone"}},
			then: 600 * time.Millisecond, after: []change{{Op: "online", Peer: "tom-iphone"}},
		},
		{pause: 8 * time.Second, text: "The control server repeats everything it knows: nothing has changed."},
	}
}

// storyScene and storyState are what callers see of the story.
type storyScene struct {
	Text string     `json:"scene"`
	At   *time.Time `json:"at"` // null: still to come
}

type storyState struct {
	State  string       `json:"state"` // idle, running, done or failed
	Scene  string       `json:"scene"` // the latest
	Error  string       `json:"error,omitempty"`
	Scenes []storyScene `json:"scenes"`
}

// story plays the scenes of the demonstration, once.
type story struct {
	ctx      context.Context
	net      *tailnet
	announce func(any) error
	log      *slog.Logger
	mu       sync.Mutex
	now      storyState
}

func newStory(ctx context.Context, net *tailnet, announce func(any) error, log *slog.Logger) *story {
	s := &story{ctx: ctx, net: net, announce: announce, log: log, now: storyState{State: "idle"}}
	for _, sc := range scenes() {
		s.now.Scenes = append(s.now.Scenes, storyScene{Text: sc.text})
	}
	return s
}

// cast checks that everybody the story needs is there.
func (s *story) cast() error {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	for _, name := range []string{"nas", "tom-iphone", "old-phone"} {
		if s.net.resolve(name) == nil {
			return refuse(409, "the story needs a peer called %s", name)
		}
	}
	if s.net.resolve("toms-new-laptop") != nil {
		return refuse(409, "the story needs the name toms-new-laptop to be free")
	}
	return nil
}

func (s *story) start(speed float64) error {
	if err := s.cast(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.State != "idle" {
		return refuse(409, "the story is told once: it is %s", s.now.State)
	}
	s.now.State = "running"
	go s.play(speed)
	return nil
}

func (s *story) play(speed float64) {
	end := storyEnd{state: "done"}
	for i, sc := range scenes() {
		if err := s.show(i, sc, speed); err != nil {
			s.log.Error("the story broke off", "scene", sc.text, "error", err)
			end = storyEnd{"failed", err.Error()}
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.State, s.now.Error = end.state, end.text
}

type storyEnd struct{ state, text string }

func (s *story) show(i int, sc scene, speed float64) error {
	if err := s.sleep(sc.pause, speed); err != nil {
		return err
	}
	if err := s.announce(map[string]string{"scene": sc.text}); err != nil {
		return err
	}
	s.mu.Lock()
	at := time.Now().UTC()
	s.now.Scene, s.now.Scenes[i].At = sc.text, &at
	s.mu.Unlock()
	if sc.act == nil {
		s.net.sendAll(s.net.fullMap)
		return nil
	}
	if _, _, err := s.net.change(sc.how, s.net.script(sc.act)); err != nil || sc.after == nil {
		return err
	}
	if err := s.sleep(sc.then, speed); err != nil {
		return err
	}
	_, _, err := s.net.change(sc.how, s.net.script(sc.after))
	return err
}

func (s *story) sleep(d time.Duration, speed float64) error {
	timer := time.NewTimer(time.Duration(float64(d) / speed))
	defer timer.Stop()
	select {
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (s *story) state() storyState {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.now
	out.Scenes = slices.Clone(s.now.Scenes)
	return out
}
