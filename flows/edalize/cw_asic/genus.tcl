# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# Synthesis in Genus: `genus -batch -no_gui -files genus.tcl` in a work root of the flow cw_genus,
# which writes genus_settings.tcl, genus_mmmc.tcl and genus.sdc. Results go to output and reports.

proc cw_set_up {} {
  # What is not found is an error, not a box without content.
  set_db hdl_error_on_blackbox true
  set_db auto_ungroup none
  set_multi_cpu_usage -local_cpu $::Cpus
}

proc cw_read_libraries {} {
  read_mmmc genus_mmmc.tcl
  set_db init_power_nets $::Power
  set_db init_ground_nets $::Ground
  read_physical -lef $::Lef
}

proc cw_read_design {} {
  set_db init_hdl_search_path $::Folders
  if {[llength $::Verilog]} { read_hdl -define $::Defines $::Verilog }
  if {[llength $::SystemVerilog]} { read_hdl -define $::Defines -sv $::SystemVerilog }
  elaborate $::Top
  init_design -top $::Top
  check_design -unresolved
  check_timing_intent
}

proc cw_synthesize {} {
  syn_generic
  syn_map
  syn_opt
  # Each library set has a cell of the name.
  foreach cell $::Tie {
    lappend ties [get_db base_cell:$cell .lib_cells -if ".library.library_set.name == $::SetupSet"]
  }
  lassign $ties high low
  add_tieoffs -high $high -low $low -max_fanout 1 -verbose
}

proc cw_report {} {
  file mkdir reports/genus
  report_timing -max_paths 10 > reports/genus/timing.rpt
  report_area > reports/genus/area.rpt
  report_gates > reports/genus/gates.rpt
  report_power > reports/genus/power.rpt
  report_qor > reports/genus/qor.rpt
  report_messages > reports/genus/messages.rpt
}

proc cw_write {} {
  file mkdir output/genus
  write_hdl > output/genus/$::Top.v
  write_sdc -view $::SetupView > output/genus/$::Top.sdc
  write_sdf > output/genus/$::Top.sdf
}

proc cw_main {} {
  cw_set_up
  cw_read_libraries
  cw_read_design
  cw_set_dont_use
  cw_synthesize
  cw_report
  cw_write
}

cw_run genus_settings.tcl
