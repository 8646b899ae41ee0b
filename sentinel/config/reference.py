"""The configuration as its reference shows it: every key with its type, default and description, and the schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from sentinel.config.durations import spell_duration
from sentinel.config.model import Config


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `path` is dotted, with `<name>` for a name of the user's choice; `variant` tells apart sinks' types."""

    path: str
    variant: str
    type: str
    default: str
    description: str


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
            if "$ref" in spec or "additionalProperties" in spec:
                spec.pop("default", None)
    sink = generated["$defs"]["StdoutSink"]["properties"]["type"]
    sink.pop("const", None)
    sink["enum"] = ["stdout", "debug"]
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


def _keys(model: Mapping[str, Any], prefix: str, definitions: Mapping[str, Any], variant: str) -> Iterator[Key]:
    required = model.get("required", ())
    for name, spec in model["properties"].items():
        path = f"{prefix}{name}"
        if "$ref" in spec:
            yield from _keys(_resolved(spec, definitions), f"{path}.", definitions, variant)
        elif "additionalProperties" in spec:
            for kind in _kinds(spec["additionalProperties"]):
                inner = _resolved(kind, definitions)
                yield from _keys(inner, f"{path}.<name>.", definitions, _variant(inner))
        else:
            default = "required" if name in required else _default(spec)
            yield Key(path, variant, _type(spec), default, spec.get("description", ""))


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
    if any("pattern" in kind and kind.get("type") == "string" for kind in choices) and len(choices) > 1:
        return "duration"
    kind = choices[0]
    if "enum" in kind or "const" in kind:
        return " or ".join(f"`{value}`" for value in kind.get("enum", [kind.get("const")]))
    names = {"string": "path" if kind.get("format") == "path" else "text", "boolean": "`true` or `false`"}
    return names[kind["type"]]


def _default(spec: Mapping[str, Any]) -> str:
    if "x-default" in spec:
        return str(spec["x-default"])
    default = spec.get("default")
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`" if default else "none"
