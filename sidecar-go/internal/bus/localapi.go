package bus

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
)

// ErrGone says that the client knows no such node: an answer, unlike every other error.
var ErrGone = errors.New("no such node")

// mask asks for everything that is absolute at the start and for the narrowest changes after it. No bit that asks for
// a whole network map: those go away with the next release.
const mask = ipn.NotifyInitialState | ipn.NotifyInitialPrefs | ipn.NotifyInitialHealthState | ipn.NotifyHealthActions |
	ipn.NotifyInitialStatus | ipn.NotifyPeerChanges | ipn.NotifyPeerPatches

const api = "http://local-tailscaled.sock/localapi/v0/"

// Client speaks to one running Tailscale client.
type Client struct {
	lc *local.Client
}

// New returns a Client of a running Tailscale client.
func New(lc *local.Client) *Client { return &Client{lc: lc} }

// Watch opens a watch of the IPN bus; its first message is an initial one.
func (c *Client) Watch(ctx context.Context) (Stream, error) {
	url := api + "watch-ipn-bus?mask=" + strconv.FormatUint(uint64(mask), 10)
	response, err := c.get(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("watch the IPN bus: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("watch the IPN bus: %s", response.Status)
	}
	return &lines{body: response.Body, reader: bufio.NewReader(response.Body)}, nil
}

// lines is a watch: the client writes one message per line.
type lines struct {
	body   io.Closer
	reader *bufio.Reader
}

func (l *lines) Next() ([]byte, error) { return l.reader.ReadBytes('\n') }
func (l *lines) Close() error          { return l.body.Close() }

// Decode translates one message of a watch. Peers without a StableID are left out and counted in skipped.
func (c *Client) Decode(raw []byte) (notice *record.Notice, skipped int, err error) {
	var n ipn.Notify
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, 0, fmt.Errorf("decode a message of the IPN bus: %w", err)
	}
	out := &record.Notice{LoginFinished: n.LoginFinished != nil}
	daemon(&n, out)
	if n.SelfChange != nil {
		if out.Self, err = record.SelfFromNode(n.SelfChange); err != nil {
			return nil, 0, fmt.Errorf("translate the own node: %w", err)
		}
	}
	skipped, err = peers(&n, out)
	return out, skipped, err
}

func daemon(n *ipn.Notify, out *record.Notice) {
	if n.State != nil {
		out.State = n.State.String()
	}
	if n.ErrMessage != nil {
		out.Error = record.WithoutSecrets(*n.ErrMessage)
	}
	if n.BrowseToURL != nil {
		out.LoginURL = *n.BrowseToURL
	}
	if n.Prefs != nil && n.Prefs.Valid() {
		out.Prefs = record.FromPrefs(n.Prefs.AsStruct())
	}
	if n.Health != nil {
		out.Health = record.FromHealth(n.Health)
	}
	if n.InitialStatus != nil {
		out.Initial = record.FromStatus(n.InitialStatus)
	}
}

func peers(n *ipn.Notify, out *record.Notice) (skipped int, err error) {
	out.Full = n.SelfChange != nil && n.PeersChanged != nil
	for _, id := range n.PeersRemoved {
		out.Removed = append(out.Removed, int64(id))
	}
	for _, node := range n.PeersChanged {
		if node == nil || node.StableID == "" {
			skipped++
			continue
		}
		peer, err := record.FromNode(node)
		if err != nil {
			return skipped, fmt.Errorf("translate a peer: %w", err)
		}
		out.Changed = append(out.Changed, peer)
	}
	for _, change := range n.PeerChangedPatch {
		if change != nil && (change.Online != nil || change.LastSeen != nil) {
			out.Patches = append(out.Patches, patch(change))
		}
	}
	for _, user := range n.UserProfiles {
		if user.Valid() {
			out.Users = append(out.Users, record.FromUser(user.AsStruct()))
		}
	}
	return skipped, nil
}

func patch(change *tailcfg.PeerChange) record.Patch {
	out := record.Patch{ID: int64(change.NodeID), Presence: record.Presence(change.Online)}
	if change.LastSeen != nil {
		out.LastSeen = *change.LastSeen
	}
	return out
}

