# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# Place and route in Innovus: `innovus -stylus -batch -no_gui -files innovus.tcl` in a work root of
# the flow cw_innovus, which writes innovus_settings.tcl and innovus_mmmc.tcl; netlist and
# constraints are those of Genus. Results go to output and reports.

proc cw_set_up {} {
  set_multi_cpu_usage -local_cpu $::Cpus
  set_db design_process_node $::Node
  set_db timing_analysis_type ocv
  set_db timing_analysis_cppr both
  # The summary of this flow reads them.
  set_db opt_time_design_compress_reports false
}

proc cw_read_design {} {
  read_mmmc innovus_mmmc.tcl
  read_physical -lef $::Lef
  read_netlist $::Netlist -top $::Top
  set_db init_power_nets $::Power
  set_db init_ground_nets $::Ground
  init_design
  lassign $::Routing bottom top
  set_db design_bottom_routing_layer $bottom
  set_db design_top_routing_layer $top
}

proc cw_connect_supplies {} {
  foreach {net pins tie} [list $::Power $::PowerPins tie_hi $::Ground $::GroundPins tie_lo] {
    foreach pin $pins {
      connect_global_net $net -type pg_pin -pin_base_name $pin -inst_base_name *
    }
    connect_global_net $net -type $tie -inst_base_name *
  }
  commit_global_net_rules
}

proc cw_floorplan {} {
  set margin $::CoreMargin
  create_floorplan -site $::Site \
      -stdcell_density_size [list 1.0 $::Density $margin $margin $margin $margin]
  if {$::MacroHalo > 0} {
    set halo $::MacroHalo
    create_place_halo -all_blocks -halo_deltas [list $halo $halo $halo $halo] -snap_to_site
    plan_design
  }
  if {[llength $::Taps]} {
    lassign $::Taps cell interval
    set_db add_well_taps_cell $cell
    add_well_taps -cell_interval $interval
  }
}

proc cw_plan_power {} {
  set nets [list $::Power $::Ground]
  lassign $::Ring horizontal vertical width spacing offset
  set sides [list top $horizontal bottom $horizontal left $vertical right $vertical]
  add_rings -nets $nets -type core_rings -follow core -layer $sides \
      -width $width -spacing $spacing -offset $offset
  route_special -connect core_pin -nets $nets
  foreach stripes $::Stripes {
    lassign $stripes layer direction width spacing pitch
    add_stripes -nets $nets -layer $layer -direction $direction -width $width \
        -spacing $spacing -set_to_set_distance $pitch
  }
  if {$::MacroHalo > 0} { route_special -connect block_pin -nets $nets }
}

proc cw_place_pins {} {
  set_db assign_pins_edit_in_batch true
  edit_pin -pin [get_db ports .name] -side left -layer $::PinLayer -spread_type center \
      -spread_direction clockwise -fix_overlap 1 -fixed_pin 1
  set_db assign_pins_edit_in_batch false
}

proc cw_place {} {
  place_opt_design
  set_db add_tieoffs_cells $::Tie
  delete_tieoffs
  add_tieoffs
}

proc cw_build_clock_tree {} {
  if {[llength $::ClockBuffers]} { set_db cts_buffer_cells $::ClockBuffers }
  if {[llength $::ClockInverters]} { set_db cts_inverter_cells $::ClockInverters }
  create_clock_tree_spec
  ccopt_design
  opt_design -post_cts -hold
}

proc cw_route {} {
  route_design
  opt_design -post_route -setup -hold
  if {[llength $::Fillers]} {
    set_db add_fillers_cells $::Fillers
    add_fillers
  }
}

proc cw_check {} {
  file mkdir reports/innovus
  check_drc -limit 100000 -out_file reports/innovus/drc.rpt
  check_connectivity -out_file reports/innovus/connectivity.rpt
  check_process_antenna -out_file reports/innovus/antenna.rpt
}

proc cw_report {} {
  time_design -post_route -report_dir reports/innovus/setup -report_prefix timing
  time_design -post_route -hold -report_dir reports/innovus/hold -report_prefix timing
  report_timing -max_paths 10 > reports/innovus/timing.rpt
  report_area > reports/innovus/area.rpt
  report_power > reports/innovus/power.rpt
}

proc cw_write {} {
  file mkdir output/innovus
  set base output/innovus/$::Top
  write_db $base.db
  write_netlist $base.v -top_module $::Top -top_module_first -exclude_leaf_cells
  write_netlist $base.physical.v -top_module $::Top -top_module_first -exclude_leaf_cells -phys
  write_def $base.def -floorplan -netlist -routing
  write_sdf $base.sdf
  extract_rc
  foreach corner $::RcCorners {
    write_parasitics -spef_file $base.$corner.spef -rc_corner $corner
  }
  set options [list -mode ALL -unit $::GdsUnits]
  if {[llength $::GdsMap]} { lappend options -map_file $::GdsMap }
  if {[llength $::Gds]} {
    lappend options -uniquify_cell_names -merge $::Gds
  } else {
    lappend options -output_macros
  }
  write_stream {*}$options $base.gds
}

proc cw_main {} {
  cw_set_up
  cw_read_design
  cw_connect_supplies
  cw_set_dont_use
  cw_floorplan
  cw_plan_power
  cw_place_pins
  cw_place
  cw_build_clock_tree
  cw_route
  cw_check
  cw_report
  cw_write
}

cw_run innovus_settings.tcl
