"""Commands about the configuration: config validate, show, schema."""

import json
import os
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import click

from sentinel.cli.application import Application
from sentinel.cli.asking import json_option
from sentinel.cli.group import ExitCode, SentinelGroup
from sentinel.cli.printing import print_json
from sentinel.cli.session import examined, settled
from sentinel.cli.tables import COLUMNS, width
from sentinel.config import SECRETS, Config, Loaded
from sentinel.config.differences import Difference, differences
from sentinel.config.document import Place
from sentinel.config.pending import pending_in
from sentinel.config.reference import schema
from sentinel.config.showing import Shown, shown
from sentinel.config.variables import places_of
from sentinel.control.client import connected
from sentinel.errors import ConfigError, ControlError, Fault
from sentinel.logs import escape_controls


@click.group("config", cls=SentinelGroup)
def config_group() -> None:
    """Look at the configuration."""


@config_group.command("validate")
@json_option
@click.pass_context
def validate(context: click.Context, *, as_json: bool) -> int:
    """Check the configuration. Lists everything that is wrong with it, and what is worth knowing."""
    loaded = checked(context.obj, examined(context))
    differing, pending = _remarks(loaded)
    if as_json:
        print_json(_verdict(loaded, differing, pending))
        return ExitCode.BAD_CONFIGURATION if loaded.faults else ExitCode.OK
    settled(context, loaded)
    click.echo("configuration valid")
    for line in _remark_lines(differing, pending):
        click.echo(escape_controls(line))
    return ExitCode.OK


@config_group.command("show")
@json_option
@click.pass_context
def show(context: click.Context, *, as_json: bool) -> int:
    """Print each effective value and where it comes from. Secrets are not among them."""
    loaded = examined(context, forgive=SECRETS)
    if loaded.config is None:
        raise ConfigError(loaded.faults)
    found = tuple(shown(loaded.config, loaded.given, of_edge=_of_edge(loaded.config)))
    if as_json:
        print_json([_shown_json(each) for each in found])
        return ExitCode.OK
    keys, values = [each.path for each in found], [_value(each) for each in found]
    wide = max(map(width, keys))
    for key, value, each in zip(keys, values, found, strict=True):
        space = " " * (wide - width(key))
        click.echo(f"{escape_controls(key)}{space}  {escape_controls(value)}  ({escape_controls(str(each.origin))})")
    return ExitCode.OK


@config_group.command("schema")
def print_schema() -> int:
    """Print the JSON schema of the configuration, for editors."""
    click.echo(json.dumps(schema(), indent=2))
    return ExitCode.OK


def _of_edge(config: Config) -> Collection[Place]:
    """The keys that an edge of the running service has from its own environment; none without a service."""
    try:
        with connected(config.control.socket) as client:
            sources = client.status().sources
    except ControlError:
        return ()
    return places_of(name for source in sources for name in source.own_variables)


def checked(app: Application, loaded: Loaded) -> Loaded:
    """The same with what is wrong beyond the file's own form; without a configuration if anything is."""
    if loaded.rest is None:
        return loaded
    found = tuple(loaded.located(fault) for fault in app.check(loaded.rest))
    if not found:
        return replace(loaded, warnings=(*loaded.warnings, *app.remarks(loaded.rest)))
    faults = sorted([*loaded.faults, *found], key=lambda fault: fault.line or 0)
    return replace(loaded, config=None, faults=tuple(faults))


def different(loaded: Loaded) -> Sequence[Difference]:
    """What acts differently from the original."""
    if loaded.config is None:
        return ()
    return differences(loaded.config, said=loaded.said, given=loaded.given, env=os.environ)


def _remarks(loaded: Loaded) -> tuple[Sequence[Difference], Sequence[tuple[str, str]]]:
    """What acts differently from the original, and which keys have no effect yet."""
    return different(loaded), tuple(pending_in(loaded.given)) if loaded.config is not None else ()


def _remark_lines(differing: Sequence[Difference], pending: Sequence[tuple[str, str]]) -> Iterator[str]:
    if differing:
        yield from ("", "Acts differently from jaxxstorm/sentinel; the line below each restores it:")
        for each in differing:
            yield from textwrap.wrap(each.text, COLUMNS, initial_indent="  ", subsequent_indent="  ")
            if each.restore:
                yield f"    {each.restore}"
    if pending:
        yield from ("", "Accepted, has no effect yet:")
        for text in dict.fromkeys(text for _, text in pending):
            keys = ", ".join(key for key, own in pending if own == text)
            yield from textwrap.wrap(text, COLUMNS, initial_indent="  ", subsequent_indent="  ")
            yield from textwrap.wrap(keys, COLUMNS, initial_indent="    ", subsequent_indent="    ")


def _verdict(
    loaded: Loaded, differing: Sequence[Difference], pending: Sequence[tuple[str, str]]
) -> Mapping[str, object]:
    return {
        "valid": not loaded.faults,
        "faults": [_fault_json(fault) for fault in loaded.faults],
        "warnings": list(loaded.warnings),
        "differences": [{"text": each.text, "restore": each.restore} for each in differing],
        "pending": [{"path": path, "text": text} for path, text in pending],
    }


def _fault_json(fault: Fault) -> Mapping[str, object]:
    return {"file": fault.file, "line": fault.line, "path": fault.path, "text": fault.text}


def _shown_json(each: Shown) -> Mapping[str, object]:
    origin = each.origin
    return {
        "path": each.path,
        "value": each.value,
        "origin": str(origin.kind),
        "name": origin.name,
        "line": origin.line,
        "written": origin.path,
    }


def _value(each: Shown) -> str:
    if each.value is None or each.value == "":
        return "-"
    return each.value if isinstance(each.value, str) else json.dumps(each.value, ensure_ascii=False)
