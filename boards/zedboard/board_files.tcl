# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# What the maker's board files (board.xml) say, not what board.tcl wants: for flows/vivado/standin.tcl.
set BOARD_FILES {digilentinc.com:zedboard:part0:1.1 xc7z020clg484-1}
