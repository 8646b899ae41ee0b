"""The types of events that the own node and its network can have, in the order in which they are told."""

from sentinel.events import EventType

STATE = EventType("daemon.state.changed", aspect="state", order=110, problem="any")
LOGIN = EventType(
    "daemon.login_required", aspect="login", order=111, problem="any", outranks=frozenset({"daemon.state.changed"})
)
HEALTH = EventType("daemon.health.changed", aspect="health", order=112, problem="any")
KEY = EventType("daemon.key_expiring", aspect="key_life", order=113, problem="any")
ROUTES = EventType("prefs.advertise_routes.changed", aspect="advertise_routes", order=120)
EXIT_NODE = EventType("prefs.exit_node.changed", aspect="exit_node", order=121)
RUN_SSH = EventType("prefs.run_ssh.changed", aspect="run_ssh", order=122)
SHIELDS_UP = EventType("prefs.shields_up.changed", aspect="shields_up", order=123)
DOMAIN = EventType("tailnet.domain.changed", aspect="domain", order=130)
LOCK = EventType("tailnet.tka_enabled.changed", aspect="tka_enabled", order=131)

CATALOGUE = {row.name: row for row in (STATE, LOGIN, HEALTH, KEY, ROUTES, EXIT_NODE, RUN_SSH, SHIELDS_UP, DOMAIN, LOCK)}
