# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Vivado's script for a board: from what ``files`` writes to a bitstream."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from corewright.environment import repository_root
from corewright.export.boards import find_board
from corewright.export.files import write_configuration
from corewright.export.places import copied, referenced
from corewright.hardware import Hardware
from corewright.sources import sources_of

# The cell of a block design with all that it needs, and the folders of a folder of its own.
CELL = ("corewright:boards:accelerator_bd", "export")
_RTL, _TCL = "rtl", "tcl"

# Names are marked by @: Tcl has its own uses for braces, dollars and percents.
_VIVADO_FLOW = """\
# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# Generated from a hardware description by corewright.export; do not edit.
#
#   vivado -mode batch -source vivado_flow.tcl
#
# makes bitstream, hardware handoff, platform and reports in vivado_@BOARD@/output beside this file.
set cw_folder [file dirname [file normalize [info script]]]
source [file join $cw_folder @FLOW@]
set cw_board [::cw::settings [file join $cw_folder @SETTINGS@]]
set cw_hardware [::cw::settings [file join $cw_folder config_hw.tcl]]
# @REASON@
set cw_clock_mhz @CLOCK@

# The accelerator, and what makes it a cell of a block design.
set cw_sources [::cw::listed [file join $cw_folder sources.txt]]
foreach cw_source {
  config_hw.svh
  @SOURCES@
} {
  lappend cw_sources [file join $cw_folder $cw_source]
}

set cw_project [file join $cw_folder vivado_@BOARD@]
::cw::create_project_of corewright_@BOARD@ $cw_project $cw_board $cw_sources
::cw::create_design $cw_board $cw_hardware $cw_clock_mhz
::cw::build
::cw::export_results [file join $cw_project output]
"""


def write_vivado_flow(
    hw: Hardware,
    board: str = "zcu104",
    directory: str | os.PathLike[str] = ".",
    *,
    clock_mhz: float | None = None,
    self_contained: bool = False,
    providers: Sequence[str] = (),
) -> Path:
    """Write ``vivado_flow.tcl``: from the exported files to a bitstream for ``board``.

    Everything that the script reads is written, too: this calls :func:`write_configuration`.
    ``vivado -mode batch -source vivado_flow.tcl`` then makes, in ``vivado_<board>/output``,
    ``corewright.bit``, ``.hwh`` and ``.xsa`` and the reports of utilisation, timing and power.
    Scripts and RTL stay where they are, and the paths are relative to ``directory``, or they are
    copied, and the folder can be taken anywhere. See ``docs/boards.md``.

    Args:
        hw: the accelerator.
        board: a folder of ``boards/`` with a ``board.tcl``.
        directory: where the files go; made if needed.
        clock_mhz: the clock; None: the board's, or the hardware's ``frequency_mhz`` if that is
            slower. The script says which it is.
        self_contained: copy the RTL to ``rtl`` and the scripts to ``tcl``.
        providers: of virtual cores, instead of the default ones: see ``sources_of``.

    Returns:
        The path of the script.

    Raises:
        OSError: a file cannot be written.
        ValueError: there is no such board, or it cannot give the clock that is asked for; or there
            is no such provider.
    """
    boards = repository_root() / "boards"
    target = find_board(board)
    reason, clock = target.clock_reason(hw, clock_mhz), target.clock(hw, clock_mhz)

    folder = Path(directory)
    if self_contained:
        core, core_target = CELL
        write_configuration(
            hw,
            folder,
            core=core,
            target=core_target,
            providers=providers,
            place=copied(folder, _RTL),
        )
        further: list[Path] = []
        place = copied(folder, _TCL)
    else:
        *_, listing = write_configuration(hw, folder, providers=providers)
        base = folder.resolve()
        listed = {(base / line).resolve() for line in listing.read_text("utf-8").splitlines()}
        further = [path for path in sources_of(*CELL, providers=providers) if path not in listed]
        place = referenced(folder)
    files = {
        "@FLOW@": [boards / "tcl" / "cw_vivado.tcl"],
        "@SETTINGS@": [target.file],
        "@SOURCES@": further,
    }
    text = _VIVADO_FLOW.replace("@BOARD@", board)
    text = text.replace("@REASON@", reason).replace("@CLOCK@", f"{clock:g}")
    for mark, paths in files.items():
        text = text.replace(mark, "\n  ".join(f"{{{place(path)}}}" for path in paths))
    script = folder / "vivado_flow.tcl"
    script.write_text(re.sub(r"\n +\n", "\n", text), encoding="utf-8")
    return script
