# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# The IP packager of the stand-in for Vivado, and the catalogue that packaged IP is instantiated from;
# standin.tcl sources it. UG835 documents the catalogue's commands and none of ipx::, which only the
# tool's own help does. So each entry below stands in one of these, named by the letter in it:
#   L  `help ipx::` of Vivado 2020.2, in github.com/MaxDZ8/goodbye-vivproj, 64e5293:
#      pseudo-reference/ipx/README.md, which lists every command
#   P  help of single commands, and dumps of objects' properties, there: pseudo-reference/ipx/*.md,
#      bus-interfaces.md, component-ports.md, port-maps.md, defaults/*.md and ug835/exploring
#   H  what Vivado HLS 2019.1 packages its IP by: run_ippack.tcl in
#      github.com/Xilinx/Vitis_Accel_Examples, ef3716f
#   K  getting_started/rtl_kernel/rtl_vadd/scripts/package_kernel.tcl there, 73d0027
#   A  github.com/analogdevicesinc/hdl, 020e9d1: library/scripts/adi_ip_xilinx.tcl
#   N  github.com/stnolting/neorv32, 03fcee1: rtl/system_integration/neorv32_vivado_ip.tcl
#   R  public scripts that a search for the words finds; it did not name their repositories
#   U  UG1118, Creating and Packaging Custom IP
#   V  UG835, Vivado Tcl commands
#   X  IP-XACT, IEEE 1685-2009

namespace eval ::standin {
  # Objects of the packager: handle to properties, in the order in which they were made.
  variable Objects {}
  # By object and class: the handles of what it has, in the same order.
  variable Children {}
  # By component: what was done to it since it was last changed.
  variable Done {}
  variable CurrentCore ""

  # Class, its plural in commands, its parent, where its commands stand.
  variable IpxClasses {
    address_block address_blocks memory_map L
    address_block_parameter address_block_parameters address_block L
    address_space address_spaces component L
    address_space_parameter address_space_parameters address_space L
    bus_interface bus_interfaces component L
    bus_parameter bus_parameters bus_interface L
    field fields register L
    file files file_group L
    file_group file_groups component L
    file_group_parameter file_group_parameters file_group L
    hdl_parameter hdl_parameters component L
    memory_map memory_maps component L
    port ports component L
    port_map port_maps bus_interface L
    register registers address_block L
    register_parameter register_parameters register L
    segment segments address_space L
    user_parameter user_parameters component L
  }
  # Commands of L that do something else and are not modelled: a script that needs one is no mistake.
  variable IpxOther {
    add_board_support add_bus_abstraction_port add_bus_parameter_abstraction_map add_channel add_cpu
    add_env_id add_generator add_generator_parameter add_license_key add_model_parameters_from_hdl
    add_parameter_abstraction add_parameter_abstraction_map add_parameter_map add_ports_from_hdl
    add_project_parameter add_service_parameter add_subcore add_subspace_map add_tlm_interface
    add_tlm_port copy_contents_from copy_definition_ports_from copy_files copy_files_from
    create_abstraction_definition create_bd_file create_bus_definition create_core
    create_default_gui_files create_parameter_definition current_busabs current_busdef
    current_paramdef dump_tcl_commands edit_ip_in_project evaluate_to_bitstring_value
    evaluate_to_boolean_value evaluate_to_double_value evaluate_to_long_value
    evaluate_to_string_value find_open_busabs find_open_busdef find_open_paramdef
    find_parameter_definition get_basic_expression get_bus_abstraction_ports
    get_bus_parameter_abstraction_maps get_channels get_cores get_cpus get_file_groups_for_envid
    get_file_groups_for_file get_generator_parameters get_generators get_ipfiles get_license_keys
    get_parameter_abstraction_maps get_parameter_abstractions get_parameter_maps
    get_project_parameters get_service_parameters get_subcores get_subspace_maps get_tlm_interfaces
    get_tlm_ports get_xpath_expression import_remote_files import_top_level_hdl infer_address_space
    infer_block infer_core infer_memory_address_block infer_port_maps infer_supported_families
    infer_user_parameter_order infer_user_parameters init_guidata insert_file is_tcl_expr_valid
    merge_project_changes move_temp_component_back open_abstraction_definition open_bus_definition
    open_core open_ipxact_file open_parameter_definition package_checkpoint remove_board_support
    reorder_bus_interfaces reorder_files reorder_ports report_possible_file_groups
    save_abstraction_definition save_bus_definition save_parameter_definition
    unload_abstraction_definition unload_bus_definition unload_parameter_definition
    update_board_files update_dependency update_docs_filegroup update_expressions
    update_ip_instances update_source_project_archive upgrade_core
  }

  # Values of properties, as regular expressions.
  variable IpxAny {}
  variable IpxNumber {^(0x[0-9a-fA-F]+|[0-9]+)$}
  variable IpxSize {^(0x[0-9a-fA-F]+|[0-9]+[KMGTPE]?)$}
  variable IpxBoolean {^(true|false|0|1)$}
  # X, and the comment at set_access of H.
  variable IpxAccess {^(read-only|write-only|read-write|writeOnce|read-writeOnce)$}
  variable IpxResolve {^(immediate|user|dependent|generated)$}
  variable IpxFormat {^(long|float|bool|bitString|string)$}
  variable IpxVlnv {^[\w.-]+:[\w.-]+:[\w.-]+:[\w.-]+$}

