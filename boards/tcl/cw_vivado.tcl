# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# The Vivado flow that all boards share: the block design of processing system and accelerator, the
# build, the reports and the export. One proc a step; an error ends a batch run with a non-zero
# status. See docs/boards.md.

namespace eval ::cw {
  variable Design cw_system
  variable Top cw_system_wrapper

  # What differs between the processing systems. `control` are the ports that give the registers to
  # the CPU, `memory` those that reach its memory: interface, clock, property that enables it, and
  # of the latter the property of the width and the beginning of the names of its segments.
  variable ProcessingSystems {
    zynq_ultra_ps_e {
      automation {apply_board_preset "1"}
      config {
        CONFIG.PSU__USE__M_AXI_GP0 0
        CONFIG.PSU__USE__M_AXI_GP1 0
        CONFIG.PSU__USE__M_AXI_GP2 0
        CONFIG.PSU__USE__IRQ0 1
        CONFIG.PSU__FPGA_PL0_ENABLE 1
      }
      frequency CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ
      clock pl_clk0
      reset pl_resetn0
      interrupt pl_ps_irq0
      widths {32 64 128}
      control {
        HPM0_FPD {M_AXI_HPM0_FPD maxihpm0_fpd_aclk CONFIG.PSU__USE__M_AXI_GP0}
        HPM1_FPD {M_AXI_HPM1_FPD maxihpm1_fpd_aclk CONFIG.PSU__USE__M_AXI_GP1}
      }
      memory {
        HP0 {S_AXI_HP0_FPD saxihp0_fpd_aclk CONFIG.PSU__USE__S_AXI_GP2 CONFIG.PSU__SAXIGP2__DATA_WIDTH
             SAXIGP2/HP0_}
        HP1 {S_AXI_HP1_FPD saxihp1_fpd_aclk CONFIG.PSU__USE__S_AXI_GP3 CONFIG.PSU__SAXIGP3__DATA_WIDTH
             SAXIGP3/HP1_}
        HP2 {S_AXI_HP2_FPD saxihp2_fpd_aclk CONFIG.PSU__USE__S_AXI_GP4 CONFIG.PSU__SAXIGP4__DATA_WIDTH
             SAXIGP4/HP2_}
        HP3 {S_AXI_HP3_FPD saxihp3_fpd_aclk CONFIG.PSU__USE__S_AXI_GP5 CONFIG.PSU__SAXIGP5__DATA_WIDTH
             SAXIGP5/HP3_}
      }
    }
    processing_system7 {
      automation {make_external "FIXED_IO, DDR" apply_board_preset "1" Master "Disable" Slave "Disable"}
      config {
        CONFIG.PCW_USE_M_AXI_GP0 0
        CONFIG.PCW_USE_M_AXI_GP1 0
        CONFIG.PCW_USE_FABRIC_INTERRUPT 1
        CONFIG.PCW_IRQ_F2P_INTR 1
        CONFIG.PCW_EN_CLK0_PORT 1
        CONFIG.PCW_EN_RST0_PORT 1
      }
      frequency CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ
      clock FCLK_CLK0
      reset FCLK_RESET0_N
      interrupt IRQ_F2P
      widths {32 64}
      control {
        GP0 {M_AXI_GP0 M_AXI_GP0_ACLK CONFIG.PCW_USE_M_AXI_GP0}
        GP1 {M_AXI_GP1 M_AXI_GP1_ACLK CONFIG.PCW_USE_M_AXI_GP1}
      }
      memory {
        HP0 {S_AXI_HP0 S_AXI_HP0_ACLK CONFIG.PCW_USE_S_AXI_HP0 CONFIG.PCW_S_AXI_HP0_DATA_WIDTH
             S_AXI_HP0/HP0_}
        HP1 {S_AXI_HP1 S_AXI_HP1_ACLK CONFIG.PCW_USE_S_AXI_HP1 CONFIG.PCW_S_AXI_HP1_DATA_WIDTH
             S_AXI_HP1/HP1_}
        HP2 {S_AXI_HP2 S_AXI_HP2_ACLK CONFIG.PCW_USE_S_AXI_HP2 CONFIG.PCW_S_AXI_HP2_DATA_WIDTH
             S_AXI_HP2/HP2_}
        HP3 {S_AXI_HP3 S_AXI_HP3_ACLK CONFIG.PCW_USE_S_AXI_HP3 CONFIG.PCW_S_AXI_HP3_DATA_WIDTH
             S_AXI_HP3/HP3_}
      }
    }
  }
}

# Returns the variables that a file of `set` lines makes, as a dict; the caller's stay untouched.
proc ::cw::settings {path} {
  source $path
  set values {}
  foreach name [info locals] {
    if {$name ni {path values}} { dict set values $name [set $name] }
  }
  return $values
}

# Returns the files that a list names, one a line, relative to the list.
proc ::cw::listed {path} {
  set file [open $path]
  set lines [split [string trim [read $file]] \n]
  close $file
  return [lmap line $lines { file join [file dirname $path] $line }]
}

