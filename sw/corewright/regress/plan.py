# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Suites in TOML: a kind of case and its parameters. ``regressions/README.md`` shows one."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from corewright.environment import repository_root
from corewright.files import JSON_BYTES, UnreadableFileError, read_bytes, reason
from corewright.flow.bench import STALLS
from corewright.flow.errors import FlowInputError
from corewright.flow.system import find_system, hardware_of
from corewright.flow.system_core import processing_elements
from corewright.hardware import Hardware
from corewright.hints import did_you_mean
from corewright.regress.random_graphs import LAYER_NAMES
from corewright.regress.traffic import EVENTS, HOSTS, MAX_RUNS, Traffic, TrafficWeights

KINDS = ("graphs", "system")
# What compiles and runs a bench; the first unless a suite or a command says otherwise.
SIMULATORS = ("verilator", "xsim")
# Names another than the suite's, for workers too.
SIMULATOR_VARIABLE = "COREWRIGHT_SIMULATOR"
SUFFIX = ".toml"
NAME_PATTERN = re.compile("[a-z]+(_[a-z]+)*")
LEGAL_NAMES = "lower-case words with single underscores between them, such as my_suite.toml"


def _legal(*legal: str) -> Callable[[dict[str, float]], dict[str, float]]:
    """A check of a table of weights: known names, one weight at least above 0."""

    def check(weights: dict[str, float]) -> dict[str, float]:
        for name in weights:
            if name not in legal:
                raise ValueError(
                    f"'{name}' is unknown{did_you_mean(name, legal)}, legal are {', '.join(legal)}"
                )
        if weights and not any(weights.values()):
            raise ValueError("all weights are 0, legal is one at least above 0")
        return weights

    return check


Weights = dict[str, Annotated[float, Field(ge=0, le=1e6)]]
_RUNS = tuple(str(number) for number in range(1, MAX_RUNS + 1))


def _hardware_value(name: str, value: object) -> None:
    try:
        Hardware.from_dict({name: tuple(value) if isinstance(value, list) else value})
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _choices(choices: dict[str, list[Any]]) -> dict[str, list[Any]]:
    for name, values in choices.items():
        if not values:
            raise ValueError(f"no value of {name}, legal is one at least")
        for value in values:
            _hardware_value(name, value)
    return choices


def _processing_element(name: str) -> str:
    legal = processing_elements()
    if name not in legal:
        near = did_you_mean(name, legal)
        raise ValueError(f"'{name}' is no processing element{near}, legal are {', '.join(legal)}")
    return name


def _simulator(name: str) -> str:
    if name not in SIMULATORS:
        near = did_you_mean(name, SIMULATORS)
        raise ValueError(f"'{name}' is no simulator{near}, legal are {', '.join(SIMULATORS)}")
    return name


def _traffic(values: dict[str, Any]) -> dict[str, Any]:
    Traffic.from_dict(values)
    return values


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Network(_Table):
    """What networks are drawn.

    Attributes:
        layers: at most.
        size: rows and columns of an image, at most.
        batch: at most.
        operators: weights of the layers that are drawn; empty: those of every legal network.
    """

    layers: int = Field(12, ge=1, le=64)
    size: int = Field(9, ge=1, le=64)
    batch: int = Field(5, ge=1, le=16)
    operators: Annotated[Weights, AfterValidator(_legal(*LAYER_NAMES))] = Field(
        default_factory=dict
    )


class Fixed(_Table):
    """A hardware that people use, in a share of the cases.

    Attributes:
        model: a model whose hardware it is; or
        file: a JSON file of hardware, from the repository's root.
        every: one case of so many has it.
        reason: why it is in the suite.
    """

    model: str = ""
    file: str = ""
    every: int = Field(ge=1, le=1_000_000)
    reason: str = Field(min_length=1)


