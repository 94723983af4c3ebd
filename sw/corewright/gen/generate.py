# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A generator subclass for FuseSoC; ``core/gen/gen.core`` documents its parameters."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any, ClassVar, Literal

from corewright.export import (
    Board,
    configuration_package,
    configuration_tcl,
    configured_module,
    find_board,
    read_board,
    write_json,
)
from corewright.flow.errors import FlowInputError
from corewright.flow.fit import require_fit
from corewright.flow.system import graph_of, hardware_of, reference_of, resized
from corewright.flow.vectors import (
    FILES,
    FIRMWARE_GUARD,
    FIRMWARE_PREFIX,
    IntArray,
    prepare,
    random_images,
)
from corewright.gen.schema import (
    LEGAL_NAMES,
    NAME_PATTERN,
    CheckedGenerator,
    Parameters,
    checked,
    parameter,
    run_generator,
)
from corewright.hardware import Hardware

# Images of a model that brings none.
_RANDOM_SEED = 1
# What Hardware.export() calls by names that a second configuration would have, too.
_PACKAGE, _HEADER = "config_hw.svh", "config_fw.h"
# By what the module is for: its name where that is not the configuration's.
_TOPS = {
    "accelerator": None,
    "bench": "cw_bench",
    "gates": "cw_bench",
    "board": "cw_accelerator_configured",
}
_BOARD_SCRIPT, _BOARD_SETTINGS = "cw_board.tcl", "board.tcl"


class SystemParameters(Parameters):
    """Parameters of the generator ``system``."""

    name: str | None = parameter(
        None,
        "what module, package, header and folder of vectors are called after; left out: core, "
        "section and version",
        LEGAL_NAMES,
        pattern=NAME_PATTERN,
    )
    top: Literal["accelerator", "bench", "gates", "board"] = parameter(
        "accelerator",
        "what the module is: `accelerator` is `name`, for an SoC; `bench` is `cw_bench`, `gates` "
        "that and `name`, whose netlist it simulates; `board` is `cw_accelerator_configured`. A "
        "design has one of the latter three",
        "accelerator, bench, gates, board",
    )
    board: str | None = parameter(
        None,
        "with `top: board`, what the block design is for, whose part has to have room for it; left "
        "out: no script",
        "the name of a folder of `boards/`, or of a file `board.tcl`",
    )
    clock_mhz: float | int | None = parameter(
        None,
        "clock on the board; left out: the board's, or the hardware's if that is slower",
        "numbers above 0, up to the board's limit",
        "MHz",
        gt=0,
    )
    oversize: bool = parameter(
        False,
        "go on with a warning where the board's part has no room by the estimate",
        "true, false",
    )
    hardware: dict[str, Any] | str = parameter(
        {},
        "keywords of `corewright.Hardware`",
        "a mapping of keywords, or the name of a JSON file of them",
    )
    processing_elements: list[int] | None = parameter(
        None,
        "rows and columns instead of the hardware's, for a target whose chip is smaller",
        "two integers from 1, rows and columns",
    )
    model: str | None = parameter(
        None,
        "the network; left out: configuration only",
        "the name of a graph file, or of a Python script whose `build()` returns the graph",
    )
    reference: str | None = parameter(
        None,
        "test images; left out: random ones",
        "the name of an `.npz` file with `test_images`, and, if known, `test_labels` and "
        "`layer:NAME`",
    )
    batch: int = parameter(1, "how many a run takes", "integers from 1", "images", ge=1)
    images: int | None = parameter(
        None, "how many to run; left out: `batch`", "integers from 1", "images", ge=1
    )


def configuration_name(vlnv: str) -> str:
    """Return what a generator call's module is named after: its core and its generate section.

    Names that differ in nothing but punctuation or version, or of other vendors, differ here: a
    part of the whole name's digest ends it.

    Args:
        vlnv: FuseSoC's name of the call, ``vendor:library:core-section:version``.
    """
    words = re.findall(r"[a-z0-9]+", vlnv.split(":")[2].lower())
    return "_".join(["cw", *words, hashlib.sha256(vlnv.encode()).hexdigest()[:8]])


def bench_module(package: str) -> str:
    """Return the SystemVerilog module ``cw_bench``: the bench with a package's ``Cfg``."""
    return (
        "// SPDX-License-Identifier: Apache-2.0\n"
        "// Copyright corewright contributors\n\n"
        "/// Top of the bench: cw_bench_body with its configuration.\n"
        "module cw_bench (\n  input logic clk_i\n);\n\n"
        f"  cw_bench_body #(.Cfg({package}::Cfg)) u_body (.clk_i);\n\n"
        "endmodule\n"
    )


def _modules(name: str, top: str) -> list[str]:
    return [*([name] if top == "gates" else []), _TOPS[top] or name]


