package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"

	"tailscale.com/tailcfg"
	"tailscale.com/tka"
	"tailscale.com/tstest/tkatest"
	"tailscale.com/types/key"
)

// lock is a tailnet lock whose only key the control server holds, where a real one is held by nodes: no node has to do
// anything to switch it on or off.
type lock struct {
	on        bool
	signer    key.NLPrivate
	authority *tka.Authority
	storage   tka.CompactableChonk
	genesis   tka.AUM
	secret    []byte // proves to nodes that the lock may go
}

func newLock() (*lock, error) {
	seed := make([]byte, 48)
	if _, err := rand.Read(seed); err != nil {
		return nil, fmt.Errorf("draw a lock's secrets: %w", err)
	}
	l := &lock{on: true, signer: key.NewNLPrivate(), storage: tka.ChonkMem(), secret: seed[:32]}
	var err error
	l.authority, l.genesis, err = tka.Create(l.storage, tka.State{
		Keys:              []tka.Key{{Kind: tka.Key25519, Public: l.signer.Public().Verifier(), Votes: 1}},
		DisablementValues: [][]byte{tka.DisablementKDF(l.secret)},
		StateID1:          binary.LittleEndian.Uint64(seed[32:]), StateID2: binary.LittleEndian.Uint64(seed[40:]),
	}, l.signer)
	if err != nil {
		return nil, fmt.Errorf("create a tailnet lock: %w", err)
	}
	return l, nil
}

// sign lets a node in.
func (l *lock) sign(n *tailcfg.Node) error {
	public, err := n.Key.MarshalBinary()
	if err != nil {
		return fmt.Errorf("read the key of %s: %w", n.Name, err)
	}
	signature := tka.NodeKeySignature{SigKind: tka.SigDirect, KeyID: l.signer.KeyID(), Pubkey: public}
	if signature.Signature, err = l.signer.SignNKS(signature.SigHash()); err != nil {
		return fmt.Errorf("sign %s: %w", n.Name, err)
	}
	n.KeySignature = signature.Serialize()
	return nil
}

// info is what a map says of the lock; nil if there never was one.
func (l *lock) info() *tailcfg.TKAInfo {
	if l == nil {
		return nil
	}
	head, err := l.authority.Head().MarshalText()
	if err != nil {
		panic(err) // a hash is always text
	}
	return &tailcfg.TKAInfo{Head: string(head), Disabled: !l.on}
}

// setLock switches the lock on, which signs everybody, or off. The lock of the tailnet is held.
func (d *draft) setLock(on bool) error {
	t := d.net
	switch {
	case on == (t.lock != nil && t.lock.on):
		return nil
	case !on:
		off := *t.lock
		off.on = false
		t.lock = &off
		return nil
	}
	made, err := newLock()
	if err != nil {
		return err
	}
	for _, known := range t.devices {
		dev := d.open(known)
		if dev.real {
			// Without it a node does not look at the lock.
			dev.node.CapMap = withCap(dev.node.CapMap, tailcfg.CapabilityTailnetLock)
		}
		if err := made.sign(dev.node); err != nil {
			return err
		}
	}
	t.lock = made
	return nil
}

func withCap(caps tailcfg.NodeCapMap, name tailcfg.NodeCapability) tailcfg.NodeCapMap {
	if caps == nil {
		caps = tailcfg.NodeCapMap{}
	}
	caps[name] = nil
	return caps
}

// signNew signs devices that are new or came with another key.
func (d *draft) signNew() {
	if d.net.lock == nil || !d.net.lock.on {
		return
	}
	for id, dev := range d.edited {
		if known := d.net.devices[id]; known != nil && known.node.Key == dev.node.Key {
			continue
		}
		if dev.real {
			dev.node.CapMap = withCap(dev.node.CapMap, tailcfg.CapabilityTailnetLock)
		}
		if err := d.net.lock.sign(dev.node); err != nil {
			d.net.log.Error("a node could not be signed", "node", id, "error", err)
		}
	}
}

// serveLock answers what nodes ask about the lock.
func (t *tailnet) serveLock(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	l := t.lock
	t.mu.Unlock()
	if l == nil {
		http.Error(w, "there is no tailnet lock", http.StatusNotFound)
		return
	}
	if err := l.serve(w, r); err != nil {
		t.log.Warn("a question about the lock went wrong", "path", r.URL.Path, "error", err)
	}
}

func (l *lock) serve(w http.ResponseWriter, r *http.Request) error {
	switch r.PathValue("question") {
	case "bootstrap":
		answer := tailcfg.TKABootstrapResponse{GenesisAUM: l.genesis.Serialize()}
		if !l.on {
			answer = tailcfg.TKABootstrapResponse{DisablementSecret: l.secret}
		}
		_, err := tkatest.HandleTKABootstrap(w, r, answer)
		return err
	case "sync/offer":
		return tkatest.HandleTKASyncOffer(w, r, l.authority, l.storage)
	case "sync/send":
		return tkatest.HandleTKASyncSend(w, r, l.authority, l.storage)
	default:
		http.Error(w, "not simulated", http.StatusNotFound)
		return errors.New("not simulated")
	}
}
