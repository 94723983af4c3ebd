# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Systems: the FuseSoC cores below ``models/`` that name a hardware and a model."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from corewright.environment import repository_root
from corewright.files import (
    JSON_BYTES,
    OutputError,
    UnreadableFileError,
    brief,
    read_bytes,
    read_npz,
    reason,
)
from corewright.flow.cache import build_folder, cached_folder, digest, modules_digest
from corewright.flow.errors import FlowInputError
from corewright.flow.system_core import (
    ACCELERATOR,
    GATES,
    GENERATORS,
    PROCESSING_ELEMENT,
    SIMULATION,
    SUFFIX,
    core_of,
    making,
    structure_of,
)
from corewright.graph import Graph, GraphError
from corewright.hardware import Hardware
from corewright.hints import did_you_mean
from corewright.imports import closure_of_script

GENERATOR = "system"
_GRAPH_FILE = "model.cwgraph"


@dataclass(frozen=True, eq=False)
class Reference:
    """Images of a model and what is known of them.

    Attributes:
        images: (N, H, W, C) integers, the test set.
        labels: (N,) classes, or None.
        layers: by tensor, the training framework's integers for the first images.
    """

    images: npt.NDArray[np.integer[Any]]
    labels: npt.NDArray[np.integer[Any]] | None
    layers: Mapping[str, npt.NDArray[np.integer[Any]]]


@dataclass(frozen=True)
class System:
    """A generator call: hardware, model, images.

    Attributes:
        name: the core's, such as ``lenet5``.
        vlnv: the core's full name; empty for a user's graph, which has no core.
        core: the core's contents.
        core_file: where it stands.
        parameters: the generator's.
        weights: a user's own weights in the place of the model's; see :func:`graph_with_weights`.
    """

    name: str
    vlnv: str
    core: Mapping[str, Any]
    core_file: Path
    parameters: Mapping[str, Any]
    weights: Path | None = None

    @cached_property
    def hardware(self) -> Hardware:
        """The hardware that the core names.

        Raises:
            FlowInputError: a parameter is unknown or out of range.
        """
        with self._asking():
            return hardware_of(self.parameters.get("hardware", {}), self.core_file.parent)

    @cached_property
    def graph(self) -> Graph:
        """The model's integer graph.

        Raises:
            FlowInputError: there is none, or it is damaged, or the weights do not fit it.
        """
        model, base = self.parameters.get("model"), self.core_file.parent
        with self._asking():
            if self.weights is None:
                return graph_of(model, base)
            return graph_with_weights(model, base, self.weights)

    @cached_property
    def reference(self) -> Reference | None:
        """The test images, if the core names some.

        What a training framework made of them is true for the model's own weights only.
        """
        name = self.parameters.get("reference")
        if name is None:
            return None
        with self._asking():
            reference = reference_of(self.core_file.parent / str(name))
        return reference if self.weights is None else replace(reference, layers={})

    @property
    def providers(self) -> list[str]:
        """The cores that the design takes beside the accelerator: providers of virtual cores.

        Without any, it is a user's graph or script: the tree's own are taken.
        """
        target = self.core.get("targets", {}).get("default", {})
        filesets = self.core.get("filesets", {})
        depends = [
            name
            for fileset in target.get("filesets", ())
            for name in filesets.get(fileset, {}).get("depend", ())
        ]
        return [name for name in depends if name not in (ACCELERATOR, GENERATORS)]

    def clock_mhz(self, board: str) -> float | None:
        """Return the clock that the core's target for a board asks for; None: it asks for none."""
        clock: float | None = self._board_call(board).get("clock_mhz")
        return clock

    def oversize(self, board: str) -> bool:
        """Return whether the core's target for a board goes on where the part has no room."""
        return self._board_call(board).get("oversize") is True

    def _board_call(self, board: str) -> Mapping[str, Any]:
        target = self.core.get("targets", {}).get(board, {})
        for call in target.get("generate", ()):
            for parameters in call.values() if isinstance(call, Mapping) else ():
                if parameters.get("board") == board:
                    return dict(parameters)
        return {}

    @property
    def batch(self) -> int:
        """Images of a run."""
        return count_of("batch", self.parameters.get("batch", 1))

    @property
    def images(self) -> int:
        """Images to run."""
        return count_of("images", self.parameters.get("images", self.batch))

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Let an error begin with the core that asks for what is wrong."""
        try:
            yield
        except FlowInputError as error:
            if not self.vlnv:
                raise
            raise FlowInputError(f"{self.core_file.name}: {error}") from error


def hardware_of(value: object, base: Path) -> Hardware:
    """Return a hardware from a mapping of keywords, or from a JSON file relative to ``base``.

    Raises:
        FlowInputError: a file cannot be read, or a parameter is unknown or out of range.
    """
    try:
        if isinstance(value, Mapping):
            return Hardware.from_dict(
                {str(k): tuple(v) if isinstance(v, list) else v for k, v in value.items()}
            )
        return Hardware.from_json(base / str(value))
    except OSError as error:
        raise FlowInputError(f"hardware {base / str(value)}: {reason(error)}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise FlowInputError(f"hardware: {brief(error)}") from error


def resized(hw: Hardware, processing_elements: Sequence[int]) -> Hardware:
    """Return a hardware with another number of units; the buffers keep their rows.

    Args:
        hw: the hardware.
        processing_elements: rows and columns.

    Raises:
        FlowInputError: they are none, or ``drain_width`` does not fit them.
    """
    try:
        rows, columns = processing_elements
        return replace(hw, processing_elements=(rows, columns))
    except ValueError as error:
        raise FlowInputError(f"hardware: {error}") from error


def graph_of(value: object, base: Path) -> Graph:
    """Return the graph in a file relative to ``base``, or what a Python script there builds.

    A script has a function ``build`` that can be called without arguments and returns the graph,
    the same one whenever it is called. The graph is kept, by the contents of the script and of all
    that it imports from this package: a script should depend on nothing else.

    Raises:
        FlowInputError: there is no such file, or it is no graph, or the script fails.
        OutputError: the build folder cannot be written.
    """
    if not isinstance(value, str) or not value:
        raise FlowInputError(
            f"model is {value!r}, legal is the name of a .cwgraph file or of a Python script"
        )
    try:
        if value.endswith(".py"):
            return Graph.load(_built_graph(base / value))
        return Graph.load(base / value)
    except OutputError:
        raise
    except OSError as error:
        raise FlowInputError(f"model {base / value}: {reason(error)}") from error
    except GraphError as error:
        raise FlowInputError(f"model: {error}") from error


def graph_with_weights(value: object, base: Path, weights: Path) -> Graph:
    """Return a model's graph with weights from a file.

    Args:
        value: the model, as for :func:`graph_of`.
        base: the folder of the model.
        weights: an ``.npz`` of integers for the ``build(weights=...)`` of a script (see
            ``corewright.builder.load_weights``); any other name is a file of Keras weights for
            ``corewright.frontends.to_keras`` of the model's graph.

    Raises:
        FlowInputError: a file cannot be read, the weights are another network's, or Keras is
            missing.
    """
    if weights.suffix == ".npz":
        if not isinstance(value, str) or not value.endswith(".py"):
            raise FlowInputError(
                f"weights {weights.name}: an .npz is for models that scripts build; legal for "
                f"{value} are Keras weights"
            )
        return _run_script(base / value, weights=weights)
    graph = graph_of(value, base)
    # Late: only front ends import a training framework.
    from corewright.frontends import FrontendError, load_weights

    try:
        return load_weights(graph, weights)
    except (FrontendError, FileNotFoundError, ImportError) as error:
        raise FlowInputError(f"weights: {error}") from error


def _built_graph(script: Path) -> Path:
    """Return the file with a script's graph; runs the script unless its graph is kept."""
    source = script.read_bytes()
    try:
        code = closure_of_script(source.decode("utf-8"))
    # As for running it: what cannot be read is the script's error.
    except Exception as error:
        raise _script_error(script, error) from error
    key = digest(
        {
            "script": hashlib.sha256(source).hexdigest(),
            "code": modules_digest(code),
            "numpy": np.__version__,
        }
    )
    final = build_folder() / "graphs" / f"{script.stem}-{key[:24]}"

    def save(folder: Path) -> None:
        _run_script(script).save(folder / _GRAPH_FILE)

    cached_folder(final, save)
    return final / _GRAPH_FILE


