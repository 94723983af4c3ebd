# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A hardware in other tools' languages: SystemVerilog, Tcl, JSON, Vivado's flow."""

from corewright.export.boards import Board, board_names, boards_table, find_board, read_board
from corewright.export.files import write_configuration, write_json
from corewright.export.firmware import board_header, copy_firmware
from corewright.export.ip import write_ip
from corewright.export.settings import configuration_tcl, read_settings
from corewright.export.systemverilog import (
    configuration_package,
    configured_module,
    simulation_package,
)
from corewright.export.vivado import write_vivado_flow

__all__ = [
    "Board",
    "board_header",
    "board_names",
    "boards_table",
    "configuration_package",
    "configuration_tcl",
    "configured_module",
    "copy_firmware",
    "find_board",
    "read_board",
    "read_settings",
    "simulation_package",
    "write_configuration",
    "write_ip",
    "write_json",
    "write_vivado_flow",
]
