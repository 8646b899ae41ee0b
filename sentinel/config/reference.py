"""The configuration as its reference shows it: every key with its type, default and description, and the schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from sentinel.config.document import Place
from sentinel.config.durations import spell_duration
from sentinel.config.given import get
from sentinel.config.model import Config


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `path` is dotted, with `<name>` for a name of the user's choice and `[]` for each item of a list.

    `variant` tells apart the types of sinks.
    """

    path: str
    variant: str
    type: str
    default: str
    description: str

    @property
    def id(self) -> str:
        """What no other key is called: the type of a sink stands where its name would."""
        return self.path.replace("<name>", f"<{self.variant}>") if self.variant else self.path


class _Schema(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Spans of time as people write them in the file."""
        return spell_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def schema() -> dict[str, Any]:
    """The JSON schema of a configuration file, for editors."""
    generated = Config.model_json_schema(schema_generator=_Schema)
    for model in (generated, *generated["$defs"].values()):
        for spec in model.get("properties", {}).values():
            spec.pop("title", None)
            # The default of a group is nothing but the defaults of its own keys.
            if "$ref" in spec or "additionalProperties" in spec or spec.get("default") is None:
                spec.pop("default", None)
    sink = generated["$defs"]["StdoutSink"]["properties"]["type"]
    sink.pop("const", None)
    sink["enum"] = ["stdout", "debug"]
    sinks = generated["properties"]["sinks"]
    sinks["type"] = ["object", "array"]
    generated["properties"]["severity_overrides"]["type"] = ["array", "object"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **generated,
        "title": "Configuration of Sentinel",
        "description": "Generated from the code.",
    }


def keys() -> Iterator[Key]:
    """Every key there is, in the order of the file."""
    document = schema()
    yield from _keys(document, "", document["$defs"], "")


def key_id(place: Place, given: Mapping[str, Any]) -> str:
    """The `id` of the key at `place`; of what is no key, something that no key is called."""
    if place[:1] == ("sinks",) and len(place) > 2:
        kind = get(given, (*place[:2], "type"))
        return ".".join(("sinks", f"<{'stdout' if kind == 'debug' else kind}>", *place[2:]))
    spelled = ""
    for at, part in enumerate(place):
        if part.isdigit():
            spelled += "[]"
        else:
            named = place[:at] in _NAMED
            spelled += ("." if spelled else "") + ("<name>" if named else part)
    return spelled


_NAMED: tuple[Place, ...] = (("sinks",), ("sources",), ("detectors",), ("policy", "quiet_hours"))


def _keys(model: Mapping[str, Any], prefix: str, definitions: Mapping[str, Any], variant: str) -> Iterator[Key]:
    required = model.get("required", ())
    for name, spec in model["properties"].items():
        path = f"{prefix}{name}"
        inner = [] if "x-type" in spec else list(_inner(spec, definitions))
        if not inner and ("x-type" in spec or _is_typed(spec)):
            default = "required" if name in required else _default(spec)
            yield Key(path, variant, _type(spec), default, spec.get("description", ""))
        for suffix, group in inner:
            yield from _keys(
                group, f"{path}{suffix}.", definitions, _variant(group) if suffix == ".<name>" else variant
            )


def _is_typed(spec: Mapping[str, Any]) -> bool:
    return bool({"type", "anyOf", "const", "enum"} & set(spec))


def _inner(spec: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The groups of keys that the key holds, and what stands between its own path and theirs."""
    for kind in _kinds(spec):
        if "$ref" in kind:
            yield "", _resolved(kind, definitions)
        elif "items" in kind and "$ref" in kind["items"]:
            yield "[]", _resolved(kind["items"], definitions)
        for named in _kinds(kind.get("additionalProperties") or {}):
            if "$ref" in named:
                yield ".<name>", _resolved(named, definitions)


def _resolved(spec: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = definitions[spec["$ref"].rpartition("/")[2]]
    return found


def _kinds(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return spec.get("oneOf") or spec.get("anyOf") or [spec]


def _variant(model: Mapping[str, Any]) -> str:
    """The type that a sink's keys belong to."""
    kind = model["properties"].get("type", {})
    return str(kind.get("const") or next(iter(kind.get("enum", ())), ""))


def _type(spec: Mapping[str, Any]) -> str:
    choices = [kind for kind in _kinds(spec) if kind.get("type") != "null"]
    special = spec.get("x-type") or next((kind["x-type"] for kind in choices if "x-type" in kind), None)
    if special:
        return str(special)
    kind = choices[0]
    if "enum" in kind or "const" in kind:
        return " or ".join(f"`{value}`" for value in kind.get("enum", [kind.get("const")]))
    text = "path" if kind.get("format") == "path" else "text"
    return {"string": text, "boolean": "`true` or `false`", "integer": "number", "array": "list"}[kind["type"]]


def _default(spec: Mapping[str, Any]) -> str:
    if "x-default" in spec:
        return str(spec["x-default"])
    default = spec.get("default")
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list | tuple) and default:
        return f"`[{', '.join(map(str, default))}]`"
    return f"`{default}`" if default or default == 0 else "none"