def _script_error(script: Path, error: Exception) -> FlowInputError:
    return FlowInputError(f"model {script.name}: {type(error).__name__}: {error}")


def _run_script(script: Path, **arguments: object) -> Graph:
    """Import a script by its path and call its ``build``."""
    module = types.ModuleType(f"corewright_model_{script.stem}")
    module.__file__ = str(script)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        # Not through the import system: its bytecode cache tells a changed file by size and second.
        code = compile(script.read_text(encoding="utf-8"), str(script), "exec")
        exec(code, module.__dict__)
        build = getattr(module, "build", None)
        if not callable(build):
            raise FlowInputError(f"model {script.name}: has no function build()")
        graph = build(**arguments)
    except FlowInputError:
        raise
    except Exception as error:
        # Whatever a user's script raises is that script's error, with its type.
        raise _script_error(script, error) from error
    finally:
        sys.modules.pop(module.__name__, None)
    if not isinstance(graph, Graph):
        raise FlowInputError(
            f"model {script.name}: build() returned a {type(graph).__name__}, legal is a Graph"
        )
    return graph


def reference_of(path: Path) -> Reference:
    """Return the images in an .npz file.

    Raises:
        FlowInputError: the file cannot be read or has no ``test_images``.
    """
    try:
        arrays = read_npz(path)
    except (FileNotFoundError, UnreadableFileError) as error:
        raise FlowInputError(f"reference {path}: cannot be read: {reason(error)}") from error
    if "test_images" not in arrays or arrays["test_images"].ndim != 4:
        raise FlowInputError(f"reference {path}: has no test_images of shape (N, H, W, C)")
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.integer):
            raise FlowInputError(
                f"reference {path}: '{name}' has type {array.dtype}, legal are integers"
            )
    if "test_labels" in arrays and arrays["test_labels"].shape != arrays["test_images"].shape[:1]:
        raise FlowInputError(
            f"reference {path}: test_labels have shape {arrays['test_labels'].shape}, legal is "
            f"one for each of {len(arrays['test_images'])} images"
        )
    layers = {
        name.removeprefix("layer:"): array
        for name, array in arrays.items()
        if name.startswith("layer:")
    }
    return Reference(arrays["test_images"], arrays.get("test_labels"), layers)


