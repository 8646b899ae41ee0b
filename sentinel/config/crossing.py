"""What is wrong between keys that are right each by itself."""

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from sentinel.config.document import Place
from sentinel.config.groups import DETECTORS
from sentinel.config.model import Config
from sentinel.config.sinks import FileSink
from sentinel.config.values import nearest

_KEPT = 1_000
"""As many full files of a sink are looked at."""

Finding = tuple[Place, str]


def crossed(
    config: Config, *, sinks: Collection[str] = (), quiet: Collection[str] = (), skipped: Collection[str] = ()
) -> Iterator[Finding]:
    """Each key that does not fit another one. `sinks` and `quiet` are names of those that are left out, too.

    `skipped` are names of sinks that are left out though nothing is wrong with them.
    """
    known = {*config.sinks, *sinks}
    yield from _routes(config, {*known, *skipped}, {*config.policy.quiet_hours, *quiet})
    yield from _fallbacks(config, known, skipped)
    yield from _files(config)
    yield from _detectors(config)
    yield from _credentials(config)


def unrouted(config: Config) -> tuple[str, ...]:
    """A sentence for each sink that no route names; the one that is always there does not count."""
    if not config.routes:
        return ()
    named = {sink for route in config.routes for sink in (*route.sinks, *route.fallback)}
    left = (name for name in config.sinks if name not in named and name != "stdout-debug")
    return tuple(f"no route names the sink {name}: it is told nothing" for name in left)


def _routes(config: Config, sinks: Collection[str], quiet: Collection[str]) -> Iterator[Finding]:
    for index, route in enumerate(config.routes):
        here = ("routes", str(index))
        # The original falls back to the one sink that is always there.
        if not route.sinks and not (route.is_original and "stdout-debug" in sinks):
            yield here, "needs `sinks`"
        for at, name in enumerate(route.sinks):
            if name not in sinks:
                yield (*here, "sinks", str(at)), f"names `{name}`, which is no sink{nearest(name, sorted(sinks))}"
        if route.quiet and route.quiet not in quiet:
            known = list(config.policy.quiet_hours)
            yield (
                (*here, "quiet"),
                f"names `{route.quiet}`, which is not in `policy.quiet_hours`{nearest(route.quiet, known)}",
            )
        for side in ("match", "except"):
            for name in (route.match if side == "match" else route.exclude).sources:
                if not any(fnmatchcase(source, name) for source in config.sources):
                    yield (
                        (*here, side, "sources"),
                        f"names `{name}`, which is no source{nearest(name, list(config.sources))}",
                    )


def _fallbacks(config: Config, sinks: Collection[str], skipped: Collection[str]) -> Iterator[Finding]:
    """A fallback is a sink that there is, and another one than those that it stands by."""
    for index, route in enumerate(config.routes):
        for at, name in enumerate(route.fallback):
            here = ("routes", str(index), "fallback", str(at))
            if name in skipped:
                yield here, f"names `{name}`, which is skipped: give that sink its `url`, or name another one"
            elif name not in sinks:
                yield here, f"names `{name}`, which is no sink{nearest(name, sorted(sinks))}"
            elif name in route.sinks:
                yield here, f"names `{name}`, which is among the route's own `sinks`: name another one"


def _files(config: Config) -> Iterator[Finding]:
    """Sinks that would write into each other's files, the full ones that a sink keeps included."""
    owners: dict[Path, str] = {}
    for name, sink in config.sinks.items():
        if not isinstance(sink, FileSink):
            continue
        kept = (sink.path.with_name(f"{sink.path.name}.{number}") for number in range(1, min(sink.keep, _KEPT) + 1))
        shared = [path for path in (sink.path, *kept) if owners.setdefault(path, name) != name]
        if shared:
            yield ("sinks", name, "path"), f"is shared with the sink {owners[shared[0]]}: give each a file of its own"


def _detectors(config: Config) -> Iterator[Finding]:
    for name in config.detectors:
        if name not in DETECTORS:
            yield ("detectors", name), f"is not a detector{nearest(name, DETECTORS)}"
    for at, name in enumerate(config.detector_order):
        if name not in config.detectors:
            yield (
                ("detector_order", str(at)),
                f"names `{name}`, which is not in `detectors`{nearest(name, list(config.detectors))}",
            )


def _credentials(config: Config) -> Iterator[Finding]:
    tsnet = config.tsnet
    secret = bool(tsnet.client_secret.get_secret_value())
    others = (
        ("client_id", tsnet.client_id),
        ("id_token", tsnet.id_token.get_secret_value()),
        ("audience", tsnet.audience),
    )
    if tsnet.login_mode == "oauth" and not secret:
        yield ("tsnet", "login_mode"), "is `oauth`, which needs `tsnet.client_secret`"
    for key, value in others:
        if value and not secret:
            yield ("tsnet", key), "needs `tsnet.client_secret` beside it"
    if secret and not tsnet.client_id:
        yield ("tsnet", "client_secret"), "needs `tsnet.client_id` beside it"
    if tsnet.auth_key_file is not None and tsnet.auth_key.get_secret_value():
        yield ("tsnet", "auth_key_file"), "cannot stand beside `tsnet.auth_key`: keep one of them"
