# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""How a block is tested: ``dv/bench.toml``, which its tests and `./cw mutate` read.

::

    [[bench]]
    top = "cw_axi_reader"                    # the top module
    module = "tb_axi_reader"                 # the cocotb bench beside the file
    core = "corewright:ip:axi_dma"           # whose sources
    target = "default"                       # of that core; this is what is taken without
    tests = ["rtl/cw_axi_reader.sv"]         # sources of the block that the bench answers for
    arguments = ["--top-module", "cw_axi_reader"]             # further ones for Verilator
    options = { full_rate = true }                            # the bench gets them
    [bench.configurations]
    64bit = { parameters = { DataBits = 64 }, options = { longest = 6000 } }

The last four are optional; without configurations there is one, ``default``, without parameters.
Sources that have no bench of their own are tested in the whole accelerator::

    [system]
    tests = ["rtl/cw_control.sv"]
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corewright.flow.cocotb_bench import CocotbBench, make_bench
from corewright.flow.errors import FlowInputError
from corewright.sources import sources_of

FILE = "bench.toml"
_BENCH = {
    "top": str,
    "module": str,
    "core": str,
    "target": str,
    "tests": list,
    "arguments": list,
    "options": dict,
    "configurations": dict,
}
_NEEDED = ("top", "module", "core", "tests")
_CONFIGURATION = {"parameters": dict, "options": dict}
_NAMES: dict[type, str] = {str: "a string", list: "a list", dict: "a table"}


@dataclass(frozen=True)
class Configuration:
    """One model of a bench's top, and what the bench is told besides."""

    name: str
    parameters: Mapping[str, int | str]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class BlockBench:
    """A bench of a block.

    Attributes:
        folder: where bench and ``bench.toml`` lie.
        top: the top module.
        module: the bench's Python module.
        core: whose sources.
        target: of that core.
        tests: the block's sources that it answers for.
        arguments: further arguments for Verilator.
        configurations: by name, in the order of the file.
    """

    folder: Path
    top: str
    module: str
    core: str
    target: str
    tests: tuple[Path, ...]
    arguments: tuple[str, ...]
    configurations: Mapping[str, Configuration]

    @functools.cached_property
    def sources(self) -> list[Path]:
        """The files of the model in compilation order."""
        return sources_of(self.core, self.target)

    def bench(
        self, configuration: str, sources: list[Path] | None = None, *arguments: str
    ) -> CocotbBench:
        """Return what runs a configuration.

        Args:
            configuration: its name.
            sources: in the place of the core's.
            arguments: further arguments for Verilator.
        """
        chosen = self.configurations[configuration]
        return make_bench(
            self.top,
            self.module,
            self.sources if sources is None else sources,
            chosen.parameters,
            [*self.arguments, *arguments],
            self.folder,
            chosen.options,
            None,
            None,
            900.0,
        )


def block_benches(folder: Path) -> list[BlockBench]:
    """Return the benches that ``bench.toml`` in a block's ``dv`` folder declares.

    Raises:
        FlowInputError: the file is missing or wrong; one line says what is legal.
    """
    path = folder / FILE
    benches = _contents(path).get("bench", [])
    if not isinstance(benches, list):
        raise FlowInputError(f"{path}: bench is no list of tables: write [[bench]]")
    return [_block_bench(path, number, values) for number, values in enumerate(benches, start=1)]


def system_tests(folder: Path) -> tuple[Path, ...]:
    """Return a block's sources that simulations of whole accelerators answer for.

    Raises:
        FlowInputError: see :func:`block_benches`.
    """
    path = folder / FILE
    values = _contents(path).get("system", {"tests": []})
    _check(f"{path}: system", values, {"tests": list})
    return _tests(f"{path}: system", path.parents[1], values.get("tests", []))


def _contents(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FlowInputError(f"{path}: {error}") from error


def _tests(where: str, block: Path, names: list[str]) -> tuple[Path, ...]:
    tests = tuple(block / name for name in names)
    if missing := [str(source) for source in tests if not source.is_file()]:
        raise FlowInputError(f"{where}: no such source: {', '.join(missing)}")
    return tests


def _block_bench(path: Path, number: int, values: Any) -> BlockBench:
    where = f"{path}: bench {number}"
    _check(where, values, _BENCH)
    for name in _NEEDED:
        if name not in values:
            raise FlowInputError(f"{where} has no '{name}', needed are: {', '.join(_NEEDED)}")
    tests = _tests(where, path.parents[1], values["tests"])
    common = values.get("options", {})
    configurations = {}
    for name, own in values.get("configurations", {"default": {}}).items():
        _check(f"{where}, configuration '{name}'", own, _CONFIGURATION)
        options = {**common, **own.get("options", {})}
        configurations[name] = Configuration(name, own.get("parameters", {}), options)
    return BlockBench(
        path.parent,
        values["top"],
        values["module"],
        values["core"],
        values.get("target", "default"),
        tests,
        tuple(values.get("arguments", ())),
        configurations,
    )


def _check(where: str, values: Any, legal: Mapping[str, type]) -> None:
    if not isinstance(values, dict):
        raise FlowInputError(f"{where} is no table")
    for name, value in values.items():
        if name not in legal:
            raise FlowInputError(f"{where}: there is no '{name}', legal are: {', '.join(legal)}")
        if not isinstance(value, legal[name]):
            raise FlowInputError(f"{where}: {name} is {value!r}, legal is {_NAMES[legal[name]]}")
