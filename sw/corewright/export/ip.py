# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""An accelerator as an IP package for block designs in Vivado: scripts, sources and driver."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

from corewright.environment import repository_root
from corewright.export.boards import find_board
from corewright.export.files import write_json
from corewright.export.firmware import copy_firmware
from corewright.export.places import copied
from corewright.export.settings import configuration_tcl
from corewright.export.systemverilog import cell_module, configuration_package, configured_module
from corewright.hardware import Hardware
from corewright.sources import sources_of

VENDOR, LIBRARY, VERSION = "corewright", "ip", "0.1"
_RTL, _DRIVER = "ip/rtl", f"drivers/corewright_v{VERSION.replace('.', '_')}"
_SCRIPTS = (
    "boards/tcl/cw_vivado.tcl",
    "boards/tcl/cw_package.tcl",
    "core/regs/tcl/cw_regs.tcl",
)
_DRIVER_CORE = "corewright:boards:driver"

# Names are marked by @: Tcl has its own uses for braces, dollars and percents.
_PACKAGE = """\
# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# Generated from a hardware description by corewright.export; do not edit.
#
#   vivado -mode batch -source package_ip.tcl
#
# packages ip/ as @VLNV@: writes ip/component.xml and ip/xgui.
set cw_folder [file dirname [file normalize [info script]]]
source [file join $cw_folder tcl/cw_vivado.tcl]
source [file join $cw_folder tcl/cw_package.tcl]
set cw_board [::cw::settings [file join $cw_folder tcl/board.tcl]]
set cw_hardware [::cw::settings [file join $cw_folder config_hw.tcl]]
set cw_registers [::cw::settings [file join $cw_folder tcl/cw_regs.tcl]]
set cw_ip {
  VENDOR @VENDOR@
  LIBRARY @LIBRARY@
  NAME @NAME@
  VERSION @VERSION@
  TITLE {Corewright accelerator, @SIZE@}
  DESCRIPTION {@DESCRIPTION@}
}

set cw_root [file join $cw_folder ip]
set cw_core [::cw::ip::create_component $cw_ip [file join $cw_folder vivado_package] \\
    [dict get $cw_board PART] $cw_root [::cw::listed [file join $cw_folder sources.txt]]]
::cw::ip::identify $cw_core $cw_ip
::cw::ip::infer_interfaces $cw_core
::cw::ip::add_address_spaces $cw_core $cw_hardware
::cw::ip::add_registers $cw_core $cw_registers
::cw::ip::add_driver $cw_core $cw_root @DRIVER@
::cw::ip::finish $cw_core
"""
_INSTANTIATE = """\
# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# Generated from a hardware description by corewright.export; do not edit.
#
#   vivado -mode batch -source instantiate.tcl
#
# is an example of the packaged IP's use: a block design for @BOARD@ in vivado_example, validated.
set cw_folder [file dirname [file normalize [info script]]]
source [file join $cw_folder tcl/cw_vivado.tcl]
set cw_board [::cw::settings [file join $cw_folder tcl/board.tcl]]
set cw_hardware [::cw::settings [file join $cw_folder config_hw.tcl]]
# @REASON@
set cw_clock_mhz @CLOCK@

create_project example [file join $cw_folder vivado_example] -part [dict get $cw_board PART] -force
::cw::set_board $cw_board
set_property ip_repo_paths [file join $cw_folder ip] [current_project]
update_ip_catalog -rebuild
::cw::create_block_design $cw_board $cw_hardware $cw_clock_mhz @VLNV@
close_project
"""
_README = """\
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Copyright corewright contributors -->
# @VLNV@

@DESCRIPTION@. Made by corewright's
`export --ip`. It needs nothing outside of this folder but Vivado (2020.2 or newer), and may be
moved. **None of it has run in the real tool yet.**

## Commands
Package it, which writes `ip/component.xml` and `ip/xgui`:

    vivado -mode batch -source package_ip.tcl

Then, if you like, an example: a block design for @TITLE@, whose board files have to be installed:

    vivado -mode batch -source instantiate.tcl

The folder `ip/` is what your own design needs. In its script, behind the project:

    set_property ip_repo_paths FOLDER/ip [current_project]
    update_ip_catalog
    create_bd_cell -type ip -vlnv @VLNV@ accelerator

| port | what | connect |
|---|---|---|
| `clk_i` | the clock of everything | |
| `rst_ni` | reset, active low, released synchronously to `clk_i` | |
| `irq_o` | interrupt, high level | an interrupt of the processor |
| `s_axil` | AXI4-Lite, 32 bits: registers, 4 KB, segment `reg0` | the processor |
| `m_axi_program`, `m_axi_pixels`, `m_axi_residual` | AXI4, read only | memory |
| `m_axi_output` | AXI4, write only | memory |

The four are @AXI@ bits wide, with addresses of @ADDRESS@ bits. The IP is one configuration and has
nothing to set; its name ends with a digest: another hardware is another IP, and both fit into one
design. Programs have to be compiled for `hardware.json` (option `--hardware`).

The driver is for Vitis' standalone domain: it becomes a part of the board support package of a
platform that has the IP. The application includes `cw_runtime.h` and `cw_hal_xilinx.h`, and gives
the HAL the cell's `S_AXIL_BASEADDR` of `xparameters.h`. Vitis Unified (2023.2 or newer) reads no
`.mdd`: add the files of `src/` to the application.

## Files
| file | what |
|---|---|
| `package_ip.tcl`, `instantiate.tcl` | the scripts to run |
| `tcl/cw_package.tcl`, `tcl/cw_vivado.tcl` | their steps |
| `tcl/cw_regs.tcl` | the registers, which `package_ip.tcl` describes |
| `tcl/board.tcl` | the example's board; packaging is done in a project of its part |
| `config_hw.tcl`, `hardware.json` | the hardware's values for scripts; its parameters |
| `sources.txt` | the RTL in the order of compilation |
| `ip/rtl/` | the RTL; the top is `@NAME@.v` |
| `ip/doc/registers.md` | the registers |

| in `ip/@DRIVER@/` | what |
|---|---|
| `data/corewright.mdd`, `data/corewright.tcl` | what Vitis reads of the driver |
| `src/Makefile` | builds it in a board support package |
| `src/cw_model.*`, `src/cw_runtime.*`, `src/cw_host.*` | the runtime: loads and runs a program |
| `src/cw_hal.h`, `src/cw_hal_xilinx.*` | what that needs of a platform; Zynq without a system |
| `src/cw_regs.h`, `src/cw_program.h` | offsets of registers, fields of a program |

Apache-2.0.
"""


