# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# What the maker's board files (board.xml) say, not what board.tcl wants: for flows/vivado/standin.tcl.
set BOARD_FILES {xilinx.com:zcu102:part0:3.4 xczu9eg-ffvb1156-2-e}
