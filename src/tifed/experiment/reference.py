"""The reference of every experiment field, made from the schema so that it cannot go stale."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tifed.baselines import BASELINES
from tifed.data.partition import PARTITIONS, PartitionKind
from tifed.experiment.names import CHOICES
from tifed.experiment.schema import Experiment
from tifed.registry import Registry
from tifed.rule.front_end import FRONT_ENDS
from tifed.rule.recipes import RECIPES

_NAMED: Mapping[str, Registry[Any]] = {**CHOICES, "kind": PARTITIONS, "front_end": FRONT_ENDS}
"""Keys whose values are names of things that can be registered; TIFeD's own are listed."""


def markdown() -> str:
    """Tables of fields: name, type and range, default, meaning."""
    parts = ["## Top-level keys\n", *_table(Experiment)]
    for name, field in Experiment.model_fields.items():
        if isinstance(field.default, PartitionKind):
            parts += [f"\n## `[{name}]`\n", *_table(PartitionKind)]
            for kind in PARTITIONS.built_in:
                own = list(_table(PARTITIONS[kind], leave_out=("kind",)))
                if len(own) > 2:
                    parts += [f'\n## `[{name}]` with `kind = "{kind}"`\n', *own]
        elif isinstance(field.default, BaseModel):
            parts += [f"\n## `[{name}]`\n", *_table(type(field.default))]
    for name in RECIPES.built_in:
        parts += [f'\n## `[recipe_settings]` with `recipe = "{name}"`\n', *_table(RECIPES[name])]
    for name in BASELINES.built_in:
        title = f'\n## `[baseline_settings]` with `baseline = "{name}"`\n'
        parts += [title, *_table(BASELINES[name])]
    return "\n".join(parts) + "\n"


def _table(model: type[BaseModel], leave_out: Sequence[str] = ()) -> Iterator[str]:
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    properties = model.model_json_schema()["properties"]
    definitions = model.model_json_schema().get("$defs", {})
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel) or name in leave_out:
            continue
        value = _value(properties[name], definitions)
        if name in _NAMED:
            value = ", ".join(f"`{one}`" for one in _NAMED[name].built_in)
        yield f"| `{name}` | {value} | {_default(field)} | {field.description} |"


def _value(schema: dict[str, object], definitions: dict[str, dict[str, object]]) -> str:
    """Type and range, in words."""
    if "$ref" in schema:
        schema = definitions[str(schema["$ref"]).rsplit("/", 1)[1]]
    if isinstance(options := schema.get("anyOf"), list):
        values = (_value(one, definitions) for one in options if one != {"type": "null"})
        return ", or ".join(values)
    if "const" in schema:
        return f"`{schema['const']}`"
    if isinstance(choices := schema.get("enum"), list):
        return ", ".join(f"`{choice}`" for choice in choices)
    if isinstance(items := schema.get("items"), dict):
        return f"list of {_value(items, definitions)}"
    kind = str(schema["type"])
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    bounds = [
        f"{sign} {limit:,}"
        for sign, limit in (
            (">" if "exclusiveMinimum" in schema else "≥", low),
            ("<" if "exclusiveMaximum" in schema else "≤", high),
        )
        if isinstance(limit, int | float)
    ]
    return " ".join([{"object": "table", "string": "text"}.get(kind, kind), ", ".join(bounds)])


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if value in ((), {}):
        return "empty"
    return f"`{value}`"
