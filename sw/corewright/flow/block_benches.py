# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""How a block is tested: ``dv/bench.toml``.

Its tests, ``./cw regress blocks`` and ``./cw mutate`` read it.

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
    [bench.random]                           # further configurations, see random_configuration.py
    parameters = { DataBits = [32, 64], MaxBurstBeats = { min = 1, max = 256 } }
    require = ["MaxBurstBeats * DataBits // 8 <= 4096"]

The last five are optional; without configurations there is one, ``default``, without parameters.
Sources that have no bench of their own are tested in the whole accelerator::

    [system]
    tests = ["rtl/cw_control.sv"]
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corewright.environment import repository_root
from corewright.flow.errors import FlowInputError
from corewright.flow.random_configuration import RandomConfiguration
from corewright.sources import sources_of

if TYPE_CHECKING:
    # What a block's benches are, a run without cocotb knows, too.
    from corewright.flow.cocotb_bench import CocotbBench

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
    "random": dict,
}
_NEEDED = ("top", "module", "core", "tests")
_CONFIGURATION = {"parameters": dict, "options": dict}
# What a configuration that was drawn is called.
RANDOM = "random"
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
        random: what further configurations may be drawn, or None.
        common: options of all configurations.
    """

    folder: Path
    top: str
    module: str
    core: str
    target: str
    tests: tuple[Path, ...]
    arguments: tuple[str, ...]
    configurations: Mapping[str, Configuration]
    random: RandomConfiguration | None = None
    common: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Core and top, ``ip/axi_dma/cw_axi_reader``: no other bench has it."""
        return f"{self.core.removeprefix('corewright:').replace(':', '/')}/{self.top}"

    def draw(self, rng: np.random.Generator) -> Configuration:
        """Return a random configuration.

        Raises:
            FlowInputError: none may be drawn, or nothing that is drawn is legal.
        """
        if self.random is None:
            raise FlowInputError(f"{self.name} has no random configurations")
        parameters, options = self.random.draw(rng)
        return Configuration(RANDOM, parameters, {**self.common, **options})

    @functools.cached_property
    def sources(self) -> list[Path]:
        """The files of the model in compilation order."""
        return sources_of(self.core, self.target)

    def bench(
        self,
        configuration: str | Configuration,
        sources: list[Path] | None = None,
        *arguments: str,
    ) -> CocotbBench:
        """Return what runs a configuration.

        Args:
            configuration: its name, or one that was drawn.
            sources: in the place of the core's.
            arguments: further arguments for Verilator.
        """
        from corewright.flow.cocotb_bench import make_bench

        chosen = configuration
        if isinstance(chosen, str):
            chosen = self.configurations[chosen]
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
    # A bench runs in a folder of its own.
    path = folder.resolve() / FILE
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


def bench_files(root: Path | None = None) -> list[Path]:
    """Return the ``bench.toml`` of all blocks of ``ip/`` and ``core/``.

    Args:
        root: the clone; this one's when None.
    """
    root = repository_root() if root is None else root
    return [path for part in ("ip", "core") for path in sorted(root.glob(f"{part}/*/dv/{FILE}"))]


def all_block_benches() -> list[BlockBench]:
    """Return the benches of all blocks of ``ip/`` and ``core/``, by their names.

    Raises:
        FlowInputError: a file is wrong, see :func:`block_benches`, or two benches share a name.
    """
    found: dict[str, BlockBench] = {}
    for path in bench_files():
        for bench in block_benches(path.parent):
            if bench.name in found:
                raise FlowInputError(f"{path}: there is another bench of {bench.core}, {bench.top}")
            found[bench.name] = bench
    return list(found.values())


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
    if RANDOM in configurations:
        raise FlowInputError(f"{where}: a configuration may not be called '{RANDOM}'")
    random = None
    if "random" in values:
        random = RandomConfiguration.parse(f"{where}, random", values["random"])
    return BlockBench(
        path.parent,
        values["top"],
        values["module"],
        values["core"],
        values.get("target", "default"),
        tests,
        tuple(values.get("arguments", ())),
        configurations,
        random,
        common,
    )


def _check(where: str, values: Any, legal: Mapping[str, type]) -> None:
    if not isinstance(values, dict):
        raise FlowInputError(f"{where} is no table")
    for name, value in values.items():
        if name not in legal:
            raise FlowInputError(f"{where}: there is no '{name}', legal are: {', '.join(legal)}")
        if not isinstance(value, legal[name]):
            raise FlowInputError(f"{where}: {name} is {value!r}, legal is {_NAMES[legal[name]]}")