  # Properties that can be set: class to name, regular expression or a variable's name, source. All
  # have a name, too.
  variable IpxProperties {
    component {
      vendor {^[\w.-]+$} P library {^[\w.-]+$} P version {^[0-9]+([.][0-9]+){1,2}$} P
      display_name IpxAny P description IpxAny P vendor_display_name IpxAny P company_url IpxAny P
      taxonomy IpxAny P core_revision IpxNumber P supported_families families P
      auto_family_support_level {^level_[0-2]$} P definition_source IpxAny P xpm_libraries IpxAny P
      sdx_kernel IpxBoolean P sdx_kernel_type {^(rtl|hls)?$} P ipi_drc IpxAny R vitis_drc IpxAny R
      root_directory IpxAny P previous_version_for_upgrade IpxAny P hide_in_gui IpxBoolean P
      supports_vivado IpxBoolean P supports_ooc IpxAny P tags IpxAny P payment_required IpxBoolean P
      unsupported_simulators IpxAny P
    }
    bus_interface {
      abstraction_type_vlnv IpxVlnv P bus_type_vlnv IpxVlnv P connection_required IpxBoolean P
      description IpxAny P display_name IpxAny P enablement_dependency IpxAny P
      enablement_presence {^(required|optional)$} P enablement_resolve_type IpxResolve P
      enablement_value IpxBoolean P endianness {^(little|big)$} P
      interface_mode {^(master|slave|system|mirroredMaster|mirroredSlave|mirroredSystem|monitor)$} P
      master_address_space_ref IpxAny P master_base_address IpxNumber P
      slave_memory_map_ref IpxAny P slave_bridges IpxAny P monitor_group IpxAny P
      monitor_interface_mode {^(master|slave)$} P
    }
    parameter {
      config_groups IpxAny P description IpxAny P display_name IpxAny P enablement_dependency IpxAny P
      enablement_presence {^(required|optional)$} P enablement_resolve_type IpxResolve P
      enablement_tcl_expr IpxAny P enablement_value IpxBoolean P order IpxAny P
      usage {^(all|none|simulation|synthesis)$} P value IpxAny P value_bit_string_length IpxNumber P
      value_dependency IpxAny P value_format IpxFormat P value_resolve_type IpxResolve P
      value_source {^(default|constant|user|user_prop|auto|auto_prop)$} P value_tcl_expr IpxAny P
      value_validation_list IpxAny P value_validation_pairs IpxAny P
      value_validation_range_maximum IpxAny P value_validation_range_minimum IpxAny P
      value_validation_type {^(none|list|pairs|range_long|range_float)$} P data_type IpxAny P
    }
    port_map {
      logical_name {^\w+$} P physical_name {^\w+$} P is_logical_vector IpxBoolean P
      is_physical_vector IpxBoolean P logical_left IpxNumber P logical_right IpxNumber P
      physical_left IpxNumber P physical_right IpxNumber P physical_left_dependency IpxAny P
      physical_right_dependency IpxAny P physical_left_resolve_type IpxResolve P
      physical_right_resolve_type IpxResolve P
    }
    port {
      buffer_type IpxAny P description IpxAny P direction {^(in|out|inout)$} P display_name IpxAny P
      driver_value IpxAny P enablement_dependency IpxAny P enablement_presence IpxAny P
      enablement_resolve_type IpxResolve P enablement_value IpxBoolean P endianness IpxAny P
      is_vector IpxBoolean P size_left IpxNumber P size_left_dependency IpxAny P
      size_left_resolve_type IpxResolve P size_left_format_type IpxFormat P size_right IpxNumber P
      size_right_resolve_type IpxResolve P size_right_format_type IpxFormat P type_name IpxAny P
    }
    memory_map { description IpxAny R display_name IpxAny R }
    address_block {
      width IpxNumber H access IpxAccess H usage {^(memory|register|reserved)$} H
      base_address IpxNumber H base_address_format IpxFormat H base_address_resolve_type IpxResolve H
      range IpxSize H range_format IpxFormat H range_resolve_type IpxResolve H
      range_dependency IpxAny R description IpxAny R display_name IpxAny R
    }
    register {
      address_offset IpxNumber H size IpxNumber H size_format IpxFormat H reset_value IpxNumber H
      reset_value_format IpxFormat H description IpxAny H display_name IpxAny H access IpxAccess H
    }
    field {
      bit_offset IpxNumber H bit_width IpxNumber H bit_width_format IpxFormat H
      bit_width_dependency IpxAny H access IpxAccess H description IpxAny H
      modified_write_value
      {^(oneTo(Clear|Set|Toggle)|zeroTo(Clear|Set|Toggle)|clear|set|modify)$} H
      read_action {^(clear|set|modify)$} H
    }
    address_space {
      range IpxSize H width IpxNumber H range_format IpxFormat R range_resolve_type IpxResolve R
      width_format IpxFormat R description IpxAny R display_name IpxAny R
    }
    segment {
      range IpxSize R range_format IpxFormat R range_resolve_type IpxResolve R
      address_offset IpxNumber R display_name IpxAny R
    }
    file_group {
      display_name IpxAny P description IpxAny P dependency IpxAny P env_ids IpxAny P
      language {^(verilog|vhdl)?$} P model_name {^\w*$} P component_subcores IpxAny H
    }
    file {
      type
      {^(verilog|systemVerilog|vhdl|tcl|c)Source$|^(driver_(mdd|tcl|src)|mdd|mif|ttcl|pdf|xdc|xci)$} H
      is_include IpxBoolean P library_name {^\w*$} P description IpxAny P dependency IpxAny P
      processing_order {^(early|normal|late)$} P used_in IpxAny P scoped_to_ref IpxAny P
      scoped_to_cells IpxAny P xgui_version IpxNumber P exported_names IpxAny P cell_name IpxAny P
    }
  }
  # What a packaged IP may be for, and how far that is (P, K, N and R).
  variable IpxFamilies {
    artix7 artix7l aartix7 qartix7 kintex7 kintex7l qkintex7 kintexu kintexuplus virtex7 qvirtex7
    virtexu virtexuplus virtexuplusHBM zynq azynq qzynq zynquplus spartan7 aspartan7 spartanuplus
    artixuplus versal
  }
  variable IpxLifeCycles {Production Pre-Production Beta}
  # What bus definitions map: of AXI the channels that are complete or absent, see standin.tcl.
  variable IpxSignals {clock CLK reset RST interrupt INTERRUPT}
  # File groups by the type that makes them: K, N, L; the first names are in P and H.
  variable IpxGroups {
    software_driver xilinx_softwaredriver utility xilinx_utilityxitfiles datasheet xilinx_datasheet
    xilinx_blockdiagram xilinx_blockdiagram readme xilinx_readme product_guide xilinx_productguide
    version_info xilinx_versioninformation
  }
}

