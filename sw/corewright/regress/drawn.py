# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What a case runs, apart from how it was drawn: it can be saved, changed and run again."""

from __future__ import annotations

import base64
import json
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from corewright.compiler import CompiledProgram
from corewright.environment import command_line
from corewright.facts.widths import is_sign
from corewright.files import UnreadableFileError, brief, parse_json, read_json, reason
from corewright.flow.errors import FlowInputError
from corewright.graph import Graph, GraphError
from corewright.hardware import Hardware
from corewright.regress.case import Observation, Suite
from corewright.regress.drawing import graph_summary
from corewright.regress.execute import file_of

FORMAT = "corewright-case"
VERSION = 1
# Of a batch or of images there may be so many in a file.
_MOST = 1 << 16
_KEYS = ("format", "version", "suite", "origin", "signature", "hardware", "batch", "options")
_DATA = ("images", "network", "graph")


@dataclass(frozen=True, eq=False)
class Drawn:
    """All that decides what a case does.

    Attributes:
        origin: name of the case that was drawn, ``SUITE-SEED-INDEX``.
        graph: the network.
        hardware: the accelerator.
        batch: images of a run.
        images: (N, H, W, C) integers; the last run is filled up with the first ones.
        options: what else the suite draws, JSON-compatible; see ``ExplicitSuite.simplest``.
        program: of the graph, where drawing had to compile it; what is changed has none.
    """

    origin: str
    graph: Graph
    hardware: Hardware
    batch: int
    images: npt.NDArray[np.int64]
    options: Mapping[str, Any]
    program: CompiledProgram | None = field(default=None, repr=False)


@runtime_checkable
class ExplicitSuite(Suite, Protocol):
    """A suite that draws a case apart from checking it; ``run`` is one behind the other."""

    @property
    def simplest(self) -> Mapping[str, Any]:
        """All options with their simplest values, which shrinking tries first."""

    @property
    def simulates(self) -> bool:
        """Whether a case is a simulation: it has waves, and new hardware has to be compiled."""

    def draw(self, seed: int, index: int, observation: Observation) -> Drawn:
        """Return what a case runs; raises what makes the case fail without any."""

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise FlowInputError where an option has no legal value."""

    def check(self, drawn: Drawn, observation: Observation, waves: Path | None = None) -> None:
        """Run what was drawn; see ``Suite.run``.

        Args:
            drawn: what to run; hardware that does not hold the network raises CompileError.
            observation: told what runs.
            waves: FST file to write, of a suite that simulates.
        """


def explicit(suite: Suite) -> ExplicitSuite:
    """Return a suite as one whose cases can be drawn.

    Raises:
        FlowInputError: it is none.
    """
    if not isinstance(suite, ExplicitSuite):
        raise FlowInputError(f"cases of suite '{suite.name}' cannot be taken apart")
    return suite


def check_values(options: Mapping[str, Any], legal: Mapping[str, tuple[Any, ...] | range]) -> None:
    """Raise FlowInputError where an option is missing, unknown or not one of its legal values."""
    for name in sorted({*options, *legal}):
        if name not in legal:
            raise FlowInputError(f"option '{brief(name)}' is unknown, legal are {', '.join(legal)}")
        value, values = options.get(name), legal[name]
        if isinstance(values, range):
            right = isinstance(value, int) and not isinstance(value, bool) and value in values
            text = f"an integer {values.start}..{values.stop - 1}"
        else:
            # True is 1, but no number.
            right = any(value == each and type(value) is type(each) for each in values)
            text = ", ".join(json.dumps(each) for each in values)
        if not right:
            raise FlowInputError(f"option '{name}' is {brief(repr(value))}, legal is {text}")


def replay_command(suite: Suite, path: Path) -> str:
    """Return the command that runs a saved case."""
    name = shlex.quote(file_of(suite) or suite.name)
    return f"{command_line()} regress {name} --replay {shlex.quote(str(path))}"


# ------------------------------------------------------------------------------------ files


def to_json(drawn: Drawn, suite: str, signature: str = "") -> dict[str, Any]:
    """Return a case as JSON-compatible data; ``network`` is for people only.

    Args:
        drawn: the case.
        suite: name of its suite.
        signature: with which it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        data = drawn.graph.save(Path(folder) / "graph.cwgraph").read_bytes()
    return {
        "format": FORMAT,
        "version": VERSION,
        "suite": suite,
        "origin": drawn.origin,
        "signature": signature,
        "hardware": drawn.hardware.to_dict(),
        "batch": drawn.batch,
        "options": dict(drawn.options),
        "images": drawn.images.tolist(),
        "network": graph_summary(drawn.graph),
        "graph": base64.b64encode(data).decode("ascii"),
    }


