# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A hardware in other tools' languages: SystemVerilog, Tcl, JSON, Vivado's flow."""

from corewright.export.boards import Board, board_names, boards_table, find_board, read_board
from corewright.export.files import write_configuration, write_json
from corewright.export.settings import configuration_tcl, read_settings
from corewright.export.systemverilog import configuration_package, simulation_package
from corewright.export.vivado import write_vivado_flow

__all__ = [
    "Board",
    "board_names",
    "boards_table",
    "configuration_package",
    "configuration_tcl",
    "find_board",
    "read_board",
    "read_settings",
    "simulation_package",
    "write_configuration",
    "write_json",
    "write_vivado_flow",
]
