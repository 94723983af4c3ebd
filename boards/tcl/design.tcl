# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# FuseSoC: Edalize's project script runs this in the work root, through the generator's cw_board.tcl,
# which stands behind all RTL and sets the clock, cw_clock_mhz. The files that it reads are copied there
# by boards/vivado.core and by the system's generator.

source board/cw_vivado.tcl
set cw_board [::cw::settings board/board.tcl]
::cw::set_board $cw_board

# Edalize sets it after the last source, the block design needs it now.
set_property source_mgmt_mode All [current_project]

::cw::create_design $cw_board [::cw::settings vectors/config_hw.tcl] $cw_clock_mhz
