"""What is wrong and what to do about it, a sentence each, for the status."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from sentinel.pipeline.writer import SourceReport

REMEDIES = {
    "needs_login": "log its node in at {login_url}, or set tsnet.auth_key to a fresh key",
    "needs_approval": "approve its node in the admin console",
    "stopped": "its node was switched off: switch it on in the admin console, or restart Sentinel",
    "logging_required": "this tailnet demands client logs: set tsnet.log_upload to true",
    "stale": "the control server says nothing: check this machine's internet connection",
    "starting": "it has not seen the tailnet yet; if this lasts, check tsnet.control_url and the network",
    "catching_up": "it is telling what it saw meanwhile; this passes by itself",
}
NO_EDGE = "no sidecar is connected: start sentinel-sidecar with --connect unix:{socket} --source {name}"


def troubles(
    reports: Iterable[SourceReport],
    *,
    sidecars: Mapping[str, str],
    turned_away: Mapping[str, str],
    silent_for: Callable[[str], float | None],
    sinks: Mapping[str, str],
    socket: str,
) -> Iterator[str]:
    """One sentence for each thing that is wrong.

    `sidecars` maps sources with a managed sidecar to its trouble (empty for none), `turned_away` and `sinks` map
    names to what is wrong; `silent_for` gives seconds without a word from an edge.
    """
    for report in reports:
        yield from _of_source(report, sidecars, socket)
        if report.rejected:
            yield f"source {report.name}: {report.rejected} changes could not be understood; the log has the first"
        silence = silent_for(report.name)
        if silence is not None and silence > 30:
            yield f"source {report.name}: its edge has been silent for {silence:.0f} s; if this lasts, restart it"
    for name, why in sorted(turned_away.items()):
        yield f"source {name}: an edge was turned away: {why}"
    for name, error in sorted(sinks.items()):
        if error:
            yield f"sink {name}: messages do not arrive: {error}"


def _of_source(report: SourceReport, sidecars: Mapping[str, str], socket: str) -> Iterator[str]:
    if not report.blind:
        return
    sight = report.sight
    if sight.reason == "no_edge":
        yield f"source {report.name} is blind: {_without_edge(report.name, sidecars, socket)}"
        return
    remedy = REMEDIES.get(sight.reason, "see the log")
    if sight.reason == "needs_login" and not sight.login_url:
        remedy = "set tsnet.auth_key to a fresh key, or remove it to get a login URL"
    detail = f" ({sight.detail})" if sight.detail else ""
    yield f"source {report.name} is blind: {sight.reason.replace('_', ' ')}{detail}; " + remedy.format(
        login_url=sight.login_url
    )


def _without_edge(name: str, sidecars: Mapping[str, str], socket: str) -> str:
    if name in sidecars:
        return sidecars[name] or "its sidecar is starting"
    return NO_EDGE.format(socket=socket, name=name)
