# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# What the maker's board files (board.xml) say, not what board.tcl wants: for flows/vivado/standin.tcl.
# github.com/Avnet/bdf: ultra96v2/1.2/board.xml and ultra96v2/1.3/board.xml, of which the latter has a
# new vendor.
set BOARD_FILES {
  avnet.com:ultra96v2:part0:1.2 xczu3eg-sbva484-1-i
  avnet-tria:ultra96v2:part0:1.3 xczu3eg-sbva484-1-i
}
