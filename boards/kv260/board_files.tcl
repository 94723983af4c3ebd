# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# What the maker's board files (board.xml) say, not what board.tcl wants: for flows/vivado/standin.tcl.
set BOARD_FILES {xilinx.com:kv260_som:part0:1.4 xck26-sfvc784-2LV-c}