def ip_name(hw: Hardware) -> str:
    """Return what the IP of a hardware is called: two configurations have two names."""
    return f"cw_accelerator_{zlib.crc32(configuration_package(hw).encode()):08x}"


def write_ip(
    hw: Hardware,
    directory: str | os.PathLike[str],
    board: str = "zcu104",
    *,
    clock_mhz: float | None = None,
    providers: Sequence[str] = (),
) -> Path:
    """Write a folder that packages ``hw`` as an IP, and an example of its use.

    ``vivado -mode batch -source package_ip.tcl`` makes ``ip/component.xml``: interfaces, registers,
    address spaces, files and the driver. Everything that the scripts read is in the folder, which
    can be taken anywhere. See ``docs/boards.md``.

    Args:
        hw: the accelerator.
        directory: where the files go; made if needed.
        board: of the example; a folder of ``boards/``.
        clock_mhz: of the example; None: the board's, or the hardware's if that is slower.
        providers: of virtual cores, instead of the default ones: see ``sources_of``.

    Returns:
        The path of ``package_ip.tcl``.

    Raises:
        OSError: a file cannot be written.
        ValueError: there is no such board, clock or provider.
    """
    target = find_board(board)
    name = ip_name(hw)
    marks = {
        "@VENDOR@": VENDOR,
        "@LIBRARY@": LIBRARY,
        "@VERSION@": VERSION,
        "@VLNV@": f"{VENDOR}:{LIBRARY}:{name}:{VERSION}",
        "@NAME@": name,
        "@SIZE@": f"{hw.rows} x {hw.columns} units",
        "@DESCRIPTION@": f"Neural-network accelerator: {hw.rows} x {hw.columns} units, "
        f"{hw.bits_input} bit pixels, {hw.bits_weights} bit weights",
        "@DRIVER@": _DRIVER,
        "@BOARD@": board,
        "@TITLE@": target.title,
        "@REASON@": target.clock_reason(hw, clock_mhz),
        "@CLOCK@": f"{target.clock(hw, clock_mhz):g}",
        "@AXI@": str(hw.axi_width),
        "@ADDRESS@": str(hw.address_width),
    }
    root = repository_root()
    folder = Path(directory)
    (folder / "ip" / "doc").mkdir(parents=True, exist_ok=True)
    _write_rtl(hw, name, folder, providers)
    tcl = copied(folder, "tcl")
    for path in (
        "boards/tcl/cw_vivado.tcl",
        "boards/tcl/cw_package.tcl",
        "core/regs/tcl/cw_regs.tcl",
    ):
        tcl(root / path)
    tcl(target.file)
    shutil.copyfile(root / "core/regs/doc/registers.md", folder / "ip" / "doc" / "registers.md")
    _write_driver(folder / "ip")
    (folder / "config_hw.tcl").write_text(configuration_tcl(hw), encoding="utf-8")
    write_json(hw, folder / "hardware.json")
    texts = {"package_ip.tcl": _PACKAGE, "instantiate.tcl": _INSTANTIATE, "README.md": _README}
    for file, text in texts.items():
        for mark, value in marks.items():
            text = text.replace(mark, value)
        (folder / file).write_text(text, encoding="utf-8")
    return folder / "package_ip.tcl"


def _write_rtl(hw: Hardware, name: str, folder: Path, providers: Sequence[str]) -> None:
    """Write the RTL with a top, a configured module and a package of this hardware's own names."""
    place = copied(folder, _RTL)
    shared = sources_of("corewright:core:accelerator", "export", providers=providers)
    names = [place(path) for path in shared if path.suffix in (".sv", ".v")]
    package, configured = f"{name}_config_pkg", f"{name}_configured"
    texts = {
        f"{package}.sv": configuration_package(hw, package),
        f"{configured}.sv": configured_module(configured, package),
        f"{name}.v": cell_module(hw, name, configured),
    }
    for file, text in texts.items():
        (folder / _RTL / file).write_text(text, encoding="utf-8")
    names += [f"{_RTL}/{file}" for file in texts]
    (folder / "sources.txt").write_text("".join(f"{n}\n" for n in names), encoding="utf-8")


def _write_driver(ip: Path) -> None:
    place = copied(ip, f"{_DRIVER}/data")
    for path in sources_of(_DRIVER_CORE, kinds=("user",)):
        place(path)
    copy_firmware(_DRIVER_CORE, ip, f"{_DRIVER}/src")
    # In the tree it has a suffix, by which its kind is known.
    data = ip / _DRIVER / "data"
    (data / "corewright.mk").replace(ip / _DRIVER / "src" / "Makefile")
