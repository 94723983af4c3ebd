# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# A strict stand-in for Genus and for Innovus (its common user interface, "Stylus"). It has the
# commands and options of the sources below, so that unknown ones are errors; it looks at the files,
# at names in libraries, LEF and HDL, and at the order of steps. It synthesises, places and routes
# nothing: where a tool writes a result it leaves a placeholder that says so. See README.md.
#
# Usage: tclsh standin.tcl genus|innovus [the tool's arguments]
#
# Each command, option and attribute stands in one of these, named by the letter in its entry:
#   H  github.com/ucb-bar/hammer, b18de4b: hammer/synthesis/genus/__init__.py,
#      hammer/par/innovus/__init__.py, hammer/common/cadence/__init__.py
#   G  github.com/32xlr8/gflow, 0e14230: templates/project.2025/tools and blocks/template
#   M  github.com/TILOS-AI-Institute/MacroPlacement, 20eddb6: Flows/ASAP7/ariane133/scripts/cadence
#   V  github.com/vishwasreer/HW_AI_ML, 27429ae: Project/Hardware/apr/scripts
#   R  public scripts of sky130 and ASAP7 blocks that a search for -stdcell_density_size finds; it
#      did not name their repositories
#   W  ecrionix.org/vlsi/synthesis-commands
#   S  Synopsys Design Constraints, as OpenSTA (github.com/parallaxsw/OpenSTA) reads them

source [file join [file dirname [file normalize [info script]]] .. standins standin.tcl]

namespace eval ::standin {
  variable Tool ""
  variable Placeholder "Placeholder of flows/asic/standin.tcl: no tool has run."
  # Steps that are done, in order; what was read.
  variable Done {}
  variable Libraries {}
  variable Layers {}
  variable Sites {}
  variable Macros {}
  variable Pins {}
  variable Sets {}
  variable Views {}
  variable Corners {}
  variable Constraints {}
  variable Sources {}
  variable Ports {}
  variable Settings {}
  variable Top ""
}

# Defines a command: `source` is a letter of the list above; `needs` are steps that come before;
# `options` are flags, or with a colon at the end options with a value; `count` is the least and the
# greatest number of other arguments. The body has `option`, a dict, and `words`.
proc ::standin::command {tools name source needs options count {body {}}} {
  variable Tool
  variable Script
  if {$Tool ni $tools} return
  set variables {Done Libraries Layers Sites Macros Pins Sets Views Corners Constraints Sources}
  lappend variables Ports Settings Top Tool
  proc ::standin::do_$name {option words} "variable [join $variables {; variable }]\n$body"
  interp alias $Script $name {} ::standin::call $name $needs $options $count
}

proc ::standin::call {name needs options count args} {
  variable Done
  puts "# $name $args"
  foreach step $needs {
    require [expr {$step in $Done}] "$name: $step has to come before"
  }
  set target ""
  if {[llength $args] > 1 && [lindex $args end-1] eq ">"} {
    set target [lindex $args end]
    set args [lrange $args 0 end-2]
  }
  set result [do_$name {*}[split_arguments $name $options $count $args]]
  if {$target ne ""} { placeholder $target }
  lappend Done $name
  return $result
}

proc ::standin::value {option name} {
  require [dict exists $option $name] "$name is missing"
  return [dict get $option $name]
}

proc ::standin::placeholder {path} {
  variable Placeholder
  variable Top
  require [file isdirectory [file dirname $path]] "no folder [file dirname $path]"
  set file [open $path w]
  puts $file "// $Placeholder\n// top: $Top"
  close $file
}

proc ::standin::names {pattern text} {
  set found {}
  foreach {- name} [regexp -all -inline -line $pattern $text] { lappend found $name }
  return $found
}

# Requires that names are in a list.
proc ::standin::known {what names list} {
  foreach name $names { require [expr {$name in $list}] "there is no $what '$name'" }
}

# ------------------------------------------------------------------------------- files, both tools