class HardwarePlan(_Table):
    """What hardware is drawn.

    Attributes:
        cases: of one random hardware, whose simulation is compiled once.
        processing_element: the array's provider, a core of ``core/pe``.
        units: multiply-add units, at most: compiling takes long with many.
        choices: parameters of Hardware that are drawn from a list in the place of the usual draw.
        fixed: hardware that is not drawn.
    """

    cases: int = Field(20, ge=1, le=100_000)
    processing_element: Annotated[str, AfterValidator(_processing_element)] = "pe_integer"
    units: int = Field(96, ge=1, le=128 * 128)
    choices: Annotated[dict[str, list[Any]], AfterValidator(_choices)] = Field(default_factory=dict)
    fixed: list[Fixed] = Field(default_factory=list)


class TrafficPlan(_Table):
    """How often what happens around a network; see :class:`TrafficWeights`."""

    stalls: Annotated[Weights, AfterValidator(_legal(*STALLS, "by port"))] = Field(
        dict.fromkeys(STALLS, 1.0), min_length=1
    )
    host: Annotated[Weights, AfterValidator(_legal(*HOSTS))] = Field({"prompt": 1.0}, min_length=1)
    runs: Annotated[Weights, AfterValidator(_legal(*_RUNS))] = Field(
        {"1": 1.0, "2": 1.0}, min_length=1
    )
    event: Annotated[Weights, AfterValidator(_legal(*EVENTS))] = Field({"none": 1.0}, min_length=1)

    @property
    def weights(self) -> TrafficWeights:
        """As the sampler takes them."""
        runs = {int(number): weight for number, weight in self.runs.items()}
        return TrafficWeights(self.stalls, self.host, runs, self.event)


class Directed(_Table):
    """The first cases of each run: what sampling rarely reaches. The rest of each is drawn.

    Attributes:
        name: of the corner.
        reason: why it is wanted.
        cases: so many networks.
        traffic: fields of :class:`Traffic` with the values that they have.
        hardware: parameters of Hardware with theirs: it has a simulation of its own; left out:
            that of the first random hardware.
        fixed: the model or file of one of ``hardware.fixed``, whose hardware it is.
        network: as in the suite.
    """

    name: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    cases: int = Field(1, ge=1, le=1000)
    traffic: Annotated[dict[str, Any], AfterValidator(_traffic)] = Field(default_factory=dict)
    hardware: dict[str, Any] = Field(default_factory=dict)
    fixed: str = ""
    network: Network | None = None


class GraphPlan(_Table):
    """A suite of kind ``graphs``."""

    kind: Literal["graphs"]
    description: str = Field(min_length=1)
    cases: int = Field(2000, ge=1, le=10**9)
    network: Network = Network()


class SystemPlan(_Table):
    """A suite of kind ``system``."""

    kind: Literal["system"]
    description: str = Field(min_length=1)
    cases: int = Field(200, ge=1, le=10**9)
    simulator: Annotated[str, AfterValidator(_simulator)] = SIMULATORS[0]
    network: Network = Network(layers=12, size=12, batch=4)
    hardware: HardwarePlan = HardwarePlan()
    traffic: TrafficPlan = TrafficPlan()
    directed: list[Directed] = Field(default_factory=list)

    def fixed_number(self, name: str) -> int | None:
        """Return which of ``hardware.fixed`` has a model or a file; None: none has."""
        named = [fixed.model or fixed.file for fixed in self.hardware.fixed]
        return named.index(name) if name in named else None

    def fixed_hardware(self, number: int) -> Hardware:
        """Return a hardware that is not drawn.

        Raises:
            FlowInputError: it is not there.
        """
        fixed = self.hardware.fixed[number]
        return _fixed(fixed.model, fixed.file)


# Every case asks, and a model's name is looked up in the files of all.
@lru_cache
def _fixed(model: str, file: str) -> Hardware:
    return find_system(model).hardware if model else hardware_of(file, repository_root())


def simulator_of(plan: SystemPlan) -> str:
    """Return what runs a suite's cases: what a command asked for, or what the suite says.

    Raises:
        FlowInputError: the environment names no simulator.
    """
    name = os.environ.get(SIMULATOR_VARIABLE) or plan.simulator
    try:
        return _simulator(name)
    except ValueError as error:
        raise FlowInputError(f"{SIMULATOR_VARIABLE}: {error}") from error


