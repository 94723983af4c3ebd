# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# FuseSoC: runs in the work root after the bitstream has been made.

source board/cw_vivado.tcl
set cw_projects [glob *.xpr]
if {[llength $cw_projects] != 1} { error "more than one project: $cw_projects" }
open_project [lindex $cw_projects 0]
::cw::export_results output
close_project