proc ::standin::read_lef {paths} {
  variable Layers
  variable Sites
  variable Macros
  variable Pins
  require [llength $paths] "read_physical: no LEF"
  foreach path $paths {
    set text [contents $path]
    lappend Layers {*}[names {^\s*LAYER\s+(\S+)\s*$} $text]
    lappend Sites {*}[names {^\s*SITE\s+(\S+)\s*$} $text]
    lappend Macros {*}[names {^\s*MACRO\s+(\S+)\s*$} $text]
    lappend Pins {*}[names {^\s*PIN\s+(\S+)\s*$} $text]
  }
}

proc ::standin::evaluate {path} {
  variable Script
  interp eval $Script [list source $path]
}

# The commands; they are defined when the tool is known.
set ::standin::Definitions {
  ::standin::command {genus innovus} set_multi_cpu_usage H {} \
      {-local_cpu: -remote_host: -cpu_per_remote_host:} {0 0}
  ::standin::command {genus innovus} read_mmmc H {} {} {1 1} {
    contents [lindex $words 0]
    evaluate [lindex $words 0]
    require [llength $Views] "read_mmmc: no set_analysis_view"
  }
  ::standin::command {genus innovus} create_constraint_mode H {} \
      {-name: -sdc_files: -ilm_sdc_files:} {0 0} {
    foreach path [value $option -sdc_files] { contents $path }
    dict set Constraints [value $option -name] [value $option -sdc_files]
  }
  ::standin::command {genus innovus} create_library_set H {} {-name: -timing:} {0 0} {
    require [llength [value $option -timing]] "create_library_set: no libraries"
    foreach path [value $option -timing] {
      set cells [names {^\s*cell\s*\(\s*"?(\w+)"?\s*\)} [contents $path]]
      require [llength $cells] "create_library_set: $path has no cell"
      dict lappend Libraries [value $option -name] {*}$cells
    }
  }
  ::standin::command {genus innovus} create_timing_condition H {create_library_set} \
      {-name: -library_sets:} {0 0} {
    known {library set} [value $option -library_sets] [dict keys $Libraries]
    dict set Sets condition [value $option -name] 1
  }
  ::standin::command {genus innovus} create_rc_corner H {} \
      {-name: -temperature: -qrc_tech:} {0 0} {
    if {[dict exists $option -qrc_tech]} { contents [dict get $option -qrc_tech] }
    lappend Corners [value $option -name]
  }
  ::standin::command {genus innovus} create_delay_corner H {} \
      {-name: -timing_condition: -rc_corner:} {0 0} {
    known {timing condition} [value $option -timing_condition] [dict keys [dict get $Sets condition]]
    known {RC corner} [value $option -rc_corner] $Corners
    dict set Sets delay [value $option -name] 1
  }
  ::standin::command {genus innovus} create_analysis_view H {} \
      {-name: -delay_corner: -constraint_mode:} {0 0} {
    known {delay corner} [value $option -delay_corner] [dict keys [dict get $Sets delay]]
    known {constraint mode} [value $option -constraint_mode] [dict keys $Constraints]
    dict set Sets view [value $option -name] 1
  }
  ::standin::command {genus innovus} set_analysis_view H {create_analysis_view} \
      {-setup: -hold: -dynamic: -leakage:} {0 0} {
    foreach use {-setup -hold} {
      require [llength [value $option $use]] "set_analysis_view: no view for $use"
      known {analysis view} [value $option $use] [dict keys [dict get $Sets view]]
    }
    set Views [dict get $option -setup]
  }
  # H has -lef, G -lefs and -add_lefs.
  ::standin::command {genus innovus} read_physical HG {read_mmmc} {-lef: -lefs: -add_lefs:} {0 0} {
    read_lef [value $option -lef]
  }
  ::standin::command {genus innovus} set_dont_use H {read_mmmc} {} {1 2} {
    require [llength [lindex $words 0]] "set_dont_use: no cell"
    require [expr {"syn_generic" ni $Done && "place_opt_design" ni $Done}] \
        "set_dont_use: comes too late"
  }
  ::standin::command {genus innovus} get_db HG {} {-if: -u -foreach:} {1 3} { query $option $words }
  ::standin::command {genus innovus} set_db HG {} {-quiet} {2 3} { set_attribute $words }

  # ---- Genus ----
  ::standin::command genus read_hdl HG {read_mmmc} \
      {-sv -define: -language: -f:} {1 1} {
    foreach path [lindex $words 0] {
      contents $path
      require [expr {$path ni $Sources}] "read_hdl: '$path' is read twice"
      if {[file extension $path] eq ".sv"} {
        require [dict exists $option -sv] "read_hdl: '$path' is SystemVerilog, -sv is missing"
      }
      lappend Sources $path
    }
  }
  ::standin::command genus elaborate H {read_hdl} {} {1 1} {
    set Top [lindex $words 0]
    check_sources
  }
  ::standin::command {genus innovus} init_design HG {read_mmmc read_physical} {-top:} {0 0} {
    foreach name {init_power_nets init_ground_nets} {
      require [dict exists $Settings $name] "init_design: $name is not set"
    }
    if {$Tool eq "genus"} {
      require [expr {"elaborate" in $Done}] "init_design: elaborate has to come before"
      require [expr {[value $option -top] eq $Top}] "init_design: -top is not $Top"
      foreach path [concat {*}[dict values $Constraints]] { read_constraints $path }
    } else {
      require [expr {"read_netlist" in $Done}] "init_design: read_netlist has to come before"
    }
  }
  ::standin::command genus check_design MG {elaborate} {-unresolved -all} {0 1}
  ::standin::command genus check_timing_intent MG {init_design} {-verbose} {0 0}
  ::standin::command genus syn_generic HMG {init_design} {-physical} {0 0}
  ::standin::command genus syn_map HMG {syn_generic} {-physical} {0 0}
  ::standin::command genus syn_opt HMG {syn_map} {-spatial} {0 0}
  ::standin::command genus add_tieoffs H {syn_map} \
      {-high: -low: -max_fanout: -verbose} {0 0} {
    foreach name {-high -low} {
      require [llength [value $option $name]] "add_tieoffs: no cell for $name"
    }
  }
  ::standin::command genus report_timing HG {syn_map} \
      {-max_paths: -unconstrained -lint -verbose -fields: -path_type:} {0 0}
  ::standin::command genus report_area M {syn_map} {} {0 0}
  ::standin::command genus report_gates MG {syn_map} {-power} {0 0}
  ::standin::command genus report_power MG {syn_map} {-levels:} {0 0}
  ::standin::command genus report_qor W {syn_map} {} {0 0}
  ::standin::command genus report_messages MG {} {} {0 0}
  ::standin::command genus write_hdl HMG {syn_opt} {-exclude_ilm} {0 0}
  ::standin::command genus write_sdc HMG {syn_opt} {-view:} {0 0} {
    known {setup view} [value $option -view] $Views
  }
  ::standin::command genus write_sdf HG {syn_opt} \
      {-view: -edges: -interconn: -nonegchecks} {0 0}

  # ---- Innovus ----
  ::standin::command innovus read_netlist HG {read_physical} {-top:} {1 1} {
    set Top [value $option -top]
    set text [contents [lindex $words 0]]
    set pattern "(top: |module\\s+)$Top\\M"
    require [regexp $pattern $text] "read_netlist: no module $Top in [lindex $words 0]"
  }
  ::standin::command innovus connect_global_net GH {init_design} \
      {-type: -pin_base_name: -inst_base_name: -net_base_name: -verbose -hinst:} {1 1} {
    known {supply net} [lindex $words 0] \
        [concat [dict get $Settings init_power_nets] [dict get $Settings init_ground_nets]]
    known type [value $option -type] {pg_pin tie_hi tie_lo net}
    if {[dict get $option -type] eq "pg_pin"} { known pin [value $option -pin_base_name] $Pins }
  }
  ::standin::command innovus commit_global_net_rules G {connect_global_net} {} {0 0}
  ::standin::command innovus create_floorplan HR {init_design} \
      {-core_margins_by: -flip: -die_size_by_io_height: -site: -die_size:
          -stdcell_density_size:} {0 0} {
    known site [value $option -site] $Sites
    set size [value $option -stdcell_density_size]
    require [expr {[llength $size] == 6}] "create_floorplan: six numbers, not '$size'"
    foreach number $size {
      require [string is double -strict $number] "create_floorplan: '$number' is no number"
    }
  }
  ::standin::command innovus create_place_halo H {create_floorplan} \
      {-all_blocks -insts: -halo_deltas: -snap_to_site} {0 0} {
    require [expr {[llength [value $option -halo_deltas]] == 4}] "create_place_halo: four sides"
  }
  ::standin::command innovus plan_design H {create_floorplan} {} {0 0}
  ::standin::command innovus add_well_taps H {create_floorplan} \
      {-cell_interval: -in_row_offset:} {0 0} {
    require [dict exists $Settings add_well_taps_cell] "add_well_taps: add_well_taps_cell is not set"
  }
  ::standin::command innovus add_rings GV {create_floorplan} \
      {-nets: -type: -follow: -layer: -width: -spacing: -offset: -threshold: -jog_distance:
          -use_wire_group: -snap_wire_center_to_grid:} {0 0} {
    known net [value $option -nets] \
        [concat [dict get $Settings init_power_nets] [dict get $Settings init_ground_nets]]
    known {routing layer} [dict values [value $option -layer]] $Layers
    foreach name {-width -spacing -offset} { value $option $name }
  }
  ::standin::command innovus add_stripes HG {create_floorplan} \
      {-nets: -layer: -direction: -width: -spacing: -set_to_set_distance: -start_offset:
          -snap_wire_center_to_grid: -area: -number_of_sets: -stapling: -start: -create_pins:
          -over_pins: -pin_layer: -master: -switch_layer_over_obs: -block_ring_bottom_layer_limit:
          -block_ring_top_layer_limit: -pad_core_ring_bottom_layer_limit:
          -pad_core_ring_top_layer_limit:} {0 0} {
    known {routing layer} [value $option -layer] $Layers
    known direction [value $option -direction] {horizontal vertical}
    foreach name {-nets -width -spacing -set_to_set_distance} { value $option $name }
  }
  ::standin::command innovus route_special GV {create_floorplan commit_global_net_rules} \
      {-connect: -block_pin_target: -pad_pin_layer_range: -pad_pin_target: -pad_pin_port_connect:
          -crossover_via_layer_range: -target_via_layer_range: -allow_layer_change:
          -layer_change_range: -allow_jogging: -nets: -core_pin_layer: -core_pin_width:
          -core_pin_target:} {0 0} {
    known {kind of pin} [value $option -connect] {core_pin block_pin pad_pin pad_ring floating_stripe}
  }
  ::standin::command innovus edit_pin GH {create_floorplan} \
      {-fixed_pin: -pin: -hinst: -pattern: -layer: -side: -start: -end: -spread_type: -assign:
          -pin_width: -pin_depth: -snap: -edge: -spread_direction: -layer_horizontal:
          -layer_vertical: -spacing: -unit: -fix_overlap:} {0 0} {
    known {routing layer} [value $option -layer] $Layers
    known side [value $option -side] {left right top bottom inside}
    require [llength [value $option -pin]] "edit_pin: no pins"
  }
  ::standin::command innovus place_opt_design HG {edit_pin add_rings add_stripes route_special} \
      {-report_dir: -report_prefix:} {0 0}
  ::standin::command innovus delete_tieoffs G {place_opt_design} {} {0 0}
  ::standin::command innovus add_tieoffs G {place_opt_design} {-matching_power_domains:} {0 0} {
    require [dict exists $Settings add_tieoffs_cells] "add_tieoffs: add_tieoffs_cells is not set"
  }
  ::standin::command innovus create_clock_tree_spec H {place_opt_design} {} {0 0}
  ::standin::command innovus ccopt_design HG {create_clock_tree_spec} \
      {-hold -timing_debug_report -report_dir: -report_prefix:} {0 0}
  ::standin::command innovus opt_design HG {ccopt_design} \
      {-post_cts -post_route -setup -hold -expanded_views -timing_debug_report -report_dir:
          -report_prefix: -hold_violation_report:} {0 0} {
    if {[dict exists $option -post_route]} {
      require [expr {"route_design" in $Done}] "opt_design: route_design has to come before"
      require [expr {[dict exists $Settings timing_analysis_type]
          && [dict get $Settings timing_analysis_type] eq "ocv"}] \
          "opt_design -post_route: timing_analysis_type is not ocv"
    } else {
      value $option -post_cts
    }
  }
  ::standin::command innovus route_design H {ccopt_design} {} {0 0}
  ::standin::command innovus add_fillers HG {place_opt_design} {-density: -area: -prefix:
          -base_cells: -fill_gap} {0 0} {
    require [dict exists $Settings add_fillers_cells] "add_fillers: add_fillers_cells is not set"
  }
  ::standin::command innovus check_drc G {route_design} {-out_file: -limit: -range:} {0 0} {
    placeholder [value $option -out_file]
  }
  ::standin::command innovus check_connectivity G {route_design} {-out_file:} {0 0} {
    placeholder [value $option -out_file]
  }
  ::standin::command innovus check_process_antenna HG {route_design} {-out_file: -error:} {0 0} {
    placeholder [value $option -out_file]
  }
  ::standin::command innovus time_design HG {route_design} \
      {-post_route -hold -expanded_views -report_only -report_dir: -report_prefix:} {0 0} {
    value $option -post_route
    file mkdir [value $option -report_dir]
    placeholder [file join [dict get $option -report_dir] [value $option -report_prefix].summary]
  }
  ::standin::command innovus report_timing G {init_design} \
      {-late -early -max_paths: -path_type: -split_delay -group: -from: -to: -output_format:} {0 0}
  ::standin::command innovus report_area G {init_design} {-min_count:} {0 0}
  ::standin::command innovus report_power G {place_opt_design} {-no_wrap} {0 0}
  ::standin::command innovus write_db HG {init_design} {-def -verilog} {1 1} {
    placeholder [lindex $words 0]
  }
  ::standin::command innovus write_netlist HG {route_design} \
      {-top_module_first -top_module: -exclude_leaf_cells -phys -flat -exclude_insts_of_cells:
          -keep_all_backslash -flatten_bus -include_pg_ports -include_phys_insts} {1 1} {
    require [expr {[value $option -top_module] eq $Top}] "write_netlist: -top_module is not $Top"
    placeholder [lindex $words 0]
  }
  ::standin::command innovus write_def HG {route_design} \
      {-floorplan -netlist -routing -scan_chain -io_row -with_shield -all_layers
          -routing_to_special_net} {1 1} {
    placeholder [lindex $words 0]
  }
  ::standin::command innovus write_sdf HG {route_design} \
      {-max_view: -min_view: -typical_view: -view: -edges: -interconnect: -no_derate -version:} \
      {1 1} {
    placeholder [lindex $words 0]
  }
  ::standin::command innovus extract_rc H {route_design} {} {0 0}
  ::standin::command innovus write_parasitics HG {extract_rc} {-spef_file: -rc_corner:} {0 0} {
    known {RC corner} [value $option -rc_corner] $Corners
    placeholder [value $option -spef_file]
  }
  ::standin::command innovus write_stream HG {route_design} \
      {-mode: -format: -map_file: -output_macros -uniquify_cell_names -merge: -unit:
          -die_area_as_boundary} {1 1} {
    known mode [value $option -mode] ALL
    # H lists the precisions that are legal.
    known precision [value $option -unit] {100 200 1000 2000 10000 20000}
    foreach name {-map_file -merge} {
      if {[dict exists $option $name]} { foreach path [dict get $option $name] { contents $path } }
    }
    placeholder [lindex $words 0]
  }
}

