# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What a command's MODEL may be: a system's name, or the path of a user's own file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from corewright.files import UnreadableFileError
from corewright.flow.errors import FlowInputError
from corewright.flow.system import System, find_system, read_system, systems
from corewright.flow.system_core import SUFFIX, description_of, making
from corewright.graph import Graph
from corewright.hardware import Hardware

# Hardware of a file that names none; `--hardware` names another.
DEFAULT_SYSTEM = "lenet5"
_GRAPHS = (".cwgraph", ".py")
_KERAS = (".keras", ".h5", ".hdf5")
_LEGAL = (
    "legal is a name, or a file: .core, .cwgraph, .py with build(), or a saved Keras model "
    "(.keras, .h5 or a SavedModel's folder)"
)


def system_for(model: str, hardware: Hardware | None = None) -> System:
    """Return the system that a command's MODEL names.

    Args:
        model: the name of a system of the tree; or the path of a ``.core`` with a system, of a
            ``.cwgraph``, of a Python script with ``build()``, or of a saved Keras model. A name
            wins over a file; ``./NAME`` is the file.
        hardware: what the command asked for; left out, that of the ``.core``, or of ``lenet5``.

    Raises:
        FlowInputError: it is none of these, with the nearest name.
    """
    path = Path(model)
    known = systems()
    if model in known:
        return known[model]
    if not (path.exists() or path.suffix or len(path.parts) > 1):
        return find_system(model)
    if path.suffix == ".core" and not path.exists() and description_of(path).is_file():
        raise FlowInputError(f"there is no '{model}' yet: {making(description_of(path))}")
    if path.name.endswith(SUFFIX) and path.is_file():
        core = path.with_name(path.name.removesuffix(SUFFIX) + ".core")
        raise FlowInputError(
            f"{model}: is a description, legal is the core that is made of it, {core}: "
            f"{making(path)}"
        )
    if not path.exists():
        raise FlowInputError(f"there is no file '{model}'; {_LEGAL}")
    path = path.resolve()
    if path.suffix == ".core":
        found = read_system(path)
        if found is None:
            raise FlowInputError(f"{path}: has no generate section of the generator 'system'")
        return found
    own = hardware if hardware is not None else find_system(DEFAULT_SYSTEM).hardware
    parameters = {"hardware": own.to_dict(), "model": path.name}
    if path.suffix in _GRAPHS and path.is_file():
        return System(path.stem, "", {}, path, parameters)
    if path.suffix in _KERAS or (path / "saved_model.pb").is_file():
        return KerasSystem(path.stem, "", {}, path, parameters)
    raise FlowInputError(f"{path}: is no model, {_LEGAL}")


@dataclass(frozen=True)
class KerasSystem(System):
    """A saved Keras model, converted for the hardware that it is to run on."""

    @cached_property
    def graph(self) -> Graph:
        """The integer graph of the model.

        Raises:
            FlowInputError: the file is damaged, or the model has no exact integer form, or weights
                were given, which it has itself.
        """
        if self.weights is not None:
            raise FlowInputError(f"weights: {self.core_file.name} has its own")
        # Late: only front ends import a training framework.
        from corewright.frontends import FrontendError, convert

        try:
            return convert(str(self.core_file), self.hardware)
        except (FrontendError, UnreadableFileError, ImportError, OSError) as error:
            raise FlowInputError(f"model {self.core_file.name}: {error}") from error