def to_text(values: Mapping[str, Any]) -> str:
    """Return the text of a case's file: a line for each of its parts."""
    lines = [f'"{name}": {json.dumps(value)}' for name, value in values.items()]
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def from_json(values: Any, suite: ExplicitSuite) -> Drawn:
    """Return the case of :func:`to_json`.

    Raises:
        FlowInputError: it is none, or one of another suite; the message says what is legal.
    """
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise FlowInputError(f"no case, legal is what --shrink writes (format '{FORMAT}')")
    if values.get("version") != VERSION:
        got = brief(repr(values.get("version")))
        raise FlowInputError(f"version is {got}, legal is {VERSION}")
    legal = (*_KEYS, *_DATA)
    if set(values) != set(legal):
        wrong = sorted(map(brief, set(values) ^ set(legal)))
        raise FlowInputError(f"parts {', '.join(wrong)} missing or unknown, legal are {legal}")
    if values["suite"] != suite.name:
        got = brief(repr(values["suite"]))
        raise FlowInputError(f"is a case of suite {got}, legal is '{suite.name}'")
    if not isinstance(values["options"], dict):
        raise FlowInputError("options is no object, legal is an object of options")
    suite.check_options(values["options"])
    if not isinstance(values["origin"], str) or not values["origin"].isprintable():
        raise FlowInputError("origin is no text, legal is SUITE-SEED-INDEX")
    if not isinstance(values["hardware"], dict):
        raise FlowInputError("hardware is no object, legal are a hardware's parameters")
    batch = values["batch"]
    if isinstance(batch, bool) or not isinstance(batch, int) or not 1 <= batch <= _MOST:
        raise FlowInputError(f"batch is {brief(repr(batch))}, legal is an integer 1..{_MOST}")
    try:
        hw = Hardware.from_dict(values["hardware"])
    except (TypeError, ValueError, OverflowError) as error:
        raise FlowInputError(f"hardware: {brief(error)}") from error
    graph = _graph(values["graph"])
    images = _images(values["images"], graph)
    return Drawn(values["origin"], graph, hw, batch, images, values["options"])


def _graph(text: Any) -> Graph:
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise FlowInputError(f"graph: no base64 text: {reason(error)}") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.cwgraph"
        path.write_bytes(data)
        try:
            return Graph.load(path)
        except GraphError as error:
            # The file's name means nothing to anybody.
            raise FlowInputError(f"graph: {str(error).removeprefix(f'{path}: ')}") from error


def _images(values: Any, graph: Graph) -> npt.NDArray[np.int64]:
    low, high = graph.input_limits
    legal = f"legal are (N, {', '.join(map(str, graph.input.shape))}) integers {low}..{high}"
    try:
        images = np.array(values)
    except ValueError as error:
        raise FlowInputError(f"images have no shape, {legal}") from error
    if images.dtype.kind != "i" or images.shape[1:] != graph.input.shape or not images.size:
        raise FlowInputError(f"images have shape {images.shape} of {images.dtype}, {legal}")
    if images.min() < low or images.max() > high or len(images) > _MOST:
        raise FlowInputError(f"images span {images.min()}..{images.max()}, {legal}")
    if low == -1 and is_sign(graph.input.bits) and not images.all():
        raise FlowInputError("images hold 0, legal for 1 bit are -1 and 1")
    return images.astype(np.int64)


def load(path: Path, suite: ExplicitSuite) -> Drawn:
    """Read a saved case.

    Raises:
        FlowInputError: it is none, or damaged; the message names the file.
        FileNotFoundError: there is no such file.
    """
    try:
        return from_json(read_json(path), suite)
    except (UnreadableFileError, FlowInputError) as error:
        raise FlowInputError(f"{path}: {error}") from error


def parse(line: str, suite: ExplicitSuite) -> Drawn:
    """The same of a text."""
    return from_json(parse_json(line.encode()), suite)
