# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A model for a board, or an IP, in a folder that needs nothing but the vendor's tools."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from corewright.environment import repository_root
from corewright.export import (
    Board,
    board_header,
    copy_firmware,
    find_board,
    write_ip,
    write_vivado_flow,
)
from corewright.flow.errors import FlowInputError
from corewright.flow.fit import require_fit
from corewright.flow.inference import export_vectors, files_below
from corewright.flow.vectors import IntArray, packed_outputs
from corewright.graph import Graph
from corewright.hardware import Hardware

# Of examples.
DEFAULT_BOARD = "zcu104"
_FIRMWARE = "corewright:boards:firmware"
_README = """\
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Copyright corewright contributors -->
# @MODEL@ on @TITLE@

Made by corewright's `export --board @BOARD@`. It needs nothing outside of this folder but Vivado
and Vitis (2020.2 or newer) with the board files of the board, and may be moved. **None of it has
run in the real tools or on the board yet.**

## Commands
Bitstream, platform and reports, in `vivado_@BOARD@/output`:

    vivado -mode batch -source vivado_flow.tcl

The application, in Vitis: a platform of `vivado_@BOARD@/output/corewright.xsa` with the domain
`standalone`; an empty C application with all files of `firmware/` in it; this folder among the
include folders of compiler and assembler. By hand, in this folder, with the board support package
in BSP and Vitis' linker script as lscript.ld:

    @COMPILER@-gcc -std=c11 -O2 -Ifirmware -I. -IBSP/include firmware/*.c firmware/*.S \\
        -T lscript.ld -LBSP/lib -Wl,--start-group,-lxil,-lgcc,-lc,--end-group -o corewright.elf

It runs @RUNS@ runs of @BATCH@ images, compares every output bit that is specified, and prints what
it found.

## Files
| file | what |
|---|---|
| `vivado_flow.tcl` | the script to run; it sets the clock, @CLOCK@ MHz |
| `tcl/cw_vivado.tcl` | its steps: project, block design, bitstream, reports |
| `tcl/board.tcl` | the board's settings: part, board files, ports, addresses, clocks |
| `sources.txt` | the RTL in the order of compilation |
| `rtl/` | the RTL; `cw_accelerator_bd.v` is the cell of the block design |
| `config_hw.svh` | the hardware as SystemVerilog package `cw_config_pkg`, which `rtl/` includes |
| `config_hw.tcl`, `hardware.json` | the hardware's values for scripts; its parameters |
| `config_tb.svh` | what only a simulation needs |
| `registers.md` | the accelerator's registers |

| in `firmware/` | what |
|---|---|
| `main.c` | the application |
| `cw_vectors.S`, `cw_vectors.h` | program and vectors as its data |
| `cw_model.*`, `cw_runtime.*`, `cw_host.*` | the runtime: loads and runs a program |
| `cw_hal.h`, `cw_hal_xilinx.*` | what that needs of a platform, and this board's |
| `cw_regs.h`, `cw_program.h` | offsets of registers, fields of a program |
| `config_fw.h`, `config_board.h` | sizes of this model; where this board has the registers |

| in `vectors/` | what |
|---|---|
| `program.bin` | the program: descriptors and weights |
| `inputs.bin` | the input tensor of each run, as it lies in memory |
| `outputs.bin`, `output_mask.bin` | the output of each run; which bits of one are specified |
| `expected.bin`, `tensors.txt` | the whole arena behind each run; where its tensors are |
| `layers.json`, `info.json` | the program's layers; sizes, and what was compared |
| `wb.bin`, `x.bin`, `wbx.bin` | program, inputs, and both, as other tools call them |
| `x_all.bin` | all that layers read |
| `*_y_nhwc_exp.txt`, `y_exp.txt` | integers of each layer and of the output, one a line |

There is no file of constraints: clock and pins are the processing system's, which the board files
set. The registers are at @REGISTERS@, the memory is the processing system's. Apache-2.0.
"""
_COMPILERS = {
    "Zynq UltraScale+": "aarch64-none-elf",
    "Zynq-7000": "arm-none-eabi",
}