# Checks what no file alone tells, and says which clock is used.
proc ::cw::check {board hw clock_mhz} {
  variable ProcessingSystems
  if {![dict exists $ProcessingSystems [dict get $board PS]]} {
    error "[dict get $board BOARD]: PS is [dict get $board PS], legal are\
        [join [dict keys $ProcessingSystems] {, }]"
  }
  if {$clock_mhz > [dict get $board MAX_MHZ]} {
    error "the clock is $clock_mhz MHz, legal on [dict get $board BOARD] is up to\
        [dict get $board MAX_MHZ]"
  }
  puts "corewright: $clock_mhz MHz on [dict get $board BOARD], the design aims at [dict get $hw FREQ]"
}

# Gives the current project the board's part and the newest of its installed board files, from which
# the processing system takes the settings of its memory and peripherals.
proc ::cw::set_board {board} {
  set_property part [dict get $board PART] [current_project]
  foreach name [dict get $board BOARD_PART] {
    set installed [get_board_parts -quiet -latest_file_version $name:*]
    if {[llength $installed]} {
      set_property board_part [lindex $installed 0] [current_project]
      return
    }
  }
  error "no board files for [join [dict get $board BOARD_PART] { or }]: please install them (Vivado\
      Store, or the param board.repoPaths)"
}

proc ::cw::connect_clock {pins} {
  variable Clock
  foreach pin $pins { connect_bd_net $Clock [get_bd_pins $pin] }
}

# Connects two AXI interfaces by a SmartConnect of their own, which converts width and protocol.
proc ::cw::connect_axi {name from to} {
  create_bd_cell -type ip -vlnv xilinx.com:ip:smartconnect $name
  set_property -dict {CONFIG.NUM_SI 1 CONFIG.NUM_MI 1} [get_bd_cells $name]
  connect_bd_intf_net [get_bd_intf_pins $from] [get_bd_intf_pins $name/S00_AXI]
  connect_bd_intf_net [get_bd_intf_pins $name/M00_AXI] [get_bd_intf_pins $to]
  connect_clock $name/aclk
  connect_bd_net [get_bd_pins reset/interconnect_aresetn] [get_bd_pins $name/aresetn]
}

proc ::cw::create_processing_system {board hw clock_mhz} {
  variable ProcessingSystems
  variable Clock
  set type [dict get $board PS]
  set ps [dict get $ProcessingSystems $type]
  create_bd_cell -type ip -vlnv xilinx.com:ip:$type ps
  apply_bd_automation -rule xilinx.com:bd_rule:$type -config [dict get $ps automation] \
      [get_bd_cells ps]

  # The preset of a board may enable ports that this design leaves open: `config` disables them.
  set config [dict get $ps config]
  dict set config [dict get $ps frequency] $clock_mhz
  dict set config [lindex [dict get $ps control [dict get $board CONTROL_PORT]] 2] 1
  set width [dict get $hw AXI_WIDTH]
  if {$width ni [dict get $ps widths]} { set width [lindex [dict get $ps widths] end] }
  foreach {manager port} [dict get $board MEMORY_PORTS] {
    lassign [dict get $ps memory $port] interface clock enable data_width segments
    dict set config $enable 1
    dict set config $data_width $width
  }
  set_property -dict $config [get_bd_cells ps]
  set Clock [get_bd_pins ps/[dict get $ps clock]]

  create_bd_cell -type ip -vlnv xilinx.com:ip:proc_sys_reset reset
  connect_clock reset/slowest_sync_clk
  connect_bd_net [get_bd_pins ps/[dict get $ps reset]] [get_bd_pins reset/ext_reset_in]
}

# The accelerator is a module among the sources, or, with a `vlnv`, a packaged IP of the catalogue.
proc ::cw::create_accelerator {board hw vlnv} {
  variable ProcessingSystems
  set ps [dict get $ProcessingSystems [dict get $board PS]]
  if {$vlnv eq ""} {
    create_bd_cell -type module -reference cw_accelerator_bd accelerator
    set_property -dict [list CONFIG.AddrBits [dict get $hw AXI_ADDR_WIDTH] \
        CONFIG.AxiBits [dict get $hw AXI_WIDTH]] [get_bd_cells accelerator]
  } else {
    # It is packaged for its hardware: there is nothing to set.
    create_bd_cell -type ip -vlnv $vlnv accelerator
  }
  connect_clock accelerator/clk_i
  connect_bd_net [get_bd_pins reset/peripheral_aresetn] [get_bd_pins accelerator/rst_ni]
  connect_bd_net [get_bd_pins accelerator/irq_o] [get_bd_pins ps/[dict get $ps interrupt]]

  lassign [dict get $ps control [dict get $board CONTROL_PORT]] interface clock
  connect_clock ps/$clock
  connect_axi axi_registers ps/$interface accelerator/s_axil
  foreach {manager port} [dict get $board MEMORY_PORTS] {
    lassign [dict get $ps memory $port] interface clock
    connect_clock ps/$clock
    connect_axi axi_$manager accelerator/m_axi_$manager ps/$interface
  }
}