// Peer asks for one node by its NodeID, the own one included. ErrGone is the client's word that there is none.
func (c *Client) Peer(ctx context.Context, id int64) (*record.Peer, error) {
	node, err := c.node(ctx, id)
	if err != nil {
		return nil, err
	}
	return record.FromNode(node)
}

// Self asks for the own node by its NodeID.
func (c *Client) Self(ctx context.Context, id int64) (*record.Peer, error) {
	node, err := c.node(ctx, id)
	if err != nil {
		return nil, err
	}
	return record.SelfFromNode(node)
}

func (c *Client) node(ctx context.Context, id int64) (*tailcfg.Node, error) {
	response, err := c.get(ctx, api+"peer-by-id?id="+strconv.FormatInt(id, 10))
	if err != nil {
		return nil, fmt.Errorf("ask for a node: %w", err)
	}
	defer drain(response.Body)
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, ErrGone
	default:
		return nil, fmt.Errorf("ask for a node: %s", response.Status)
	}
	var node tailcfg.Node
	if err := json.NewDecoder(response.Body).Decode(&node); err != nil {
		return nil, fmt.Errorf("decode a node: %w", err)
	}
	return &node, nil
}

// drain reads the rest, so that the connection is used again for the next of perhaps thousands of questions.
func drain(body io.ReadCloser) {
	_, _ = io.Copy(io.Discard, body)
	_ = body.Close()
}

func (c *Client) get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return c.lc.DoLocalRequest(request)
}

// User asks for one user's profile.
func (c *Client) User(ctx context.Context, id int64) (*wirev1.UserProfile, error) {
	user, err := c.lc.UserProfile(ctx, tailcfg.UserID(id))
	if err != nil {
		return nil, fmt.Errorf("ask for a user: %w", err)
	}
	return record.FromUser(user), nil
}

// Status asks for everything, with peers only if they are wanted.
func (c *Client) Status(ctx context.Context, withPeers bool) (*record.Status, error) {
	ask := c.lc.StatusWithoutPeers
	if withPeers {
		ask = c.lc.Status
	}
	status, err := ask(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for the status: %w", err)
	}
	return record.FromStatus(status), nil
}

// Tailnet asks for the tailnet and its lock; nil while the node is in none. A lock that cannot be asked is left unset.
func (c *Client) Tailnet(ctx context.Context) (*wirev1.Tailnet, error) {
	status, err := c.Status(ctx, false)
	if err != nil {
		return nil, err
	}
	if status.Tailnet == nil {
		return nil, nil
	}
	if lock, err := c.lockStatus(ctx); err == nil {
		record.WithLock(status.Tailnet, lock)
	}
	return status.Tailnet, nil
}

func (c *Client) lockStatus(ctx context.Context) (*ipnstate.TailnetLockStatus, error) {
	return c.lc.TailnetLockStatus(ctx)
}

// SetWantRunning switches the client on or off; off and on again makes the control server send everything anew.
func (c *Client) SetWantRunning(ctx context.Context, on bool) error {
	return c.edit(ctx, &ipn.MaskedPrefs{Prefs: ipn.Prefs{WantRunning: on}, WantRunningSet: true})
}

// SetHostname renames the own node.
func (c *Client) SetHostname(ctx context.Context, name string) error {
	return c.edit(ctx, &ipn.MaskedPrefs{Prefs: ipn.Prefs{Hostname: name}, HostnameSet: true})
}

func (c *Client) edit(ctx context.Context, prefs *ipn.MaskedPrefs) error {
	if _, err := c.lc.EditPrefs(ctx, prefs); err != nil {
		return fmt.Errorf("edit the node's preferences: %w", err)
	}
	return nil
}

// StartLogin makes the client ask for a login URL, or use the key that it was started with.
func (c *Client) StartLogin(ctx context.Context) error {
	if err := c.lc.StartLoginInteractive(ctx); err != nil {
		return fmt.Errorf("start a login: %w", err)
	}
	return nil
}