# Attributes of the root, by tool.
namespace eval ::standin {
  variable Attributes {
    genus {hdl_error_on_blackbox H auto_ungroup HMG init_power_nets G init_ground_nets G
        init_hdl_search_path G max_cpus_per_server HM hdl_flatten_complex_port M
        hdl_error_on_logic_abstract G lp_insert_clock_gating HG use_tiehilo_for_const H}
    innovus {design_process_node H timing_analysis_type HG timing_analysis_cppr HG
        opt_time_design_compress_reports G init_power_nets HG init_ground_nets HG
        design_bottom_routing_layer H design_top_routing_layer HG add_well_taps_cell HG
        assign_pins_edit_in_batch HG add_tieoffs_cells G cts_buffer_cells H
        cts_inverter_cells H add_fillers_cells HG design_express_route H
        design_flow_effort H design_power_effort H}
  }
}

proc ::standin::set_attribute {words} {
  variable Attributes
  variable Tool
  variable Settings
  variable Layers
  variable Macros
  require [expr {[llength $words] == 2}] "set_db: attribute and value"
  lassign $words name value
  require [dict exists $Attributes $Tool $name] "set_db: unknown attribute $name"
  require [llength $value] "set_db: $name has no value"
  switch -glob -- $name {
    design_*_routing_layer { known {routing layer} $value $Layers }
    *_cells - *_cell { known cell $value $Macros }
    timing_analysis_type { known type $value {single best_case_worst_case ocv} }
    timing_analysis_cppr { known choice $value {none both setup hold} }
  }
  dict set Settings $name $value
}