interp eval $::standin::Script {namespace eval ipx {}}

# ------------------------------------------------------------------------------------------ objects

# Defines a command of ipx::, as `command` does; `source` is a letter of the list above.
proc ::standin::ipx {name source options count body} {
  require [regexp {^[LPHKANRU]+$} $source] "ipx::$name: no source '$source'"
  command ipx::$name [concat {-quiet -verbose} $options] $count $body
}

proc ::standin::is_ipx {object} { return [string match ipx|* $object] }

proc ::standin::ipx_class {object} {
  variable Objects
  require [is_ipx $object] "'$object' is no object of the packager"
  require [dict exists $Objects $object] "there is no object '$object' any more"
  set parts [split $object |]
  return [expr {[llength $parts] == 2 ? "component" : [lindex $parts end-1]}]
}

proc ::standin::ipx_component {object} { return [join [lrange [split $object |] 0 1] |] }

proc ::standin::ipx_children {object class} {
  variable Children
  return [expr {[dict exists $Children $object $class] ? [dict get $Children $object $class] : {}}]
}

proc ::standin::ipx_child {object class name} { return $object|$class|$name }

# What is known of a component is no longer, but for what is named.
proc ::standin::ipx_changed {object} {
  variable Done
  dict set Done [ipx_component $object] {}
}

proc ::standin::ipx_add {parent class name properties} {
  variable Objects
  variable Children
  ipx_class $parent
  require [regexp {^[^|\s]+$} $name] "ipx::add_$class: '$name' is no name"
  set handle [ipx_child $parent $class $name]
  require [expr {![dict exists $Objects $handle]}] "there is a $class '$name'"
  dict set Objects $handle [dict merge [dict create name $name] $properties]
  dict set Children $parent $class [linsert [ipx_children $parent $class] end $handle]
  ipx_changed $parent
  return $handle
}

proc ::standin::ipx_remove {handle} {
  variable Objects
  variable Children
  set class [ipx_class $handle]
  foreach each [list $handle {*}[dict keys $Objects $handle|*]] {
    dict unset Objects $each
    dict unset Children $each
  }
  set parent [join [lrange [split $handle |] 0 end-2] |]
  if {$class ne "component"} {
    dict set Children $parent $class [lsearch -all -inline -exact -not \
        [ipx_children $parent $class] $handle]
  }
  ipx_changed $handle
}

proc ::standin::ipx_get {object name {default ""}} {
  variable Objects
  ipx_class $object
  set properties [dict get $Objects $object]
  return [expr {[dict exists $properties $name] ? [dict get $properties $name] : $default}]
}

# Properties of a class, name to regular expression or the name of one.
proc ::standin::ipx_properties {class} {
  variable IpxProperties
  set table [expr {[string match *_parameter $class] ? "parameter" : $class}]
  set result {name {^[^|\s]+$}}
  foreach {name legal source} [dict get $IpxProperties $table] { dict set result $name $legal }
  return $result
}

proc ::standin::ipx_set_property {object name value} {
  variable Objects
  variable IpxFamilies
  variable IpxLifeCycles
  set name [string tolower $name]
  set class [ipx_class $object]
  set table [ipx_properties $class]
  require [dict exists $table $name] "a $class has no property $name"
  set legal [dict get $table $name]
  if {$legal eq "families"} {
    require [expr {[llength $value] % 2 == 0}] "$name: no list of families and life cycles"
    foreach {family cycle} $value {
      require [expr {$family in $IpxFamilies}] "$name: no family '$family'"
      require [expr {$cycle in $IpxLifeCycles}] "$name: no life cycle '$cycle'"
    }
  } else {
    if {[string match Ipx* $legal]} { set legal [set ::standin::$legal] }
    require [regexp -- $legal $value] "$class: $name is '$value', not legal"
  }
  if {$name eq "name" && $class ne "component" && $value ne [ipx_get $object name]} {
    error "a $class is not renamed in this stand-in"
  }
  dict set Objects $object $name $value
  ipx_changed $object
}

proc ::standin::ipx_get_property {object name} {
  set name [string tolower $name]
  set class [ipx_class $object]
  switch -- $name {
    class { return $class }
    vlnv { if {$class eq "component"} { return [ipx_vlnv $object] } }
    xml_file_name { if {$class eq "component"} { return [ipx_xml $object] } }
  }
  require [dict exists [ipx_properties $class] $name] "a $class has no property $name"
  return [ipx_get $object $name]
}

proc ::standin::ipx_vlnv {core} {
  return [join [lmap name {vendor library name version} { ipx_get $core $name }] :]
}

proc ::standin::ipx_xml {core} {
  return [file join [ipx_get $core root_directory] component.xml]
}

# The component that a command names, or the current one.
proc ::standin::ipx_core {words} {
  variable CurrentCore
  set core [expr {[llength $words] ? [lindex $words 0] : $CurrentCore}]
  require [expr {$core ne ""}] "there is no current core"
  require [expr {[ipx_class $core] eq "component"}] "'$core' is no component"
  return $core
}