# Maps the registers into the CPU's address space, and the memory, nothing else, into the managers'.
# Memory that lies beyond the managers' addresses is left out.
proc ::cw::assign_addresses {board hw} {
  variable ProcessingSystems
  set ps [dict get $ProcessingSystems [dict get $board PS]]
  lassign [dict get $board REGISTERS] offset range
  assign_bd_address -offset $offset -range $range \
      -target_address_space [get_bd_addr_spaces ps/Data] \
      [get_bd_addr_segs accelerator/s_axil/reg0] -force

  set limit [expr {1 << [dict get $hw AXI_ADDR_WIDTH]}]
  foreach {manager port} [dict get $board MEMORY_PORTS] {
    set space [get_bd_addr_spaces accelerator/m_axi_$manager]
    set prefix ps/[lindex [dict get $ps memory $port] 4]
    set used {}
    foreach {segment offset range} [dict get $board MEMORY] {
      if {$offset + $range > $limit} continue
      set segment [get_bd_addr_segs $prefix$segment]
      assign_bd_address -offset $offset -range $range -target_address_space $space $segment -force
      lappend used $segment
    }
    foreach segment [get_bd_addr_segs ${prefix}*] {
      if {$segment ni $used} { exclude_bd_addr_seg -target_address_space $space $segment }
    }
  }
}

# Makes the block design in the current project: with the accelerator among the sources or, with a
# `vlnv`, that of the IP catalogue. The clock is neither the board's nor the hardware's to decide: see
# docs/boards.md.
proc ::cw::create_block_design {board hw clock_mhz {vlnv ""}} {
  variable Design
  check $board $hw $clock_mhz
  create_bd_design $Design
  create_processing_system $board $hw $clock_mhz
  create_accelerator $board $hw $vlnv
  assign_addresses $board $hw
  validate_bd_design
  save_bd_design
}

# Makes the block design and its wrapper, the top of the current project, whose sources are read.
proc ::cw::create_design {board hw clock_mhz} {
  variable Design
  variable Top
  update_compile_order -fileset sources_1
  create_block_design $board $hw $clock_mhz

  set file [get_files $Design.bd]
  # One synthesis for all, so that the accelerator's include file is found as in the project.
  set_property synth_checkpoint_mode None $file
  generate_target all $file
  make_wrapper -files $file -import -fileset sources_1 -top
  set_property top $Top [get_filesets sources_1]
  update_compile_order -fileset sources_1
}

# Makes a project of a list of sources; paths of include files (.svh) give the include folders.
proc ::cw::create_project_of {name folder board sources} {
  create_project $name $folder -part [dict get $board PART] -force
  set_board $board
  set read {}
  set includes {}
  foreach source $sources {
    switch -- [file extension $source] {
      .sv - .v { lappend read $source }
      .svh - .vh { lappend includes [file dirname $source] }
      .vlt {}
      default { error "no design source: $source" }
    }
  }
  add_files -norecurse -fileset sources_1 $read
  set_property include_dirs [lsort -unique $includes] [get_filesets sources_1]
}

proc ::cw::run {name args} {
  launch_runs $name {*}$args
  wait_on_run $name
  if {[get_property PROGRESS [get_runs $name]] ne "100%"} {
    error "$name failed: [get_property STATUS [get_runs $name]]"
  }
}

proc ::cw::build {} {
  run synth_1
  run impl_1 -to_step write_bitstream
}

# Writes reports, bitstream, hardware handoff (.hwh) and platform (.xsa) of the current project.
# Ends with an error, after the reports and without the rest, if the clock is too fast.
proc ::cw::export_results {folder} {
  variable Design
  variable Top
  file mkdir $folder
  open_run impl_1
  report_utilization -hierarchical -file [file join $folder utilization.rpt]
  report_timing_summary -file [file join $folder timing.rpt]
  report_power -file [file join $folder power.rpt]
  foreach check {-setup -hold} {
    set slack [get_property SLACK [get_timing_paths $check -max_paths 1]]
    if {$slack < 0} {
      error "timing is not met: ${check} slack $slack ns, see [file join $folder timing.rpt];\
          ask for a slower clock or make the array smaller"
    }
  }
  file copy -force [file join [get_property DIRECTORY [get_runs impl_1]] $Top.bit] \
      [file join $folder corewright.bit]
  set project [file join [get_property DIRECTORY [current_project]] \
      [get_property NAME [current_project]]]
  # In .gen since Vivado 2020.2, in .srcs before.
  set handoff [glob $project.{gen,srcs}/sources_1/bd/$Design/hw_handoff/$Design.hwh]
  file copy -force [lindex $handoff 0] [file join $folder corewright.hwh]
  write_hw_platform -fixed -include_bit -force -file [file join $folder corewright.xsa]
}