def count_of(name: str, value: object) -> int:
    """Return a positive integer.

    Raises:
        FlowInputError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FlowInputError(f"{name} is {value!r}, legal is an integer from 1")
    return value


def systems() -> dict[str, System]:
    """Return the systems of the tree by name.

    Raises:
        FlowInputError: a core file below ``models`` is no YAML.
    """
    found = {}
    for path in sorted((repository_root() / "models").glob("*/*.core")):
        system = read_system(path)
        if system is not None:
            found[system.name] = system
    return dict(sorted(found.items()))


def find_system(name: str) -> System:
    """Return the system called ``name``.

    Raises:
        FlowInputError: there is none; the message has the nearest name, and all, or how its core
            is made.
    """
    known = systems()
    if name not in known:
        for description in repository_root().glob(f"models/*/*{SUFFIX}"):
            if description.name == f"{name}{SUFFIX}":
                raise FlowInputError(f"{description}: has no {name}.core: {making(description)}")
        raise FlowInputError(
            f"there is no model '{name}'{did_you_mean(name, known)}, legal are: {', '.join(known)}"
        )
    return known[name]


def read_system(path: Path) -> System | None:
    """Return the system of a core file; None if it has none.

    Raises:
        FlowInputError: it cannot be read, or is no core file.
    """
    try:
        text = read_bytes(path, JSON_BYTES).decode("utf-8")
        contents = core_of(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise FlowInputError(f"{path}: {reason(error)}") from error
    if not isinstance(contents, dict) or not isinstance(contents.get("name"), str):
        return None
    calls = contents.get("generate")
    for call in calls.values() if isinstance(calls, dict) else ():
        if not isinstance(call, dict) or call.get("generator") != GENERATOR:
            continue
        vlnv, parameters = contents["name"], call.get("parameters", {})
        names = vlnv.split(":")
        if len(names) < 3 or not isinstance(parameters, dict):
            raise FlowInputError(
                f"{path}: legal are a name VENDOR:LIBRARY:NAME and parameters that are a mapping"
            )
        return System(names[2], vlnv, contents, path, parameters)
    return None


def wrapper_core(
    name: str,
    hw: Hardware,
    base: Mapping[str, Any] | None = None,
    options: Sequence[str] = (),
    processing_element: str = PROCESSING_ELEMENT,
    netlist: Path | None = None,
) -> dict[str, Any]:
    """Return a core that is the system ``base`` with other hardware, and no model.

    The model, images and seeds are a matter of the run: a compiled bench serves them all.

    Args:
        name: the core's.
        hw: the hardware.
        base: contents of a system's core; a system of the tree's own parts when None.
        options: further options for Verilator.
        processing_element: provider of the array, where there is no ``base``.
        netlist: what Yosys has written of ``cw_system`` with this hardware: the core has the target
            ``gls`` that simulates it, in the place of ``sim``.

    Raises:
        FlowInputError: ``base`` has no target ``gls``.
    """
    name_of_target = SIMULATION if netlist is None else GATES
    structure = structure_of(base, processing_element, name_of_target)
    target = structure["targets"][name_of_target]
    flow = dict(target.get("flow_options", {}))
    if options:
        flow["verilator_options"] = [*flow.get("verilator_options", []), *options]
    if netlist is not None:
        if not target:
            raise FlowInputError(f"the core has no target {GATES}")
        flow |= {"module": "cw_system", "netlist": str(netlist)}
        # The units are those of the hardware.
        target["generate"] = [{GENERATOR: {"top": "gates"}}]
    if flow:
        target["flow_options"] = flow
    # A name of its own would be in all C++ of the model, and ccache would find none of it.
    parameters = {"name": "cw_system", "hardware": hw.to_dict()}
    call = {"generator": GENERATOR, "parameters": parameters}
    return {
        "name": f"corewright:generated:{name}:0",
        "description": "A system with the hardware that a command asked for",
        **structure,
        "generate": {GENERATOR: call},
    }


def core_text(core: Mapping[str, Any]) -> str:
    """Return the text of a .core file; JSON is YAML, and keeps the order."""
    return f"CAPI=2:\n{json.dumps(core, indent=2)}\n"