# Commands of all classes, with the options of P.
foreach {class plural parent source} $::standin::IpxClasses {
  set of [expr {$parent eq "component" ? {[ipx_core $of]} : "\[ipx_parent \$of $parent\]"}]
  ::standin::ipx add_$class $source [expr {$class eq "file_group" ? "-type:" : ""}] {2 2} \
      [string map [list CLASS $class PARENT $parent] {
    lassign $words name parent
    require [expr {[ipx_class $parent] eq "PARENT"}] "ipx::add_CLASS: '$parent' is no PARENT"
    return [ipx_add_CLASS $parent $name $option]
  }]
  proc ::standin::ipx_add_$class {parent name option} \
      [string map [list CLASS $class] { return [ipx_add $parent CLASS $name {}] }]
  ::standin::ipx get_$plural $source {-regexp: -nocase: -filter: -of_objects:} {0 1} \
      [string map [list CLASS $class PARENT $parent OF $of] {
    set of [expr {[dict exists $option -of_objects] ? [dict get $option -of_objects] : {}}]
    return [ipx_select CLASS OF $words $option]
  }]
  ::standin::ipx remove_$class $source {} {2 2} [string map [list CLASS $class] {
    lassign $words name parent
    ipx_remove [ipx_child $parent CLASS $name]
  }]
  # L has none of this class.
  if {$class eq "file_group_parameter"} continue
  ::standin::ipx remove_all_$class $source {} {1 1} [string map [list CLASS $class PARENT $parent] {
    require [expr {[ipx_class [lindex $words 0]] eq "PARENT"}] "'[lindex $words 0]' is no PARENT"
    foreach handle [ipx_children [lindex $words 0] CLASS] { ipx_remove $handle }
  }]
}
foreach name $::standin::IpxOther {
  ::standin::ipx $name L {} {0 999} \
      "error {ipx::$name: Vivado has it, this stand-in does not model it}"
}

proc ::standin::ipx_parent {objects class} {
  require [expr {[llength $objects] == 1}] "-of_objects: one $class, please"
  require [expr {[ipx_class [lindex $objects 0]] eq $class}] "'$objects' is no $class"
  return [lindex $objects 0]
}

# Objects by name; a name without one is an error except with -quiet, for which Vivado only warns.
proc ::standin::ipx_select {class parent words option} {
  foreach name {-regexp -nocase -filter} {
    require [expr {![dict exists $option $name]}] "$name: this stand-in does not model it"
  }
  set pattern [expr {[llength $words] ? [lindex $words 0] : "*"}]
  set found [lmap handle [ipx_children $parent $class] {
    if {![string match $pattern [ipx_get $handle name]]} continue
    set handle
  }]
  require [expr {[llength $found] || $pattern eq "*" || [dict exists $option -quiet]}] \
      "no $class '$pattern'"
  return $found
}

proc ::standin::ipx_add_file_group {parent name option} {
  variable IpxGroups
  if {[dict exists $option -type]} {
    set type [dict get $option -type]
    require [dict exists $IpxGroups $type] "ipx::add_file_group: no type '$type'"
    if {$name eq ""} { set name [dict get $IpxGroups $type] }
  }
  return [ipx_add $parent file_group $name {}]
}