def board_of(name: str) -> Board:
    """Return a board by its name.

    Raises:
        FlowInputError: there is none, with the nearest name, or its settings are wrong.
        OSError: its settings cannot be read.
    """
    try:
        return find_board(name)
    except ValueError as error:
        raise FlowInputError(str(error)) from error


def export_for_board(
    graph: Graph,
    hw: Hardware,
    images: IntArray,
    batch: int,
    out: Path,
    board: str,
    *,
    layers: Mapping[str, IntArray] | None = None,
    clock_mhz: float | None = None,
    providers: Sequence[str] = (),
    oversize: bool = False,
) -> list[Path]:
    """Write a folder with all that makes a bitstream and an application of a model.

    Vivado's script with all sources, firmware, program, vectors, and a ``README.md`` that says
    which file is which. Nothing in it names a place outside of it.

    Args:
        graph: the network.
        hw: the accelerator.
        images: (N, H, W, C) input integers.
        batch: images of a run.
        out: the folder; made if needed.
        board: a folder of ``boards/``.
        layers: by tensor, integers that a training framework computed for the first images.
        clock_mhz: the clock; None: the board's, or the hardware's if that is slower.
        providers: of virtual cores, instead of the default ones: see ``sources_of``.
        oversize: whether to go on with a warning where the board has no room.

    Returns:
        All files, sorted.

    Raises:
        CompileError: the graph does not run on this hardware.
        FlowInputError: there is no such board, clock or provider, or the board has no room.
        MismatchError: the emulator differs from the integer graph.
        OSError: the folder cannot be written.
    """
    target = board_of(board)
    try:
        # Before the work.
        clock = target.clock(hw, clock_mhz)
        require_fit(hw, target, oversize=oversize)
        write_vivado_flow(
            hw, board, out, clock_mhz=clock_mhz, self_contained=True, providers=providers
        )
        copy_firmware(_FIRMWARE, out, "firmware")
    except ValueError as error:
        raise FlowInputError(str(error)) from error
    vectors = export_vectors(graph, hw, images, batch, out / "vectors", layers=layers)
    outputs, mask = packed_outputs(vectors, hw)
    (vectors.folder / "outputs.bin").write_bytes(outputs)
    (vectors.folder / "output_mask.bin").write_bytes(mask)
    # Each in one place: the hardware is described above this folder, the rest is the application's.
    for name in ("config_hw.svh", "config_hw.tcl", "hardware.json"):
        (vectors.folder / name).unlink()
    (vectors.folder / "config_fw.h").replace(out / "firmware" / "config_fw.h")
    marks = {
        "@MODEL@": graph.name,
        "@TITLE@": target.title,
        "@BOARD@": board,
        "@COMPILER@": _COMPILERS[target.processing_system],
        "@RUNS@": str(vectors.info["runs"]),
        "@BATCH@": str(batch),
        "@CLOCK@": f"{clock:g}",
        "@REGISTERS@": f"0x{target.registers:08X}",
    }
    texts = {"firmware/config_board.h": board_header(target), "README.md": _README}
    for name, text in texts.items():
        for mark, value in marks.items():
            text = text.replace(mark, value)
        (out / name).write_text(text, encoding="utf-8")
    shutil.copyfile(repository_root() / "core/regs/doc/registers.md", out / "registers.md")
    return files_below(out)


def export_ip(
    hw: Hardware,
    out: Path,
    board: str = DEFAULT_BOARD,
    *,
    clock_mhz: float | None = None,
    providers: Sequence[str] = (),
) -> list[Path]:
    """Write a folder that packages an accelerator as an IP: see ``corewright.export.write_ip``.

    Returns:
        All files, sorted.

    Raises:
        FlowInputError: there is no such board, clock or provider.
        OSError: the folder cannot be written.
    """
    board_of(board)
    try:
        write_ip(hw, out, board, clock_mhz=clock_mhz, providers=providers)
    except ValueError as error:
        raise FlowInputError(str(error)) from error
    return files_below(out)
