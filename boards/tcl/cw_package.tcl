# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# Packages the accelerator as an IP for Vivado's block designs: one proc a step; an error ends a batch
# run with a non-zero status. See docs/boards.md. The procs of cw_vivado.tcl are there, too.

namespace eval ::cw::ip {
  variable Clock clk_i
  variable Reset rst_ni
  variable Interrupt irq_o
  variable Registers s_axil
  variable Block reg0
  # The AXI4 managers, and what each of them does.
  variable Managers {
    m_axi_program READ_ONLY
    m_axi_pixels READ_ONLY
    m_axi_residual READ_ONLY
    m_axi_output WRITE_ONLY
  }
  # The accelerator takes any of these; none of them has been tried.
  variable Families {
    artix7 Beta kintex7 Beta virtex7 Beta zynq Beta kintexu Beta kintexuplus Beta virtexu Beta
    virtexuplus Beta zynquplus Beta
  }
}

# Makes a project of the sources, all of them below the IP's folder, and packages it as it stands.
# Returns the component. The part is the project's only.
proc ::cw::ip::create_component {ip project part root sources} {
  create_project package $project -part $part -force
  add_files -norecurse -fileset sources_1 $sources
  set_property top [dict get $ip NAME] [get_filesets sources_1]
  update_compile_order -fileset sources_1
  ipx::package_project -root_dir $root -vendor [dict get $ip VENDOR] -library [dict get $ip LIBRARY] \
      -taxonomy /UserIP -set_current true -force
  return [ipx::current_core]
}

proc ::cw::ip::identify {core ip} {
  variable Families
  set_property name [dict get $ip NAME] $core
  set_property version [dict get $ip VERSION] $core
  set_property core_revision 1 $core
  set_property display_name [dict get $ip TITLE] $core
  set_property description [dict get $ip DESCRIPTION] $core
  set_property vendor_display_name corewright $core
  set_property supported_families $Families $core
  # It is made for one configuration, which its sources hold: the widths are no choice of a user's.
  foreach parameter [ipx::get_user_parameters -of_objects $core] {
    set name [get_property name $parameter]
    if {$name ne "Component_Name"} { ipx::remove_user_parameter $name $core }
  }
}

# Sets a parameter of a bus interface, which may have been inferred.
proc ::cw::ip::set_parameter {interface name value} {
  set parameter [ipx::get_bus_parameters $name -of_objects $interface -quiet]
  if {$parameter eq ""} { set parameter [ipx::add_bus_parameter $name $interface] }
  set_property value $value $parameter
}

proc ::cw::ip::interface {core name} {
  set interface [ipx::get_bus_interfaces $name -of_objects $core -quiet]
  if {$interface eq ""} { error "interface $name was not inferred" }
  return $interface
}

# Infers the interfaces anew, whatever this version of the tool has made of the ports by itself.
proc ::cw::ip::infer_interfaces {core} {
  variable Clock
  variable Reset
  variable Interrupt
  variable Registers
  variable Managers
  ipx::remove_all_bus_interface $core
  ipx::infer_bus_interfaces xilinx.com:interface:aximm_rtl:1.0 $core
  ipx::infer_bus_interface $Clock xilinx.com:signal:clock_rtl:1.0 $core
  ipx::infer_bus_interface $Reset xilinx.com:signal:reset_rtl:1.0 $core
  ipx::infer_bus_interface $Interrupt xilinx.com:signal:interrupt_rtl:1.0 $core

  set_parameter [interface $core $Reset] POLARITY ACTIVE_LOW
  set interrupt [interface $core $Interrupt]
  set_property interface_mode master $interrupt
  set_parameter $interrupt SENSITIVITY LEVEL_HIGH

  set_parameter [interface $core $Registers] PROTOCOL AXI4LITE
  foreach {name direction} $Managers {
    set interface [interface $core $name]
    set_parameter $interface PROTOCOL AXI4
    set_parameter $interface READ_WRITE_MODE $direction
    # Bursts move whole words of the bus.
    set_parameter $interface SUPPORTS_NARROW_BURST 0
  }
  foreach name [list $Registers {*}[dict keys $Managers]] {
    ipx::associate_bus_interfaces -busif $name -clock $Clock $core
  }
  ipx::associate_bus_interfaces -clock $Clock -reset $Reset $core
}

# Describes what the managers reach: all that their addresses do.
proc ::cw::ip::add_address_spaces {core hw} {
  variable Managers
  ipx::remove_all_address_space $core
  foreach name [dict keys $Managers] {
    set space [ipx::add_address_space $name $core]
    set_property range [expr {1 << [dict get $hw AXI_ADDR_WIDTH]}] $space
    set_property width [dict get $hw AXI_WIDTH] $space
    set_property master_address_space_ref $name [interface $core $name]
  }
}

proc ::cw::ip::add_register {block register} {
  lassign $register name offset size access reset description fields
  set object [ipx::add_register $name $block]
  set_property address_offset $offset $object
  set_property size $size $object
  set_property access $access $object
  set_property display_name $name $object
  set_property description $description $object
  if {$reset ne ""} { set_property reset_value [expr {$reset}] $object }
  foreach field $fields {
    lassign $field name low bits access write description
    set part [ipx::add_field $name $object]
    set_property bit_offset $low $part
    set_property bit_width $bits $part
    set_property access $access $part
    set_property description $description $part
    if {$write ne ""} { set_property modified_write_value $write $part }
  }
}

# Describes the registers, from the list that is made of the block's SystemRDL (core/regs).
proc ::cw::ip::add_registers {core registers} {
  variable Registers
  variable Block
  ipx::remove_all_memory_map $core
  set map [ipx::add_memory_map $Registers $core]
  set_property description [dict get $registers TITLE] $map
  set_property slave_memory_map_ref $Registers [interface $core $Registers]
  set block [ipx::add_address_block $Block $map]
  set_property usage register $block
  set_property access read-write $block
  set_property base_address 0 $block
  set_property range [expr {[dict get $registers WINDOW_BYTES]}] $block
  set_property width 32 $block
  # The names that the driver asks for.
  foreach {name value} {OFFSET_BASE_PARAM C_S_AXIL_BASEADDR OFFSET_HIGH_PARAM C_S_AXIL_HIGHADDR} {
    set_property value $value [ipx::add_address_block_parameter $name $block]
  }
  foreach register [dict get $registers REGISTERS] { add_register $block $register }
}

# Adds the driver: files below `root`, which Vitis copies into a board support package.
proc ::cw::ip::add_driver {core root folder} {
  set group [ipx::add_file_group -type software_driver "" $core]
  foreach {pattern type} {data/*.mdd driver_mdd data/*.tcl driver_tcl src/* driver_src} {
    foreach path [lsort [glob -directory [file join $root $folder] $pattern]] {
      set name [string range $path [string length $root/] end]
      set_property type $type [ipx::add_file $name $group]
    }
  }
}

# Writes component.xml and the dialogue, and ends with the project.
proc ::cw::ip::finish {core} {
  ipx::create_xgui_files $core
  ipx::update_checksums $core
  if {[ipx::check_integrity $core] eq "0"} { error "the component is not sound: see the messages" }
  ipx::save_core $core
  close_project -delete
}
