# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# What the maker's board files (board.xml) say, not what board.tcl wants: for flows/vivado/standin.tcl.
set BOARD_FILES {xilinx.com:zcu106:part0:2.6 xczu7ev-ffvc1156-2-e}