proc ::standin::query {option words} {
  variable Libraries
  variable Ports
  lassign $words object attribute
  switch -glob -- $object {
    lib_cells {
      set found {}
      foreach cell [concat {*}[dict values $Libraries]] {
        if {[string match $attribute */$cell] || [string match [file tail $attribute] $cell]} {
          lappend found lib_cell:$cell
        }
      }
      return $found
    }
    base_cell:* {
      require [expr {$attribute eq ".lib_cells"}] "get_db: a cell has no attribute $attribute"
      set condition [string trim [value $option -if]]
      require [regexp {^\.library\.library_set\.name == (\w+)$} $condition - set] \
          "get_db: condition '$condition'"
      known {library set} $set [dict keys $Libraries]
      set name [string range $object 10 end]
      known {library cell} $name [dict get $Libraries $set]
      return lib_cell:$name
    }
    ports {
      require [expr {$attribute eq ".name"}] "get_db: a port has no attribute $attribute"
      # The netlist is a placeholder: which ports it has is not known here.
      return [list clk_i rst_ni]
    }
    default { error "get_db: unknown object $object" }
  }
}

# Reads all HDL: nothing is defined twice, or used and not there; keeps the top's ports.
proc ::standin::check_sources {} {
  variable Sources
  variable Settings
  variable Top
  variable Ports
  set defined {}
  set used {}
  foreach path $Sources {
    set text [contents $path]
    regsub -all {//[^\n]*} $text {} text
    foreach name [names {^\s*`include\s+"([^"]+)"} $text] {
      set folders [list [file dirname $path]]
      if {[dict exists $Settings init_hdl_search_path]} {
        lappend folders {*}[dict get $Settings init_hdl_search_path]
      }
      set there 0
      foreach folder $folders {
        if {[file isfile [file join $folder $name]]} { set there 1 }
      }
      require $there "$path: include file $name is in no folder of init_hdl_search_path"
    }
    foreach name [names {^\s*(?:module|package)\s+(\w+)} $text] {
      require [expr {$name ni $defined}] "$path: $name is defined a second time"
      lappend defined $name
      if {$name eq $Top} {
        set Ports [names {^\s*(?:input|output)\s[^,\n]*?(\w+)\s*,?\s*$} $text]
      }
    }
    foreach name [names {(\w+_pkg)::} $text] {
      require [expr {$name in $defined}] "$path: package $name is not read before"
    }
    foreach name [names {^\s*(cw_\w+)\s+(?:#\(|u_\w+\s*\()} $text] { dict set used $name $path }
  }
  dict for {name path} $used {
    require [expr {$name in $defined}] "elaborate: $path: there is no module $name"
  }
  known module $Top $defined
  require [llength $Ports] "elaborate: $Top has no ports"
}

# ------------------------------------------------------------------------------------ constraints

proc ::standin::read_constraints {path} {
  variable Constrained {}
  set sdc [interp create]
  # S: names, options with a value, number of other arguments.
  foreach {name options least most} {
    set_units {-time -capacitance -resistance -voltage -current -power} 0 0
    create_clock {-name -period -waveform} 0 1
    set_clock_uncertainty {-setup -hold} 2 2
    set_input_delay {-clock} 2 2
    set_output_delay {-clock} 2 2
    set_false_path {-from -to -through} 0 0
    set_input_transition {} 2 2
    set_load {} 2 2
    get_ports {} 1 1
    get_clocks {} 1 1
    all_inputs {} 0 0
    all_outputs {} 0 0
    remove_from_collection {} 2 2
  } {
    interp alias $sdc $name {} ::standin::constrain $name $options $least $most
  }
  if {[catch {interp eval $sdc [list source $path]} message]} { error "$path: $message" }
  require [llength $Constrained] "$path: no clock"
}

proc ::standin::constrain {name options least most args} {
  variable Ports
  variable Constrained
  set words {}
  set option {}
  for {set i 0} {$i < [llength $args]} {incr i} {
    set word [lindex $args $i]
    if {![regexp {^-[a-z]} $word]} {
      lappend words $word
    } else {
      require [expr {$word in $options}] "$name: unknown option $word"
      dict set option $word [lindex $args [incr i]]
    }
  }
  require [expr {[llength $words] >= $least && [llength $words] <= $most}] \
      "$name: [llength $words] arguments"
  switch -- $name {
    get_ports {
      known port [lindex $words 0] $Ports
      return [lindex $words 0]
    }
    all_inputs - all_outputs { return $Ports }
    create_clock {
      require [expr {[value $option -period] > 0}] "create_clock: period"
      lappend Constrained [value $option -name]
    }
    get_clocks { known clock [lindex $words 0] $Constrained }
    set_input_delay - set_output_delay { known clock [value $option -clock] $Constrained }
    remove_from_collection {
      set rest {}
      foreach port [lindex $words 0] {
        if {$port ni [lindex $words 1]} { lappend rest $port }
      }
      return $rest
    }
  }
}

# -------------------------------------------------------------------------------------------- main

proc ::standin::main {arguments} {
  variable Script
  variable Tool
  set arguments [lassign $arguments Tool]
  known tool $Tool {genus innovus}
  uplevel #0 $::standin::Definitions
  set file ""
  # H, G and M start the tools so; the common user interface of Innovus is an option.
  set stylus [expr {$Tool eq "genus"}]
  for {set i 0} {$i < [llength $arguments]} {incr i} {
    set word [lindex $arguments $i]
    switch -- $word {
      -batch - -no_gui - -overwrite {}
      -stylus - -common_ui { set stylus 1 }
      -log { incr i }
      -files - -f { set file [lindex $arguments [incr i]] }
      default { error "$Tool: unknown argument $word" }
    }
  }
  require $stylus "$Tool: -stylus is missing"
  contents $file
  set status [try $file]
  if {$status ne ""} { return $status }
  # The tool would wait at its prompt; with -batch it ends, and not well.
  puts stderr "$Tool: $file does not end with exit"
  return 1
}

::standin::run ::standin::main