Plan = GraphPlan | SystemPlan
_PLANS: dict[str, type[GraphPlan] | type[SystemPlan]] = {"graphs": GraphPlan, "system": SystemPlan}


def read_plan(path: Path) -> Plan:
    """Read a suite's file.

    Raises:
        FlowInputError: it cannot be read, or a field is unknown or wrong; the text names file,
            field, value, what is legal and, where that means something, the nearest legal value.
    """
    if path.suffix != SUFFIX or NAME_PATTERN.fullmatch(path.stem) is None:
        raise FlowInputError(f"suite {path}: the file's name, legal are {LEGAL_NAMES}")
    try:
        values = tomllib.loads(read_bytes(path, JSON_BYTES).decode("utf-8"))
    except (OSError, UnreadableFileError, ValueError, RecursionError) as error:
        raise FlowInputError(f"suite {path}: cannot be read: {reason(error)}") from error
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in _PLANS:
        near = did_you_mean(kind, KINDS) if isinstance(kind, str) else ""
        raise FlowInputError(f"suite {path}: kind is {kind!r}{near}, legal are {', '.join(KINDS)}")
    try:
        plan = _PLANS[kind].model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise FlowInputError(f"suite {path}: {_explain(_PLANS[kind], first)}") from None
    if isinstance(plan, SystemPlan):
        _check_hardware(path, plan)
    return plan


def _check_hardware(path: Path, plan: SystemPlan) -> None:
    for number, fixed in enumerate(plan.hardware.fixed):
        where = f"suite {path}: hardware.fixed[{number}]"
        if bool(fixed.model) == bool(fixed.file):
            raise FlowInputError(f"{where}: legal is one of model and file")
        try:
            plan.fixed_hardware(number)
        except FlowInputError as error:
            raise FlowInputError(f"{where}: {error}") from error
    for number, directed in enumerate(plan.directed):
        if directed.fixed and (directed.hardware or plan.fixed_number(directed.fixed) is None):
            legal = ", ".join(fixed.model or fixed.file for fixed in plan.hardware.fixed)
            raise FlowInputError(
                f"suite {path}: directed[{number}].fixed is {directed.fixed!r}, legal without a "
                f"hardware of its own is one of hardware.fixed: {legal or 'there is none'}"
            )
        if directed.hardware:
            try:
                hardware_of(directed.hardware, path.parent)
            except FlowInputError as error:
                raise FlowInputError(f"suite {path}: directed[{number}].{error}") from error


def _explain(model: type[BaseModel], error: Mapping[str, Any]) -> str:
    places = list(error["loc"])
    field, table = "", model
    for part in places:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    value, context = error["input"], error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        legal = _fields(table, places[:-1])
        return (
            f"unknown field {field}{did_you_mean(str(places[-1]), legal)}, "
            f"legal are {', '.join(legal)}"
        )
    if error["type"] == "missing":
        return f"{field} is missing"
    if error["type"] == "value_error":
        return f"{field}: {context['error']}"
    limits = {"ge": "at least", "le": "at most", "min_length": "characters, at least"}
    for limit, text in limits.items():
        if limit in context:
            nearest = "" if limit == "min_length" else f", nearest is {context[limit]}"
            return f"{field} is {value!r}, legal is {text} {context[limit]}{nearest}"
    kind = error["type"].removesuffix("_type").replace("_from_float", "")
    names = {"int": "an integer", "float": "a number", "string": "a text", "list": "a list"}
    names |= {"dict": "a table", "model": "a table"}
    return f"{field} is {value!r}, legal is {names.get(kind, error['msg'])}"


def _fields(model: type[BaseModel], places: list[Any]) -> list[str]:
    """The fields of the table that a path leads to."""
    for part in places:
        if isinstance(part, int):
            continue
        model = _TABLES[str(part)]
    return list(model.model_fields)


_TABLES: dict[str, type[BaseModel]] = {
    "network": Network,
    "hardware": HardwarePlan,
    "fixed": Fixed,
    "traffic": TrafficPlan,
    "directed": Directed,
}
