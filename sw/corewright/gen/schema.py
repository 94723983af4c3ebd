# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the parameters of a FuseSoC generator are: one model, of which errors and docs are made."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from fusesoc.capi2.generator import Generator
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corewright.flow.errors import FlowInputError
from corewright.hints import did_you_mean

# Names of modules.
NAME_PATTERN = "^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
LEGAL_NAMES = "lower-case letters, digits and single underscores between them, such as cw_left"


class Parameters(BaseModel):
    """A generator's parameters; every field is a :func:`parameter`.

    A rule between two of them is a ``pydantic.model_validator`` with ``mode="after"``, which raises
    a ValueError whose text names one, its value, what is legal with the other, and the nearest.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=Parameters)


def parameter(default: Any, description: str, legal: str, unit: str = "", **limits: Any) -> Any:
    """Return a field of :class:`Parameters`.

    Args:
        default: its value when it is left out; ``...`` where that is wrong.
        description: what it does; for the docs page.
        legal: the values that it takes, as it stands behind "legal is".
        unit: what a number counts.
        limits: pydantic's, such as ``ge`` and ``le``.
    """
    return Field(
        default,
        description=description,
        json_schema_extra={"legal": legal, "unit": unit},
        **limits,
    )


def facts(model: type[Parameters], name: str) -> dict[str, Any]:
    """Return what :func:`parameter` was told of a field: ``legal`` and ``unit``."""
    extra = model.model_fields[name].json_schema_extra
    return extra if isinstance(extra, dict) else {}


def checked(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Return a generator call's parameters, with all defaults.

    Raises:
        FlowInputError: one is unknown or wrong. The text names the field, its value, what is legal
            and, where that means something, the nearest legal value.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        wrong = [_explain(model, one) for one in error.errors(include_url=False)]
        # A union reports what each of its members says.
        raise FlowInputError("; ".join(dict.fromkeys(wrong))) from None


def _explain(model: type[Parameters], error: Mapping[str, Any]) -> str:
    if error["type"] == "value_error":
        # A validator of the model's own, which says all itself.
        return str(error["ctx"]["error"])
    name, *inside = error["loc"]
    if error["type"] == "extra_forbidden":
        return (
            f"unknown parameter {name}{did_you_mean(str(name), model.model_fields)}, "
            f"legal are {', '.join(model.model_fields)}"
        )
    if error["type"] == "missing":
        return f"{name} is missing, legal are {facts(model, str(name))['legal']}"
    indices = "".join(f"[{part}]" for part in inside if isinstance(part, int))
    value, context = error["input"], error.get("ctx", {})
    nearest = ""
    for limit in ("ge", "le"):
        if limit in context:
            nearest = f", nearest is {context[limit]}"
    if error["type"] == "literal_error" and isinstance(value, str):
        nearest = did_you_mean(value, [str(word) for word in _literals(context)])
    return f"{name}{indices} is {value!r}, legal are {facts(model, str(name))['legal']}{nearest}"


def _literals(context: Mapping[str, Any]) -> list[str]:
    return [word.strip("' ") for word in context["expected"].replace(" or ", ",").split(",")]


def table(model: type[Parameters]) -> str:
    """Return the Markdown table of a generator's parameters."""
    lines = ["| parameter | default | unit | legal | meaning |", "|---|---|---|---|---|"]
    for name, field in model.model_fields.items():
        has_default = not field.is_required() and field.default is not None
        default = f"`{field.default}`" if has_default else ""
        known = facts(model, name)
        cells = [f"`{name}`", default, known["unit"], known["legal"], field.description or ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


class CheckedGenerator(Generator):
    """A FuseSoC generator; ``values`` are its call's parameters as they stand in the core."""

    model: ClassVar[type[Parameters]]

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        # The base class keeps them in class attributes, which two instances would share.
        self.filesets: dict[str, Any] = {}
        self.parameters: dict[str, Any] = {}
        self.targets: dict[str, Any] = {}
        self.config: dict[str, Any] | None = None
        super().__init__(data)
        self.values: dict[str, Any] = self.config or {}
        self.base = Path(self.files_root)

    def run(self) -> None:
        """Write all files into the current directory and list them.

        Raises:
            ValueError: a parameter, or what it names, is wrong.
        """
        raise NotImplementedError


def run_generator(kind: type[CheckedGenerator]) -> int:
    """Run a generator as FuseSoC does, with the path of a YAML file; returns the exit status.

    What is wrong, one line says, which begins with the name of the core that calls.
    """
    generator = kind()
    try:
        generator.run()
    except ValueError as error:
        sys.stderr.write(f"{generator.vlnv}: {error}\n")
        return 1
    generator.write()
    return 0
