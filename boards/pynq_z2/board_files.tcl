# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# What the maker's board files (board.xml) say, not what board.tcl wants: for flows/vivado/standin.tcl.
set BOARD_FILES {tul.com.tw:pynq-z2:part0:1.0 xc7z020clg400-1}
