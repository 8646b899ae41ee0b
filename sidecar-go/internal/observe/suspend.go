package observe

import (
	"fmt"
	"time"

	wirev1 "sentinel/sidecar/gen/sentinel/wire/v1"
	"sentinel/sidecar/internal/record"
)

// conditions are what decides whether the edge sees the tailnet.
type conditions struct {
	run Run
	// waiting says why no client runs; operator, that only an operator can mend it.
	waiting  string
	operator bool
	// state is the backend's, as the client spells it.
	state    string
	loginURL string
	// refusal is why the control server does not let the node in.
	refusal string
	// based says that there was a base before; current, that the present login has seen the whole tailnet.
	based, current bool
	// loggedOut, unauthorized and expired are about the own node.
	loggedOut, unauthorized, expired bool
	// logging says that the tailnet demands log uploads.
	logging bool
	// answered says that the control server has said anything; silent, that it had not for too long a time.
	answered, silent bool
	// overdue says that the time for a login is over.
	overdue bool
	// stale is how long the control server was silent when that became too long; 0 if it is not.
	stale time.Duration
}

func (c *conditions) setStale(stale bool, age time.Duration) {
	switch {
	case !stale:
		c.stale = 0
	case c.stale == 0:
		c.stale = age
	}
}

// suspended is what keeps the edge from seeing the tailnet; nil if nothing does.
func (c *conditions) suspended() *wirev1.Suspended {
	switch {
	case c.waiting != "":
		s := suspended(wirev1.SuspendedReason_SUSPENDED_REASON_STARTING, c.waiting)
		s.NeedsOperator = c.operator
		return s
	case c.logging:
		s := suspended(wirev1.SuspendedReason_SUSPENDED_REASON_LOGGING_REQUIRED,
			"this tailnet demands that clients upload their logs to Tailscale: set tsnet.log_upload to true")
		s.NeedsOperator = true
		return s
	case c.state == "NeedsLogin" || c.expired:
		return c.needsLogin()
	case c.state == "NeedsMachineAuth" || c.unauthorized:
		return suspended(wirev1.SuspendedReason_SUSPENDED_REASON_NEEDS_APPROVAL,
			"an admin of the tailnet has to approve this node")
	case c.state == "Stopped":
		return suspended(wirev1.SuspendedReason_SUSPENDED_REASON_STOPPED, "the Tailscale client is switched off")
	case !c.current:
		return c.starting()
	case c.stale > 0:
		return suspended(wirev1.SuspendedReason_SUSPENDED_REASON_STALE,
			"the control server has said nothing for "+c.stale.Round(time.Second).String())
	default:
		return nil
	}
}

// needsLogin tells a login that somebody has to help with from one that is only under way.
func (c *conditions) needsLogin() *wirev1.Suspended {
	s := suspended(wirev1.SuspendedReason_SUSPENDED_REASON_NEEDS_LOGIN, "")
	switch {
	case c.refusal != "":
		s.Detail, s.NeedsOperator = "the control server refuses the login: "+c.refusal, true
	case c.loginURL != "" && !c.run.URLAllowed:
		s.Detail = "the control server asks for a person, but tsnet.login_mode allows credentials only: " +
			"give it valid credentials, or set tsnet.login_mode to interactive"
		s.NeedsOperator = true
	case c.expired:
		s.Detail, s.NeedsOperator = "the key of this node has expired", true
	case c.loginURL != "":
		s.Detail = "a person has to log this node in"
	case c.loggedOut, c.based:
		s.Detail = "this node is logged out"
	default:
		return c.starting()
	}
	if c.run.URLAllowed {
		s.LoginUrl = c.loginURL
	}
	if c.overdue {
		s.Detail += fmt.Sprintf(" (not done within %v)", c.run.LoginTimeout)
		s.NeedsOperator = true
	}
	return s
}

func (c *conditions) starting() *wirev1.Suspended {
	switch {
	case c.silent:
		return suspended(wirev1.SuspendedReason_SUSPENDED_REASON_STARTING, fmt.Sprintf(
			"no answer from the control server at %s: check tsnet.control_url, name resolution and the network",
			controlName(c.run.ControlURL)))
	case c.overdue:
		s := suspended(wirev1.SuspendedReason_SUSPENDED_REASON_STARTING, fmt.Sprintf(
			"the tailnet was not seen within %v (tsnet.login_timeout)", c.run.LoginTimeout))
		s.NeedsOperator = true
		return s
	default:
		return suspended(wirev1.SuspendedReason_SUSPENDED_REASON_STARTING, "")
	}
}

func controlName(url string) string {
	if url == "" {
		return "https://controlplane.tailscale.com"
	}
	return record.WithoutCredentials(url)
}

func suspended(reason wirev1.SuspendedReason, detail string) *wirev1.Suspended {
	return &wirev1.Suspended{Reason: reason, Detail: detail}
}