# Names are relative to component.xml: an IP with others would be lost when it is moved.
proc ::standin::ipx_add_file {group name option} {
  set root [ipx_get [ipx_component $group] root_directory]
  require [string match $root/* [file normalize [file join $root $name]]] \
      "file '$name' is not below the IP's folder"
  require [file isfile [file join $root $name]] "no file '[file join $root $name]'"
  return [ipx_add $group file $name {}]
}

proc ::standin::ipx_add_port_map {interface name option} {
  return [ipx_add $interface port_map $name [dict create logical_name $name]]
}

# ---------------------------------------------------------------------------------------- packaging

# Options: N, K and R.
::standin::ipx package_project LNKR {
  -root_dir: -vendor: -library: -name: -version: -taxonomy: -module: -set_current: -import_files
  -generated_files -force -force_update_compile_order
} {0 0} {
  variable Objects
  variable CurrentCore
  foreach name {-module -import_files -generated_files} {
    require [expr {![dict exists $option $name]}] "$name: this stand-in does not model it"
  }
  set top [value fileset top]
  require [expr {$top ne ""}] "ipx::package_project: the project has no top"
  require [expr {[dict exists $State ordered] || [dict exists $option -force_update_compile_order]}] \
      "ipx::package_project: the order of compilation is not up to date (update_compile_order)"
  check_sources
  set root [file normalize [dict get $option -root_dir]]
  inside $root
  require [expr {[dict exists $option -force] || ![file exists [file join $root component.xml]]}] \
      "$root has a component.xml (-force)"
  set core "ipx|component_[expr {[llength [dict keys $Objects ipx|*]] + 1}]"
  dict set Objects $core [dict create name $top version 1.0 vendor xilinx.com library user \
      root_directory $root]
  foreach {name property} {-vendor vendor -library library -name name -version version
      -taxonomy taxonomy} {
    if {[dict exists $option $name]} { ipx_set_property $core $property [dict get $option $name] }
  }
  set synthesis [ipx_add $core file_group xilinx_anylanguagesynthesis [dict create model_name $top]]
  set simulation [ipx_add $core file_group xilinx_anylanguagebehavioralsimulation \
      [dict create model_name $top]]
  dict for {path type} [value files] {
    if {$type ni {Verilog SystemVerilog}} continue
    # U: what lies elsewhere stays there, and the IP cannot be moved.
    require [string match $root/* $path] "$path is not below $root (or -import_files)"
    set name [string range $path [string length $root/] end]
    set kind [expr {$type eq "Verilog" ? "verilogSource" : "systemVerilogSource"}]
    foreach group [list $synthesis $simulation] {
      ipx_add $group file $name [dict create type $kind]
    }
  }
  ipx_add $core user_parameter Component_Name {}
  ipx_import_ports $core $top
  if {![dict exists $option -set_current] || [dict get $option -set_current]} {
    set CurrentCore $core
  }
  return $core
}

# Makes ports, parameters, and the interfaces that attributes name, of the top module.
proc ::standin::ipx_import_ports {core top} {
  lassign [module_text $top] parameters ports
  foreach name [parameters_of $parameters] {
    ipx_add $core hdl_parameter $name {}
    ipx_add $core user_parameter $name {}
  }
  foreach port [ports_of $ports] {
    lassign $port attributes direction name
    set way [expr {$direction eq "input" ? "in" : "out"}]
    ipx_add $core port $name [dict create direction $way]
    if {![regexp {X_INTERFACE_INFO\s*=\s*"(\S+) (\S+) (\S+)"} $attributes - type bus signal]} continue
    if {[ipx_find $core bus_interface $bus] eq ""} { ipx_add_interface $core $bus $type }
    set handle [ipx_child $core bus_interface $bus]
    ipx_add $handle port_map $signal [dict create logical_name $signal physical_name $name]
  }
  foreach handle [ipx_children $core bus_interface] { ipx_finish_interface $handle }
  # The tool makes a map of registers and address spaces, too, of its own sizes.
  foreach handle [ipx_children $core bus_interface] {
    set name [ipx_get $handle name]
    if {[ipx_kind $handle] ne "aximm"} continue
    if {[ipx_get $handle interface_mode] eq "slave"} {
      ipx_add [ipx_add $core memory_map $name {}] address_block reg0 {}
    } else {
      ipx_add $core address_space $name {}
    }
  }
}

proc ::standin::ipx_find {core class name} {
  variable Objects
  set handle [ipx_child $core $class $name]
  return [expr {[dict exists $Objects $handle] ? $handle : ""}]
}

# Adds an interface of a type such as xilinx.com:signal:clock:1.0.
proc ::standin::ipx_add_interface {core name type} {
  lassign [split $type :] vendor library kind version
  return [ipx_add $core bus_interface $name [dict create bus_type_vlnv $type \
      abstraction_type_vlnv $vendor:$library:${kind}_rtl:$version]]
}

proc ::standin::ipx_kind {interface} {
  return [lindex [split [ipx_get $interface bus_type_vlnv] :] 2]
}

# By logical name, the physical one.
proc ::standin::ipx_maps {interface} {
  set maps {}
  foreach map [ipx_children $interface port_map] {
    dict set maps [ipx_get $map logical_name] [ipx_get $map physical_name]
  }
  return $maps
}

# Gives an interface the mode that its ports' directions say.
proc ::standin::ipx_finish_interface {interface} {
  variable Objects
  set core [ipx_component $interface]
  set maps [ipx_maps $interface]
  foreach name {ARADDR AWADDR CLK RST INTERRUPT} {
    if {![dict exists $maps $name]} continue
    set way [ipx_get [ipx_child $core port [dict get $maps $name]] direction]
    dict set Objects $interface interface_mode [expr {$way eq "out" ? "master" : "slave"}]
    return
  }
}

# Ports that no interface has.
proc ::standin::ipx_free_ports {core} {
  set used {}
  foreach interface [ipx_children $core bus_interface] {
    lappend used {*}[dict values [ipx_maps $interface]]
  }
  return [lmap port [ipx_children $core port] {
    if {[ipx_get $port name] in $used} continue
    set port
  }]
}

proc ::standin::ipx_abstraction {vlnv} {
  set known {}
  foreach {library names} {interface {aximm axis} signal {clock reset interrupt}} {
    foreach name $names { lappend known xilinx.com:$library:${name}_rtl:1.0 }
  }
  require [expr {$vlnv in $known}] "there is no bus abstraction '$vlnv'"
  return [string map {_rtl {}} $vlnv]
}

# Of AXI, from the names of the ports: PREFIX_SIGNAL, in any case.
::standin::ipx infer_bus_interfaces LAN {} {1 2} {
  variable AxiRead
  variable AxiWrite
  variable AxiOptional
  lassign $words vlnv core
  ipx_core [list $core]
  set type [ipx_abstraction $vlnv]
  require [string match *:aximm:* $type] "ipx::infer_bus_interfaces: only AXI is modelled"
  set made {}
  foreach port [ipx_free_ports $core] {
    set name [ipx_get $port name]
    if {![regexp {^(.+)_(\w+?)$} $name - prefix signal]} continue
    set signal [string toupper [lindex [split $name _] end]]
    set prefix [string range $name 0 end-[expr {[string length $signal] + 1}]]
    if {$signal ni [concat $AxiRead $AxiWrite $AxiOptional]} continue
    if {[ipx_find $core bus_interface $prefix] eq ""} {
      lappend made [ipx_add_interface $core $prefix $type]
    }
    ipx_add [ipx_child $core bus_interface $prefix] port_map $signal \
        [dict create logical_name $signal physical_name $name]
  }
  foreach interface $made { ipx_finish_interface $interface }
  return $made
}

::standin::ipx infer_bus_interface LA {} {3 3} {
  variable IpxSignals
  lassign $words ports vlnv core
  ipx_core [list $core]
  set type [ipx_abstraction $vlnv]
  set kind [lindex [split $type :] 2]
  require [dict exists $IpxSignals $kind] "ipx::infer_bus_interface: of $kind none is modelled"
  require [expr {[llength $ports] == 1}] "a $kind is one port"
  require [expr {[ipx_find $core port $ports] in [ipx_free_ports $core]}] \
      "there is no port '$ports' without an interface"
  set interface [ipx_add_interface $core $ports $type]
  ipx_add $interface port_map [dict get $IpxSignals $kind] \
      [dict create logical_name [dict get $IpxSignals $kind] physical_name $ports]
  ipx_finish_interface $interface
  return $interface
}

proc ::standin::ipx_interface_of {core name kind} {
  set handle [ipx_find $core bus_interface $name]
  require [expr {$handle ne "" && ($kind eq "" || [ipx_kind $handle] eq $kind)}] \
      "there is no [string trim "$kind interface"] '$name'"
  return $handle
}

proc ::standin::ipx_parameter {interface name} {
  set handle [ipx_find $interface bus_parameter $name]
  return [expr {$handle eq "" ? "" : [ipx_get $handle value]}]
}

# Options: A, K.
::standin::ipx associate_bus_interfaces LAK {-busif: -clock: -reset:} {1 1} {
  set core [ipx_core $words]
  set clock [ipx_interface_of $core [dict get $option -clock] clock]
  foreach {name parameter kind} {-busif ASSOCIATED_BUSIF "" -reset ASSOCIATED_RESET reset} {
    if {![dict exists $option $name]} continue
    ipx_interface_of $core [dict get $option $name] $kind
    set handle [ipx_find $clock bus_parameter $parameter]
    if {$handle eq ""} { set handle [ipx_add $clock bus_parameter $parameter {}] }
    set value [split [ipx_get $handle value] :]
    lappend value [dict get $option $name]
    ipx_set_property $handle value [join [lsort -unique $value] :]
  }
}

::standin::ipx current_core LP {} {0 1} {
  variable CurrentCore
  if {[llength $words]} { set CurrentCore [ipx_core $words] }
  require [expr {$CurrentCore ne ""}] "there is no current core"
  return $CurrentCore
}

::standin::ipx find_open_core LR {} {1 1} {
  variable Objects
  foreach core [dict keys $Objects ipx|*] {
    if {[llength [split $core |]] == 2 && [ipx_vlnv $core] eq [lindex $words 0]} { return $core }
  }
  error "no component [lindex $words 0] is open"
}

::standin::ipx unload_core LK {} {1 1} {
  variable Objects
  variable CurrentCore
  set core [ipx_core $words]
  ipx_remove $core
  if {$CurrentCore eq $core} { set CurrentCore "" }
}

# ------------------------------------------------------------------------------------------- the end

# P.
::standin::ipx create_xgui_files LP {-logo_file: -logo_width: -logo_height: -logo_gui_page:} {1 1} {
  set core [ipx_core $words]
  set name xgui/[ipx_get $core name]_v[string map {. _} [ipx_get $core version]].tcl
  set group [ipx_find $core file_group xilinx_xpgui]
  if {$group ne ""} { ipx_remove $group }
  placeholder [file join [ipx_get $core root_directory] $name]
  ipx_add [ipx_add $core file_group xilinx_xpgui {}] file $name [dict create type tclSource]
}

proc ::standin::ipx_files {core} {
  set names {}
  foreach group [ipx_children $core file_group] {
    foreach file [ipx_children $group file] { lappend names [ipx_get $file name] }
  }
  return [lsort -unique $names]
}

proc ::standin::ipx_sums {root names} {
  set sums {}
  foreach name $names {
    set path [file join $root $name]
    require [file isfile $path] "no file '$path'"
    set file [open $path rb]
    dict set sums $name [zlib crc32 [read $file]]
    close $file
  }
  return $sums
}

::standin::ipx update_checksums LKA {} {1 1} {
  variable Done
  set core [ipx_core $words]
  dict set Done $core sums [ipx_sums [ipx_get $core root_directory] [ipx_files $core]]
}

# What U has the packager review; L: "Check integrity of packager object".
::standin::ipx check_integrity LR {-kernel -xrt} {1 1} {
  variable Done
  set core [ipx_core $words]
  foreach name {display_name description vendor library version} {
    require [expr {[ipx_get $core $name] ne ""}] "the component has no $name"
  }
  require [expr {[ipx_get $core supported_families] ne ""
      || [ipx_get $core auto_family_support_level] ne ""}] "the component supports no family"
  require [ipx_xgui_is_current $core] "the dialogue is missing or stale (ipx::create_xgui_files)"
  ipx_sums [ipx_get $core root_directory] [ipx_files $core]
  foreach group [ipx_children $core file_group] {
    foreach file [ipx_children $group file] {
      require [expr {[ipx_get $file type] ne ""}] "file '[ipx_get $file name]' has no type"
    }
  }
  set free [lmap port [ipx_free_ports $core] { ipx_get $port name }]
  require [expr {![llength $free]}] "ports are in no interface: $free"
  foreach interface [ipx_children $core bus_interface] { ipx_check_interface $core $interface }
  foreach map [ipx_children $core memory_map] { ipx_check_map $map }
  dict set Done $core integrity 1
  return 1
}

# Name and version are in the dialogue's own.
proc ::standin::ipx_xgui_is_current {core} {
  set group [ipx_find $core file_group xilinx_xpgui]
  if {$group eq ""} { return 0 }
  set name xgui/[ipx_get $core name]_v[string map {. _} [ipx_get $core version]].tcl
  return [expr {[ipx_find $group file $name] ne ""}]
}

proc ::standin::ipx_check_interface {core interface} {
  variable AxiRead
  variable AxiWrite
  set name [ipx_get $interface name]
  set maps [ipx_maps $interface]
  dict for {signal port} $maps {
    require [expr {[ipx_find $core port $port] ne ""}] "interface $name: there is no port '$port'"
  }
  switch -- [ipx_kind $interface] {
    clock {
      require [expr {[ipx_parameter $interface ASSOCIATED_BUSIF] ne ""}] \
          "clock $name has no ASSOCIATED_BUSIF"
      foreach bus [split [ipx_parameter $interface ASSOCIATED_BUSIF] :] {
        ipx_interface_of $core $bus aximm
      }
      ipx_interface_of $core [ipx_parameter $interface ASSOCIATED_RESET] reset
    }
    reset {
      require [expr {[ipx_parameter $interface POLARITY] in {ACTIVE_LOW ACTIVE_HIGH}}] \
          "reset $name: POLARITY is '[ipx_parameter $interface POLARITY]'"
    }
    interrupt {
      require [expr {[ipx_parameter $interface SENSITIVITY] in
          {LEVEL_HIGH LEVEL_LOW EDGE_RISING EDGE_FALLING}}] \
          "interrupt $name: SENSITIVITY is '[ipx_parameter $interface SENSITIVITY]'"
      set port [ipx_child $core port [dict get $maps INTERRUPT]]
      set mode [expr {[ipx_get $port direction] eq "out" ? "master" : "slave"}]
      require [expr {[ipx_get $interface interface_mode] eq $mode}] "interrupt $name is no $mode"
    }
    aximm {
      set read [lmap signal $AxiRead { dict exists $maps $signal }]
      set write [lmap signal $AxiWrite { dict exists $maps $signal }]
      foreach present [list $read $write] {
        require [expr {0 ni $present || 1 ni $present}] "interface $name lacks signals"
      }
      set mode [ipx_parameter $interface READ_WRITE_MODE]
      set legal [expr {1 ni $write ? "READ_ONLY" : 1 ni $read ? "WRITE_ONLY" : "READ_WRITE"}]
      require [expr {$mode eq $legal || ($mode eq "" && $legal eq "READ_WRITE")}] \
          "interface $name: READ_WRITE_MODE is '$mode', its ports are $legal"
      set protocol [ipx_parameter $interface PROTOCOL]
      set legal [expr {[dict exists $maps ARLEN] || [dict exists $maps AWLEN] ? "AXI4" : "AXI4LITE"}]
      require [expr {$protocol eq $legal}] \
          "interface $name: PROTOCOL is '$protocol', its ports are $legal"
      ipx_clock_of $core $name
      if {[ipx_get $interface interface_mode] eq "slave"} {
        set map [ipx_get $interface slave_memory_map_ref]
        require [expr {[ipx_find $core memory_map $map] ne ""}] \
            "interface $name: there is no memory map '$map'"
      } else {
        set space [ipx_find $core address_space [ipx_get $interface master_address_space_ref]]
        require [expr {$space ne ""}] "interface $name: there is no address space\
            '[ipx_get $interface master_address_space_ref]'"
        foreach property {range width} {
          require [expr {[ipx_get $space $property] ne ""}] "address space $name has no $property"
        }
      }
    }
  }
}

proc ::standin::ipx_clock_of {core bus} {
  foreach interface [ipx_children $core bus_interface] {
    if {[ipx_kind $interface] eq "clock"
        && $bus in [split [ipx_parameter $interface ASSOCIATED_BUSIF] :]} { return $interface }
  }
  error "interface $bus has no clock (ASSOCIATED_BUSIF)"
}

# Places that overlap, or lie outside: `places` are {name first size}.
proc ::standin::ipx_check_places {what places size} {
  set end 0
  set last ""
  foreach place [lsort -integer -index 1 $places] {
    lassign $place name first length
    require [expr {$length > 0}] "$what: $name has no size"
    require [expr {$first >= $end}] "$what: $name overlaps $last"
    set end [expr {$first + $length}]
    set last $name
    require [expr {$end <= $size}] "$what: $name lies beyond its end"
  }
}

proc ::standin::ipx_number {object name} {
  set value [ipx_get $object $name]
  require [string is wideinteger -strict $value] \
      "[ipx_class $object] [ipx_get $object name]: $name is '$value'"
  return [expr {$value}]
}

proc ::standin::ipx_check_map {map} {
  set name [ipx_get $map name]
  set blocks [ipx_children $map address_block]
  require [llength $blocks] "memory map $name has no address block"
  foreach block $blocks {
    set title "$name/[ipx_get $block name]"
    require [expr {[ipx_get $block usage] eq "register"}] "$title: usage is no register"
    set width [ipx_number $block width]
    ipx_number $block base_address
    set registers {}
    foreach register [ipx_children $block register] {
      set offset [ipx_number $register address_offset]
      set size [ipx_number $register size]
      set label "$title/[ipx_get $register name]"
      require [expr {$size <= $width && $offset % ($width / 8) == 0}] "$label: size or offset"
      require [expr {[ipx_get $register access] ne ""}] "$label has no access"
      set reset [ipx_get $register reset_value 0]
      require [expr {$reset < 1 << $size}] "$label: reset_value is $reset"
      lappend registers [list [ipx_get $register name] $offset [expr {$size / 8}]]
      set fields {}
      foreach field [ipx_children $register field] {
        require [expr {[ipx_get $field access] ne ""}] "$label: a field has no access"
        lappend fields [list [ipx_get $field name] [ipx_number $field bit_offset] \
            [ipx_number $field bit_width]]
      }
      ipx_check_places $label $fields $size
    }
    require [llength $registers] "$title has no registers"
    ipx_check_places $title $registers [ipx_number $block range]
  }
}

# Steps that were left out, or came before a change, make an IP that the catalogue warns of.
::standin::ipx save_core LKA {} {0 1} {
  variable Objects
  variable Done
  variable Placeholder
  set core [ipx_core $words]
  foreach {step command} {sums update_checksums integrity check_integrity} {
    require [expr {[dict exists $Done $core] && [dict exists $Done $core $step]}] \
        "ipx::save_core: ipx::$command has to come before, behind the last change"
  }
  set path [ipx_xml $core]
  placeholder $path
  set contents [dict create vlnv [ipx_vlnv $core] families [ipx_get $core supported_families] \
      sums [dict get $Done $core sums] cell [ipx_cell $core] \
      registers [ipx_register_list $core]]
  set file [open $path w]
  puts $file "<!-- [string trim $Placeholder] -->\n<!-- Tcl: $contents -->"
  close $file
  dict set Done $core saved 1
}

::standin::ipx archive_core LH {} {1 2} {
  variable Done
  set core [ipx_core [lrange $words 1 1]]
  require [dict exists $Done $core saved] "ipx::archive_core: the component is not saved"
  placeholder [lindex $words 0]
}

# What a block design sees of a component: see `describe`.
proc ::standin::ipx_cell {core} {
  set cell {pins {} interfaces {} segments {} spaces {} ranges {}}
  foreach interface [ipx_children $core bus_interface] {
    set name [ipx_get $interface name]
    switch -- [ipx_kind $interface] {
      clock - reset { dict set cell pins $name {in 1} }
      interrupt { dict set cell pins $name {out 0} }
      aximm {
        set clock [ipx_get [ipx_clock_of $core $name] name]
        set mode [ipx_get $interface interface_mode]
        dict set cell interfaces $name [list $mode $clock]
        if {$mode eq "master"} {
          set space [ipx_child $core address_space [ipx_get $interface master_address_space_ref]]
          dict set cell spaces $name $name
          dict set cell ranges $name [ipx_get $space range]
        } else {
          set map [ipx_child $core memory_map [ipx_get $interface slave_memory_map_ref]]
          set segments {}
          foreach block [ipx_children $map address_block] {
            lappend segments $name/[ipx_get $block name] [ipx_number $block range]
          }
          dict set cell segments $name $segments
        }
      }
    }
  }
  return $cell
}

# By name: offset, access, reset, and fields by name: place and what a write does.
proc ::standin::ipx_register_list {core} {
  set result {}
  foreach map [ipx_children $core memory_map] {
    foreach block [ipx_children $map address_block] {
      foreach register [ipx_children $block register] {
        set fields {}
        foreach field [ipx_children $register field] {
          dict set fields [ipx_get $field name] [lmap name {bit_offset bit_width access
              modified_write_value} { ipx_get $field $name }]
        }
        dict set result [ipx_get $register name] \
            [list {*}[lmap name {address_offset access reset_value} { ipx_get $register $name }] $fields]
      }
    }
  }
  return $result
}

# ---------------------------------------------------------------------------------------- catalogue

# V.
::standin::command update_ip_catalog {
  -rebuild -add_ip: -delete_ip: -delete_mult_ip: -disable_ip: -enable_ip: -add_interface:
  -create_index -repo_path: -update_module_ref -quiet -verbose
} {0 0} {
  foreach name [dict keys $option] {
    require [expr {$name in {-rebuild -quiet -verbose}}] "$name: this stand-in does not model it"
  }
  require [dict exists $State project ip_repo_paths] "the project has no ip_repo_paths"
  dict set State catalogue {}
  foreach folder [value project ip_repo_paths] {
    foreach path [find_components $folder] {
      require [regexp {<!-- Tcl: (.*) -->} [contents $path] - component] "$path: no component"
      set now [ipx_sums [file dirname $path] [dict keys [dict get $component sums]]]
      dict for {name sum} [dict get $component sums] {
        require [expr {[dict get $now $name] == $sum}] "$path: $name has changed: package it again"
      }
      dict set State catalogue [dict get $component vlnv] $component
    }
  }
  require [dict size [value catalogue]] "there is no component.xml below [value project ip_repo_paths]"
}

proc ::standin::find_components {folder} {
  set found [glob -nocomplain -directory $folder component.xml]
  foreach child [glob -nocomplain -directory $folder -type d *] {
    lappend found {*}[find_components $child]
  }
  return $found
}

# V.
::standin::command get_ipdefs {-quiet -verbose -all -filter: -regexp -nocase} {0 1} {
  require [dict exists $State catalogue] "there is no catalogue (update_ip_catalog)"
  set pattern [expr {[llength $words] ? [lindex $words 0] : "*"}]
  return [select {IP definition} [dict keys [value catalogue]] [list $pattern] $option]
}

# The IP of the catalogue that a VLNV names, with or without its version; "" if there is none.
proc ::standin::catalogued {vlnv} {
  variable State
  if {![dict exists $State catalogue]} { return "" }
  foreach name [dict keys [value catalogue]] {
    if {$vlnv in [list $name [join [lrange [split $name :] 0 2] :]]} { return $name }
  }
  return ""
}

proc ::standin::family_of {part} {
  foreach {pattern family} {xc7z* zynq xczu* zynquplus xck26* zynquplus xc7a* artix7 xc7k* kintex7} {
    if {[string match $pattern $part]} { return $family }
  }
  error "no family is known of part '$part'"
}

# Bytes of a size such as 4096, 0x1000 or 16E.
proc ::standin::bytes_of {size} {
  regexp {^(0x[0-9a-fA-F]+|[0-9]+)([KMGTPE]?)$} $size - number unit
  return [expr {$number << 10 * ([string first $unit " KMGTPE"] > 0 ? [string first $unit " KMGTPE"] : 0)}]
}

proc ::standin::packaged_cell {vlnv} {
  set component [value catalogue $vlnv]
  set family [family_of [value project part]]
  require [dict exists [dict get $component families] $family] "$vlnv does not support $family"
  return [dict merge [dict get $component cell] [dict create kind packaged config {}]]
}
