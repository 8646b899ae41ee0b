"""What is wrong and what to do about it, a sentence each, for the status."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from sentinel.delivery.story import SinkReport
from sentinel.pipeline.writer import SourceReport

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
        # That no edge is connected is the consequence then, and what is to be done about that the wrong thing.
        if not (report.sight.reason == "no_edge" and report.name in turned_away):
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
            yield f"sink {name}: {error}"


def of_sink(report: SinkReport) -> str:
    """What is wrong with a sink and what becomes of it; empty if its last message arrived."""
    if not report.alive:
        return f"messages do not arrive: its loop broke off ({report.last_error}); restart the service"
    if report.disabled:
        return f"switched off until the next start, because its address is gone: {report.disabled}"
    if not report.failures:
        return ""
    later = "; it is left alone and probed now and then" if report.resting else ""
    return f"messages do not arrive: {report.last_error}{later}"


def _of_source(report: SourceReport, sidecars: Mapping[str, str], socket: str) -> Iterator[str]:
    if not report.blind:
        return
    sight = report.sight
    if sight.reason == "no_edge":
        yield f"source {report.name} is blind: {_without_edge(report.name, sidecars, socket)}"
        return
    why = sight.detail or sight.reason.replace("_", " ")
    todo = f"log its node in at {sight.login_url}" if sight.login_url else report.remedy
    yield f"source {report.name} is blind: {why}" + (f"; {todo}" if todo else "")


def _without_edge(name: str, sidecars: Mapping[str, str], socket: str) -> str:
    if name in sidecars:
        return sidecars[name] or "its sidecar is starting"
    return NO_EDGE.format(socket=socket, name=name)
