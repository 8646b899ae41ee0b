package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"tailscale.com/tailcfg"
)

// answer records a response so that it can be read before it goes out.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// serveRegister lets the test control server decide who gets in, and keeps the tailnet's own account of it.
func (f *front) serveRegister(w http.ResponseWriter, r *http.Request) {
	var req tailcfg.RegisterRequest
	if err := readBody(r, &req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if req.Version == 0 || req.NodeKey.IsZero() || req.Hostinfo == nil {
		http.Error(w, "a register request needs Version, NodeKey and Hostinfo", http.StatusBadRequest)
		return
	}
	machine := machineOf(r.Context())
	known := f.net.knows(req.NodeKey, machine)
	switch {
	case isLogout(req):
		if known {
			f.net.logout(req.NodeKey)
		}
		f.reply(w, tailcfg.RegisterResponse{NodeKeyExpired: true, MachineAuthorized: true})
	case known && f.net.keyExpired(req.NodeKey):
		f.reply(w, tailcfg.RegisterResponse{NodeKeyExpired: true, MachineAuthorized: true})
	default:
		f.admit(w, r, req, known)
	}
}

func isLogout(req tailcfg.RegisterRequest) bool {
	return !req.Expiry.IsZero() && req.Expiry.Before(time.Unix(1_000_000, 0))
}

// admit forwards a registration and files the node when it was accepted.
func (f *front) admit(w http.ResponseWriter, r *http.Request, req tailcfg.RegisterRequest, known bool) {
	if known && f.authKey != "" {
		// A node that is in needs no key to come back.
		req.Auth = &tailcfg.RegisterResponseAuth{AuthKey: f.authKey}
		raw, err := json.Marshal(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		setBody(r, raw)
	}
	got := &answer{header: http.Header{}, status: http.StatusOK}
	f.control.ServeHTTP(got, r)
	var res tailcfg.RegisterResponse
	if got.status != http.StatusOK || json.Unmarshal(got.body.Bytes(), &res) != nil {
		http.Error(w, got.body.String(), max(got.status, http.StatusBadRequest))
		return
	}
	switch {
	case res.AuthURL != "":
		f.logins.await(res.AuthURL)
	case res.Error == "" && !res.NodeKeyExpired:
		f.net.enrol(req, machineOf(r.Context()), &res)
	}
	f.reply(w, res)
}