class SystemGenerator(CheckedGenerator):
    """Writes into the current directory: FuseSoC's for this generator call.

    The same parameters and files give the same bytes.
    """

    model: ClassVar[type[Parameters]] = SystemParameters

    def run(self) -> None:
        """Write all files and list them.

        Raises:
            FlowInputError: a parameter is unknown or wrong, or the hardware does not fit the board.
            CompileError: the model does not run on this hardware.
            OSError: a file cannot be read or written.
        """
        given = checked(SystemParameters, self.values)
        name = given.name or configuration_name(self.vlnv)
        hw = hardware_of(given.hardware, self.base)
        if given.processing_elements is not None:
            hw = resized(hw, given.processing_elements)
        board = None
        if given.board is not None:
            # Before the work.
            board = self._board(hw, given)
        if given.model is not None:
            self._run_model(hw, name, given)
        else:
            Path("config_hw.tcl").write_text(configuration_tcl(hw), encoding="utf-8")
            write_json(hw, "hardware.json")
        self._write_module(hw, name, given.top)
        if board is not None:
            self._write_board(hw, board, given.clock_mhz)
        self._list(name, given)

    def _write_board(self, hw: Hardware, board: Board, clock_mhz: float | None) -> None:
        clock = board.clock(hw, clock_mhz)
        lines = [
            "# SPDX-License-Identifier: Apache-2.0",
            "# Copyright corewright contributors",
            f"# {board.clock_reason(hw, clock_mhz)}",
            f"set cw_clock_mhz {clock:g}",
            "source board/design.tcl",
            "",
        ]
        Path(_BOARD_SCRIPT).write_text("\n".join(lines), encoding="utf-8")
        shutil.copyfile(board.file, _BOARD_SETTINGS)

    def _board(self, hw: Hardware, given: SystemParameters) -> Board:
        name = str(given.board)
        if given.top != "board":
            raise FlowInputError(f"top is {given.top!r}, legal with a board is board")
        try:
            if Path(name).name == _BOARD_SETTINGS:
                board = read_board((self.base / name).resolve())
            else:
                board = find_board(name)
        except OSError as error:
            raise FlowInputError(f"board {name}: {error.strerror or error}") from error
        require_fit(hw, board, oversize=given.oversize)
        return board

    def _write_module(self, hw: Hardware, name: str, top: str) -> None:
        package = f"{name}_config_pkg"
        Path(f"{package}.sv").write_text(configuration_package(hw, package), encoding="utf-8")
        for module in _modules(name, top):
            bench = module == _TOPS["bench"]
            text = bench_module(package) if bench else configured_module(module, package)
            Path(f"{module}.sv").write_text(text, encoding="utf-8")

    def _run_model(self, hw: Hardware, name: str, given: SystemParameters) -> None:
        graph = graph_of(given.model, self.base)
        count = given.images or given.batch
        images: IntArray
        layers = None
        if given.reference is None:
            images = random_images(graph, count, _RANDOM_SEED)
        else:
            reference = reference_of(self.base / given.reference)
            if count > len(reference.images):
                raise FlowInputError(
                    f"images is {count}, nearest is {len(reference.images)}, which "
                    f"{given.reference} has"
                )
            images, layers = reference.images[:count], reference.layers
        vectors = prepare(graph, hw, images, given.batch, layers=layers)
        for file in FILES:
            if file not in (_PACKAGE, _HEADER):
                shutil.copyfile(vectors.folder / file, file)
        header = (vectors.folder / _HEADER).read_text(encoding="utf-8")
        header = header.replace(FIRMWARE_GUARD, f"{name}_fw_h".upper())
        header = header.replace(FIRMWARE_PREFIX, name.upper())
        Path(f"{name}_fw.h").write_text(header, encoding="utf-8")

    def _list(self, name: str, given: SystemParameters) -> None:
        top = given.top
        sources: list[Any] = [f"{name}_config_pkg.sv"]
        sources += [f"{module}.sv" for module in _modules(name, top)]
        if given.board is not None:
            # Behind all RTL, because the project's script runs it in the place of a source.
            sources.append({_BOARD_SCRIPT: {"file_type": "tclSource"}})
        self.add_files(sources, fileset="rtl", file_type="systemVerilogSource")
        header = f"{name}_fw.h"
        if Path(header).is_file():
            include = {"is_include_file": True, "include_path": "."}
            self.add_files([{header: include}], fileset="firmware", file_type="cSource")
        # In the work root, where a bench or a script can name them.
        folder = f"vectors/{name}" if _TOPS[top] is None else "vectors"
        data = [file for file in FILES if Path(file).is_file()]
        copies = [{file: {"copyto": f"{folder}/{file}"}} for file in data]
        if given.board is not None:
            copies.append({_BOARD_SETTINGS: {"copyto": f"board/{_BOARD_SETTINGS}"}})
        self.add_files(copies, fileset="vectors", file_type="user")


def main() -> int:
    """Run as FuseSoC does, with the path of a YAML file; returns the exit status."""
    return run_generator(SystemGenerator)
