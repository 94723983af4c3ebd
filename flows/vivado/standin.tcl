# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# A strict stand-in for `vivado -mode batch`: it has the commands that this project's scripts use,
# with their options, and keeps a model of project and block design, so that a script's mistakes are
# errors: unknown commands, options, properties, parts, files, cells and pins, double or missing
# sources, wrong connections, unmapped memory. It synthesises nothing: where the real tool writes a
# result it leaves a placeholder that says so. Its catalogue of IP is written from the vendor's
# documentation, not by the tool; boards/*/board_files.tcl tell the parts. See README.md.
#
# Usage: tclsh standin.tcl [Vivado's arguments]
# Environment: STANDIN_SLACK    slack in ns of the timing paths (default 0.1)
#              STANDIN_FAILS    run that fails, such as synth_1
#              STANDIN_INSIDE   folder outside of which the scripts may name no file

source [file join [file dirname [file normalize [info script]]] .. standins standin.tcl]

namespace eval ::standin {
  variable Placeholder "Placeholder of flows/vivado/standin.tcl: no Vivado has run.\n"
  # By the full name of the board files, the part on the board: from boards/*/board_files.tcl.
  variable BoardParts {}
  variable Parts {}
  variable AxiRead {
    ARADDR ARPROT ARVALID ARREADY RDATA RRESP RVALID RREADY
  }
  variable AxiWrite {
    AWADDR AWPROT AWVALID AWREADY WDATA WSTRB WVALID WREADY BRESP BVALID BREADY
  }
  variable AxiOptional {
    ARID ARLEN ARSIZE ARBURST ARLOCK ARCACHE ARQOS RID RLAST
    AWID AWLEN AWSIZE AWBURST AWLOCK AWCACHE AWQOS WLAST BID
  }
  # The project: what a process leaves to the next in the .xpr file.
  variable State {}
}

# ------------------------------------------------------------------------------------------ tools

# Defines a command: `options` are names of flags, or with a colon at the end of options with a
# value; `count` is the least and the greatest number of other arguments. The body has `option`, a
# dict of what was given, and `words`, the other arguments.
proc ::standin::command {name options count body} {
  variable Script
  proc ::standin::[do $name] {option words} "variable State\n$body"
  interp alias $Script $name {} ::standin::call $name $options $count
}

proc ::standin::do {name} { return do_[string map {:: _} $name] }

proc ::standin::call {name options count args} {
  puts "# $name $args"
  return [[do $name] {*}[split_arguments $name $options $count $args]]
}

proc ::standin::value {args} {
  variable State
  require [dict exists $State {*}$args] "there is no [join $args { }]"
  return [dict get $State {*}$args]
}

# Reads what is known of boards, beside the scripts that are tried.
proc ::standin::read_boards {} {
  variable BoardParts
  variable Parts
  set boards [file join [file dirname [file normalize [info script]]] .. .. boards]
  foreach path [glob -directory $boards */board_files.tcl] {
    source $path
    set BoardParts [dict merge $BoardParts $BOARD_FILES]
  }
  set Parts [lsort -unique [dict values $BoardParts]]
}

# A script that is to run anywhere names files of its own folder only.
proc ::standin::inside {path} {
  if {![info exists ::env(STANDIN_INSIDE)]} return
  set folder [file normalize $::env(STANDIN_INSIDE)]
  set path [file normalize $path]
  require [expr {$path eq $folder || [string match $folder/* $path]}] \
      "'$path' is not below $folder"
}

# What scripts of Tcl read and write by themselves.
proc ::standin::watch {} {
  variable Script
  if {![info exists ::env(STANDIN_INSIDE)]} return
  foreach name {source open cd} {
    interp hide $Script $name
    interp alias $Script $name {} ::standin::watched $name
  }
  foreach name {exec load socket} { interp hide $Script $name }
}

proc ::standin::watched {name path args} {
  variable Script
  inside $path
  return [interp invokehidden $Script $name $path {*}$args]
}

proc ::standin::placeholder {path} {
  variable Placeholder
  inside $path
  file mkdir [file dirname $path]
  set file [open $path w]
  puts -nonewline $file $Placeholder
  close $file
}

# Selects by patterns; without a match that is an error, except with -quiet.
proc ::standin::select {kind names patterns option} {
  set found {}
  foreach pattern $patterns {
    set matches [lsearch -all -inline -glob $names $pattern]
    require [expr {[llength $matches] || [dict exists $option -quiet]}] "no $kind '$pattern'"
    lappend found {*}$matches
  }
  return $found
}

# Names in a block design begin with a slash, which scripts may leave out.
proc ::standin::absolute {patterns} {
  set result {}
  foreach pattern $patterns { lappend result /[string trimleft $pattern /] }
  return $result
}

# ---------------------------------------------------------------------------------------- project

proc ::standin::save {} {
  variable State
  if {$State eq ""} return
  set file [open [value project path] w]
  puts $file $State
  close $file
}

proc ::standin::run_folder {run} {
  return [file join [value project DIRECTORY] [value project NAME].runs $run]
}

proc ::standin::file_named {name} {
  set matches {}
  foreach path [dict keys [value files]] {
    if {$path eq [file normalize $name] || [file tail $path] eq $name} { lappend matches $path }
  }
  require [expr {[llength $matches] == 1}] "[llength $matches] files are called $name"
  return [lindex $matches 0]
}

proc ::standin::add_source {path type} {
  variable State
  require [file isfile $path] "no file '$path'"
  inside $path
  set path [file normalize $path]
  require [expr {![dict exists [value files] $path]}] "file '$path' is added twice"
  dict set State files $path $type
  dict unset State ordered
  return $path
}

# Reads all HDL: include files are found, nothing is defined twice, or used and not defined.
proc ::standin::check_sources {} {
  set folders {}
  foreach folder [value fileset include_dirs] { lappend folders [file normalize $folder] }
  set defined {}
  set used {}
  dict for {path type} [value files] {
    if {$type ni {Verilog SystemVerilog}} continue
    set text [contents $path]
    foreach {- name} [regexp -all -inline {`include\s+"([^"]+)"} $text] {
      set found {}
      foreach folder [list [file dirname $path] {*}$folders] {
        if {[file isfile [file join $folder $name]]} { lappend found [file join $folder $name] }
      }
      require [llength $found] "$path: include file $name not found in include_dirs"
      append text [contents [lindex $found 0]]
    }
    regsub -all {//[^\n]*} $text {} text
    foreach {- name} [regexp -all -inline -line {^\s*(?:module|package)\s+(\w+)} $text] {
      require [expr {$name ni $defined}] "$path: $name is defined a second time"
      lappend defined $name
    }
    foreach {- name} [regexp -all -inline {\m(cw_\w+_pkg|cw_pkg)::} $text] {
      dict set used $name $path
    }
    foreach {- name} [regexp -all -inline -line {^\s*(cw_\w+)\s+(?:#\(|u_\w+\s*\()} $text] {
      dict set used $name $path
    }
  }
  dict for {name path} $used {
    require [expr {$name in $defined}] "$path: $name is in no source"
  }
  return $defined
}

::standin::command create_project {-part: -force} {1 2} {
  variable Parts
  require [expr {$State eq ""}] "a project is open"
  lassign $words name folder
  set folder [file normalize [expr {$folder eq "" ? "." : $folder}]]
  set path [file join $folder $name.xpr]
  require [expr {![file exists $path] || [dict exists $option -force]}] "$path exists"
  file mkdir $folder
  # Vivado takes a part of its own choice where none is named.
  set part [expr {[dict exists $option -part] ? [dict get $option -part] : ""}]
  require [expr {$part eq "" || $part in $Parts}] "no part '$part' in boards/*/board_files.tcl"
  set project [dict create path $path NAME $name DIRECTORY $folder part $part board_part "" \
      source_mgmt_mode All]
  set State [dict create project $project files {} fileset {top "" include_dirs ""} \
      runs {synth_1 {} impl_1 {}}]
  foreach run {synth_1 impl_1} {
    dict set State runs $run [dict create PROGRESS 0% STATUS "Not started" NEEDS_REFRESH 0 \
        DIRECTORY [run_folder $run] STEPS.WRITE_BITSTREAM.ARGS.BIN_FILE false]
  }
  return $name
}

::standin::command open_project {} {1 1} {
  require [expr {$State eq ""}] "a project is open"
  set State [string trim [contents [lindex $words 0]]]
  return [value project NAME]
}

::standin::command close_project {-delete} {0 0} {
  save
  if {[dict exists $option -delete]} {
    file delete -force {*}[glob [file join [value project DIRECTORY] [value project NAME].*]]
    # What else is there stays.
    catch { file delete [value project DIRECTORY] }
  }
  set State {}
}

::standin::command current_project {} {0 0} { return [value project NAME] }
::standin::command current_fileset {} {0 0} {
  value fileset
  return sources_1
}
::standin::command get_filesets {} {1 1} { return [select fileset sources_1 [lindex $words 0] {}] }

::standin::command get_board_parts {-quiet -latest_file_version} {1 1} {
  variable BoardParts
  set found [select {board part} [dict keys $BoardParts] $words $option]
  if {![llength $found]} { puts stderr "stand-in: [lindex $words 0] is not in boards/*/board_files.tcl" }
  return $found
}

::standin::command add_files {-norecurse -fileset:} {1 1} {
  if {[dict exists $option -fileset]} {
    require [expr {[dict get $option -fileset] eq "sources_1"}] "no such fileset"
  }
  require [llength [lindex $words 0]] "add_files: no files"
  set added {}
  foreach path [lindex $words 0] {
    set suffix [file extension $path]
    require [expr {$suffix in {.v .sv}}] "add_files: $path is no HDL source"
    lappend added [add_source $path [expr {$suffix eq ".sv" ? "SystemVerilog" : "Verilog"}]]
  }
  return $added
}

::standin::command read_verilog {-sv} {1 1} {
  foreach path [lindex $words 0] {
    add_source $path [expr {[dict exists $option -sv] ? "SystemVerilog" : "Verilog"}]
  }
}

::standin::command update_compile_order {-fileset:} {0 0} {
  require [expr {[dict get $option -fileset] eq "sources_1"}] "no such fileset"
  require [llength [value files]] "the project has no sources"
  dict set State ordered 1
}

::standin::command get_files {-quiet} {1 1} {
  return [file_named [lindex $words 0]]
}

# Finds what kind of object a name is: its place in the state.
proc ::standin::place {object} {
  variable State
  if {$object eq [value project NAME]} { return project }
  if {$object eq "sources_1"} { return fileset }
  foreach kind {runs cells files paths} {
    if {[dict exists $State $kind $object]} { return [list $kind $object] }
  }
  error "no object '$object'"
}

proc ::standin::set_one {name value object} {
  variable State
  variable Parts
  variable BoardParts
  if {[is_ipx $object]} {
    ipx_set_property $object $name $value
    return
  }
  set place [place $object]
  switch -- [lindex $place 0] {
    project {
      switch -- $name {
        part { require [expr {$value in $Parts}] "no part '$value' in boards/*/board_files.tcl" }
        board_part {
          require [dict exists $BoardParts $value] "no board part '$value'"
          # Vivado changes the part to the board's without a word.
          require [expr {[dict get $BoardParts $value] eq [value project part]}] \
              "board part $value has another part than [value project part]"
        }
        source_mgmt_mode {
          require [expr {$value in {All None DisplayOnly}}] "source_mgmt_mode '$value'"
        }
        ip_repo_paths {
          foreach folder $value {
            require [file isdirectory $folder] "no folder '$folder'"
            inside $folder
          }
          # What was found before is out of date until update_ip_catalog.
          dict unset State catalogue
        }
        default { error "a project has no property $name" }
      }
    }
    fileset {
      switch -- $name {
        top { require [expr {$value in [check_sources]}] "top '$value' is in no source" }
        include_dirs {
          foreach folder $value {
            require [file isdirectory $folder] "no folder '$folder'"
            inside $folder
          }
        }
        default { error "a fileset has no property $name" }
      }
    }
    runs {
      require [expr {$name eq "STEPS.WRITE_BITSTREAM.ARGS.BIN_FILE"}] "a run cannot set $name"
    }
    files {
      require [expr {$name eq "synth_checkpoint_mode" && [value {*}$place] eq "bd"}] \
          "$object has no property $name"
      require [expr {$value in {None Singular Hierarchical}}] "synth_checkpoint_mode '$value'"
      return
    }
    cells {
      check_config [lindex $place 1] $name $value
      dict set State cells [lindex $place 1] config $name $value
      dict unset State validated
      return
    }
    default { error "$object has no property $name" }
  }
  dict set State {*}$place $name $value
}

::standin::command set_property {-dict:} {1 3} {
  if {[dict exists $option -dict]} {
    require [expr {[llength $words] == 1}] "set_property -dict: one object, please"
    set objects [lindex $words 0]
    set values [dict get $option -dict]
  } else {
    require [expr {[llength $words] == 3}] "set_property: name, value, object"
    set objects [lindex $words 2]
    set values [lrange $words 0 1]
  }
  require [llength $objects] "set_property: no object"
  foreach object $objects {
    foreach {name value} $values { set_one $name $value $object }
  }
}

::standin::command get_property {} {2 2} {
  lassign $words name object
  if {[is_ipx $object]} { return [ipx_get_property $object $name] }
  set place [place $object]
  if {[lindex $place 0] eq "cells"} { set place [linsert $place end config] }
  return [value {*}$place $name]
}

::standin::command list_property {} {1 2} {
  lassign $words object pattern
  return [lsearch -all -inline -glob [dict keys [value {*}[place $object]]] \
      [expr {$pattern eq "" ? "*" : $pattern}]]
}

# ----------------------------------------------------------------------------------- IP catalogue

# Legal values, by property, as regular expressions. A board's preset sets what is not here.
proc ::standin::legal_config {cell} {
  set on {^[01]$}
  set number {^[0-9]+([.][0-9]+)?$}
  switch -glob -- [value cells $cell kind] {
    xilinx.com:ip:zynq_ultra_ps_e {
      set legal [dict create CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ $number]
      foreach name {PSU__USE__M_AXI_GP0 PSU__USE__M_AXI_GP1 PSU__USE__M_AXI_GP2 PSU__USE__IRQ0
          PSU__USE__IRQ1 PSU__FPGA_PL0_ENABLE} {
        dict set legal CONFIG.$name $on
      }
      for {set i 0} {$i < 7} {incr i} {
        dict set legal CONFIG.PSU__USE__S_AXI_GP$i $on
        dict set legal CONFIG.PSU__SAXIGP${i}__DATA_WIDTH {^(32|64|128)$}
      }
    }
    xilinx.com:ip:processing_system7 {
      set legal [dict create CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $number]
      foreach name {PCW_USE_M_AXI_GP0 PCW_USE_M_AXI_GP1 PCW_USE_FABRIC_INTERRUPT PCW_IRQ_F2P_INTR
          PCW_EN_CLK0_PORT PCW_EN_RST0_PORT} {
        dict set legal CONFIG.$name $on
      }
      for {set i 0} {$i < 4} {incr i} {
        dict set legal CONFIG.PCW_USE_S_AXI_HP$i $on
        dict set legal CONFIG.PCW_S_AXI_HP${i}_DATA_WIDTH {^(32|64)$}
      }
    }
    xilinx.com:ip:smartconnect {
      set legal {CONFIG.NUM_SI {^([1-9]|1[0-6])$} CONFIG.NUM_MI {^([1-9]|1[0-6])$}}
    }
    xilinx.com:ip:proc_sys_reset - packaged { set legal {} }
    module {
      set legal {}
      foreach name [value cells $cell parameters] { dict set legal CONFIG.$name {^[0-9]+$} }
    }
  }
  return $legal
}

proc ::standin::check_config {cell name value} {
  set legal [legal_config $cell]
  require [dict exists $legal $name] "$cell has no property $name"
  require [regexp [dict get $legal $name] $value] "$cell: $name is '$value', not legal"
}

proc ::standin::is_on {cell name} {
  variable State
  return [expr {[dict exists $State cells $cell config CONFIG.$name]
      && [dict get $State cells $cell config CONFIG.$name] == 1}]
}

# Pins of a cell: name to {direction needed}; interface pins: name to {mode clock}; segments of an
# interface pin: {name size ...}; all depend on the configuration.
proc ::standin::describe {cell} {
  set pins {}
  set interfaces {}
  set segments {}
  set spaces {}
  switch -- [value cells $cell kind] {
    xilinx.com:ip:zynq_ultra_ps_e {
      foreach {index name} {0 hpm0_fpd 1 hpm1_fpd 2 hpm0_lpd} {
        if {![is_on $cell PSU__USE__M_AXI_GP$index]} continue
        dict set interfaces M_AXI_[string toupper $name] [list master maxi${name}_aclk]
        dict set pins maxi${name}_aclk {in 1}
        dict set spaces Data M_AXI_[string toupper $name]
      }
      for {set i 0} {$i < 4} {incr i} {
        set gp [expr {$i + 2}]
        if {![is_on $cell PSU__USE__S_AXI_GP$gp]} continue
        dict set interfaces S_AXI_HP${i}_FPD [list slave saxihp${i}_fpd_aclk]
        dict set pins saxihp${i}_fpd_aclk {in 1}
        dict set segments S_AXI_HP${i}_FPD [list SAXIGP$gp/HP${i}_DDR_LOW 0x80000000 \
            SAXIGP$gp/HP${i}_DDR_HIGH 0x800000000 SAXIGP$gp/HP${i}_LPS_OCM 0x1000000 \
            SAXIGP$gp/HP${i}_QSPI 0x20000000]
      }
      if {[is_on $cell PSU__FPGA_PL0_ENABLE]} {
        dict set pins pl_clk0 {out 0}
        dict set pins pl_resetn0 {out 0}
      }
      if {[is_on $cell PSU__USE__IRQ0]} { dict set pins pl_ps_irq0 {in 1} }
    }
    xilinx.com:ip:processing_system7 {
      for {set i 0} {$i < 2} {incr i} {
        if {![is_on $cell PCW_USE_M_AXI_GP$i]} continue
        dict set interfaces M_AXI_GP$i [list master M_AXI_GP${i}_ACLK]
        dict set pins M_AXI_GP${i}_ACLK {in 1}
        dict set spaces Data M_AXI_GP$i
      }
      for {set i 0} {$i < 4} {incr i} {
        if {![is_on $cell PCW_USE_S_AXI_HP$i]} continue
        dict set interfaces S_AXI_HP$i [list slave S_AXI_HP${i}_ACLK]
        dict set pins S_AXI_HP${i}_ACLK {in 1}
        dict set segments S_AXI_HP$i [list S_AXI_HP$i/HP${i}_DDR_LOWOCM 0x40000000]
      }
      if {[is_on $cell PCW_EN_CLK0_PORT]} { dict set pins FCLK_CLK0 {out 0} }
      if {[is_on $cell PCW_EN_RST0_PORT]} { dict set pins FCLK_RESET0_N {out 0} }
      if {[is_on $cell PCW_USE_FABRIC_INTERRUPT] && [is_on $cell PCW_IRQ_F2P_INTR]} {
        dict set pins IRQ_F2P {in 1}
      }
    }
    xilinx.com:ip:smartconnect {
      set pins {aclk {in 1} aresetn {in 1}}
      # The catalogue's default has two subordinate ports.
      foreach {property default prefix mode} {NUM_SI 2 S slave NUM_MI 1 M master} {
        set config [value cells $cell config]
        set count $default
        if {[dict exists $config CONFIG.$property]} { set count [dict get $config CONFIG.$property] }
        for {set i 0} {$i < $count} {incr i} {
          dict set interfaces [format %s%02d_AXI $prefix $i] [list $mode aclk]
        }
      }
    }
    xilinx.com:ip:proc_sys_reset {
      set pins {
        slowest_sync_clk {in 1} ext_reset_in {in 1} aux_reset_in {in 0} mb_debug_sys_rst {in 0}
        dcm_locked {in 0} mb_reset {out 0} bus_struct_reset {out 0} peripheral_reset {out 0}
        interconnect_aresetn {out 0} peripheral_aresetn {out 0}
      }
    }
    packaged {
      foreach part {pins interfaces segments spaces} { set $part [value cells $cell $part] }
    }
    module {
      set pins [value cells $cell pins]
      set interfaces [value cells $cell interfaces]
      dict for {name interface} $interfaces {
        if {[lindex $interface 0] eq "master"} {
          dict set spaces $name $name
        } else {
          dict set segments $name [list $name/reg0 0x1000]
        }
      }
    }
  }
  return [dict create pins $pins interfaces $interfaces segments $segments spaces $spaces]
}

# The text of a Verilog module's parameters and ports, without comments.
proc ::standin::module_text {name} {
  set text ""
  dict for {path type} [value files] {
    if {[regexp -line "^module $name\\M" [contents $path]]} {
      require [expr {$type eq "Verilog"}] \
          "$path: $name cannot be SystemVerilog, neither for a module reference nor in an IP"
      set text [contents $path]
    }
  }
  require [string length $text] "module $name is in no source"
  regsub -all {//[^\n]*} $text {} text
  # Step by step: one expression over all of it takes most of a script's time.
  set rest [string range $text [string first "module $name" $text] end]
  require [expr {[regexp -indices "^module $name\\s+#\\(" $rest begin]
      && [regexp -indices {\)\s*\(} $rest between]
      && [set end [string first "\n);" $rest]] > [lindex $between 1]}] \
      "module $name: no parameters or ports"
  set parameters [string range $rest [lindex $begin 1]+1 [lindex $between 0]-1]
  set ports [string range $rest [lindex $between 1]+1 $end-1]
  return [list $parameters $ports]
}

proc ::standin::parameters_of {text} {
  return [lmap {- name} [regexp -all -inline {parameter\s+(?:integer\s+)?(\w+)\s*=} $text] {
    set name
  }]
}

# Ports: {attributes direction name}.
proc ::standin::ports_of {text} {
  set pattern {((?:\(\*[^*]*\*\)\s*)*)(input|output)\s+wire\s+(?:\[[^\]]*\]\s*)?(\w+)}
  return [lmap {- attributes direction name} [regexp -all -inline $pattern $text] {
    list $attributes $direction $name
  }]
}

# Reads a Verilog module's ports and attributes as Vivado does to make a cell of it.
proc ::standin::module_of {name} {
  variable AxiRead
  variable AxiWrite
  variable AxiOptional
  lassign [module_text $name] parameters ports
  set names [parameters_of $parameters]

  set signals {}
  set pins {}
  set clock ""
  set reset ""
  set buses ""
  foreach each [ports_of $ports] {
    lassign $each attributes direction port
    require [regexp {X_INTERFACE_INFO\s*=\s*"([^"]+)"} $attributes - info] "port $port: no interface"
    require [expr {[llength $info] == 3}] "port $port: X_INTERFACE_INFO '$info'"
    lassign $info type interface signal
    switch -- $type {
      xilinx.com:interface:aximm:1.0 {
        require [expr {$signal in [concat $AxiRead $AxiWrite $AxiOptional]}] \
            "port $port: AXI has no $signal"
        require [expr {![dict exists $signals $interface $signal]}] "port $port: second $signal"
        dict set signals $interface $signal $direction
      }
      xilinx.com:signal:clock:1.0 {
        require [regexp {ASSOCIATED_RESET (\w+)} $attributes - reset] "clock $port: no reset"
        require [regexp {ASSOCIATED_BUSIF ([\w:]+)} $attributes - buses] "clock $port: no interfaces"
        set clock $port
        dict set pins $port {in 1}
      }
      xilinx.com:signal:reset:1.0 {
        require [regexp {POLARITY ACTIVE_LOW} $attributes] "reset $port: no polarity"
        dict set pins $port {in 1}
      }
      xilinx.com:signal:interrupt:1.0 {
        require [regexp {SENSITIVITY LEVEL_HIGH} $attributes] "interrupt $port: no sensitivity"
        dict set pins $port {out 0}
      }
      default { error "port $port: no interface type $type" }
    }
  }
  require [dict exists $pins $reset] "clock $clock: there is no reset '$reset'"
  set buses [lsort [split $buses :]]
  require [expr {$buses eq [lsort [dict keys $signals]]}] "clock $clock: other interfaces than $buses"
  set interfaces {}
  dict for {interface directions} $signals {
    set given [dict keys $directions]
    foreach channel [list $AxiRead $AxiWrite] {
      set present [lmap signal $channel { expr {$signal in $given} }]
      require [expr {0 ni $present || 1 ni $present}] "interface $interface lacks signals of $channel"
    }
    set address [expr {[dict exists $directions ARADDR] ? "ARADDR" : "AWADDR"}]
    set mode [expr {[dict get $directions $address] eq "output" ? "master" : "slave"}]
    dict set interfaces $interface [list $mode $clock]
  }
  return [dict create kind module config {} parameters $names pins $pins interfaces $interfaces]
}

# ----------------------------------------------------------------------------------- block design

::standin::command create_bd_design {} {1 1} {
  require [expr {![dict exists $State design]}] "there is a block design"
  set name [lindex $words 0]
  dict set State design $name
  foreach table {cells nets links mapped excluded} { dict set State $table {} }
  set path [file join [value project DIRECTORY] [value project NAME].srcs/sources_1/bd $name $name.bd]
  placeholder $path
  dict set State files [file normalize $path] bd
  return $name
}

::standin::command create_bd_cell {-type: -vlnv: -reference:} {1 1} {
  set name /[lindex $words 0]
  value design
  require [expr {![dict exists $State cells $name]}] "there is a cell $name"
  switch -- [dict get $option -type] {
    ip {
      set kind [dict get $option -vlnv]
      if {[catalogued $kind] ne ""} {
        dict set State cells $name [packaged_cell [catalogued $kind]]
        return $name
      }
      require [expr {$kind in {xilinx.com:ip:zynq_ultra_ps_e xilinx.com:ip:processing_system7
          xilinx.com:ip:smartconnect xilinx.com:ip:proc_sys_reset}}] "no IP '$kind'"
      set other [expr {[string match xc7z* [value project part]]
          ? "xilinx.com:ip:zynq_ultra_ps_e" : "xilinx.com:ip:processing_system7"}]
      require [expr {$kind ne $other}] "$kind is not in [value project part]"
      dict set State cells $name [dict create kind $kind config {}]
    }
    module {
      require [expr {[value project source_mgmt_mode] eq "All"}] "module references need mode All"
      dict set State cells $name [module_of [dict get $option -reference]]
    }
    default { error "no cell type '[dict get $option -type]'" }
  }
  return $name
}

::standin::command apply_bd_automation {-rule: -config:} {1 1} {
  set cell [lindex $words 0]
  set kind [value cells $cell kind]
  require [expr {[dict get $option -rule] eq "xilinx.com:bd_rule:[lindex [split $kind :] 2]"}] \
      "no rule '[dict get $option -rule]' for $kind"
  require [expr {[value project board_part] ne ""}] "the project has no board part"
  set config [dict get $option -config]
  require [expr {[dict get $config apply_board_preset] == 1}] "the board's preset is not applied"
  if {$kind eq "xilinx.com:ip:processing_system7"} {
    require [expr {[dict get $config make_external] eq "FIXED_IO, DDR"}] "DDR is not external"
    dict set State cells $cell config {CONFIG.PCW_USE_M_AXI_GP0 1 CONFIG.PCW_EN_CLK0_PORT 1}
  } else {
    # Presets of boards enable both masters.
    dict set State cells $cell config {CONFIG.PSU__USE__M_AXI_GP0 1 CONFIG.PSU__USE__M_AXI_GP1 1}
  }
  dict set State cells $cell preset 1
}

::standin::command get_bd_cells {-quiet} {1 1} {
  return [select cell [dict keys [value cells]] [absolute [lindex $words 0]] $option]
}

proc ::standin::names_of {part} {
  set names {}
  foreach cell [dict keys [value cells]] {
    foreach name [dict keys [dict get [describe $cell] $part]] { lappend names $cell/$name }
  }
  return $names
}

::standin::command get_bd_pins {-quiet} {1 1} {
  return [select pin [names_of pins] [absolute [lindex $words 0]] $option]
}
::standin::command get_bd_intf_pins {-quiet} {1 1} {
  return [select {interface pin} [names_of interfaces] [absolute [lindex $words 0]] $option]
}
::standin::command get_bd_addr_spaces {-quiet} {1 1} {
  return [select {address space} [names_of spaces] [absolute [lindex $words 0]] $option]
}

# All segments: name to {interface pin, size}.
proc ::standin::all_segments {} {
  set result {}
  foreach cell [dict keys [value cells]] {
    dict for {interface segments} [dict get [describe $cell] segments] {
      foreach {segment size} $segments { dict set result $cell/$segment [list $cell/$interface $size] }
    }
  }
  return $result
}

::standin::command get_bd_addr_segs {-quiet} {1 1} {
  return [select segment [dict keys [all_segments]] [absolute [lindex $words 0]] $option]
}

proc ::standin::part_of {part name} {
  set cell /[lindex [split $name /] 1]
  set rest [string range $name [expr {[string length $cell] + 1}] end]
  set known [dict get [describe $cell] $part]
  require [dict exists $known $rest] "no such object '$name'"
  return [dict get $known $rest]
}

::standin::command connect_bd_net {} {2 99} {
  # A net is a driver; a pin's net is found in `nets`.
  set driver ""
  set sinks {}
  foreach pin $words {
    if {[lindex [part_of pins $pin] 0] eq "out"} {
      require [expr {$driver eq ""}] "$driver and $pin drive the same net"
      set driver $pin
    } else {
      lappend sinks $pin
    }
  }
  require [string length $driver] "no driver among $words"
  foreach pin $sinks {
    require [expr {![dict exists $State nets $pin]}] "$pin is connected already"
    dict set State nets $pin $driver
  }
  dict unset State validated
}

::standin::command connect_bd_intf_net {} {2 2} {
  lassign $words one other
  set modes [lsort [list [lindex [part_of interfaces $one] 0] [lindex [part_of interfaces $other] 0]]]
  require [expr {$modes eq {master slave}}] "$one and $other are both [lindex $modes 0]"
  foreach {a b} [list $one $other $other $one] {
    require [expr {![dict exists $State links $a]}] "$a is connected already"
    dict set State links $a $b
  }
  dict unset State validated
}

# Follows an interface through SmartConnects to the interface pins that it reaches.
proc ::standin::reaches {interface} {
  variable State
  require [dict exists $State links $interface] "$interface is not connected"
  set peer [dict get $State links $interface]
  set cell /[lindex [split $peer /] 1]
  if {[value cells $cell kind] ne "xilinx.com:ip:smartconnect"} { return [list $peer] }
  set found {}
  foreach name [dict keys [dict get [describe $cell] interfaces]] {
    if {[string match M* $name]} { lappend found {*}[reaches $cell/$name] }
  }
  return $found
}

# Segments that the masters of an address space reach: name to size.
proc ::standin::reachable {space} {
  set cell /[lindex [split $space /] 1]
  set targets [reaches $cell/[part_of spaces $space]]
  set result {}
  dict for {name segment} [all_segments] {
    if {[lindex $segment 0] in $targets} { dict set result $name [lindex $segment 1] }
  }
  return $result
}

::standin::command assign_bd_address {-offset: -range: -target_address_space: -force} {1 1} {
  set segment [lindex $words 0]
  set space [dict get $option -target_address_space]
  set offset [dict get $option -offset]
  set range [dict get $option -range]
  set reachable [reachable $space]
  require [dict exists $reachable $segment] "$space does not reach $segment"
  require [expr {$range > 0 && ($range & ($range - 1)) == 0 && $offset % $range == 0}] \
      "$segment: $range bytes at $offset are no aligned power of two"
  require [expr {$range <= [dict get $reachable $segment]}] "$segment is smaller than $range"
  if {[value cells /[lindex [split $space /] 1] kind] eq "module"} {
    set bits [value cells /[lindex [split $space /] 1] config CONFIG.AddrBits]
    require [expr {$offset + $range <= 1 << $bits}] "$segment: beyond the $bits bits of $space"
  } elseif {[value cells /[lindex [split $space /] 1] kind] eq "packaged"} {
    set limit [value cells /[lindex [split $space /] 1] ranges [lindex [split $space /] 2]]
    require [expr {$offset + $range <= [bytes_of $limit]}] "$segment: beyond the $limit of $space"
  } else {
    set windows {zynq_ultra_ps_e 0xA0000000 0x10000000 processing_system7 0x40000000 0x40000000}
    set kind [lindex [split [value cells /[lindex [split $space /] 1] kind] :] 2]
    foreach {name base size} $windows {
      if {$name ne $kind} continue
      require [expr {$offset >= $base && $offset + $range <= $base + $size}] \
          "$segment: $offset is not in the port's window at $base"
    }
  }
  foreach {other_segment place} [expr {[dict exists $State mapped $space]
      ? [dict get $State mapped $space] : {}}] {
    lassign $place other_offset other_range
    require [expr {$offset + $range <= $other_offset || $other_offset + $other_range <= $offset}] \
        "$segment overlaps $other_segment in $space"
  }
  dict set State mapped $space $segment [list $offset $range]
}

::standin::command exclude_bd_addr_seg {-target_address_space:} {1 1} {
  set space [dict get $option -target_address_space]
  set segment [lindex $words 0]
  require [dict exists [reachable $space] $segment] "$space does not reach $segment"
  require [expr {![dict exists $State mapped $space $segment]}] "$segment is mapped in $space"
  dict set State excluded $space $segment 1
}

::standin::command validate_bd_design {} {0 0} {
  value design
  foreach cell [dict keys [value cells]] {
    set parts [describe $cell]
    if {[value cells $cell kind] in {xilinx.com:ip:zynq_ultra_ps_e
        xilinx.com:ip:processing_system7}} {
      require [dict exists [value cells $cell] preset] "$cell: no preset of the board"
    }
    dict for {pin traits} [dict get $parts pins] {
      require [expr {![lindex $traits 1] || [dict exists $State nets $cell/$pin]}] \
          "$cell/$pin is not connected"
    }
  }
  foreach cell [dict keys [value cells]] {
    set parts [describe $cell]
    dict for {interface traits} [dict get $parts interfaces] {
      require [dict exists $State links $cell/$interface] "$cell/$interface is not connected"
      set peer [dict get $State links $cell/$interface]
      set peer_clock /[lindex [split $peer /] 1]/[lindex [part_of interfaces $peer] 1]
      require [expr {[dict get $State nets $cell/[lindex $traits 1]]
          eq [dict get $State nets $peer_clock]}] "$cell/$interface and $peer have different clocks"
    }
    foreach space [dict keys [dict get $parts spaces]] {
      set mapped 0
      foreach segment [dict keys [reachable $cell/$space]] {
        if {[dict exists $State mapped $cell/$space $segment]} {
          incr mapped
        } else {
          require [dict exists $State excluded $cell/$space $segment] \
              "$segment is neither mapped nor excluded in $cell/$space"
        }
      }
      require $mapped "nothing is mapped in $cell/$space"
    }
  }
  dict set State validated 1
}

::standin::command save_bd_design {} {0 0} {
  value validated
  dict set State saved 1
}

::standin::command generate_target {} {2 2} {
  lassign $words target file
  require [expr {$target eq "all"}] "generate_target $target"
  require [expr {[value files $file] eq "bd"}] "$file is no block design"
  value saved
  check_sources
  set name [value design]
  placeholder [file join [value project DIRECTORY] [value project NAME].gen/sources_1/bd $name \
      hw_handoff $name.hwh]
  dict set State generated 1
}

::standin::command make_wrapper {-files: -import -fileset: -top} {0 0} {
  require [expr {[value files [dict get $option -files]] eq "bd"}] "no block design"
  require [dict exists $option -top] "make_wrapper without -top"
  require [expr {[dict get $option -fileset] eq "sources_1"}] "no such fileset"
  value generated
  set name [value design]_wrapper
  set path [file join [value project DIRECTORY] [value project NAME].srcs/sources_1/imports $name.v]
  placeholder $path
  set file [open $path w]
  puts $file "module $name ();\nendmodule"
  close $file
  add_source $path Verilog
}

# ------------------------------------------------------------------------------------------- runs

::standin::command get_runs {} {1 1} { return [select run [dict keys [value runs]] $words {}] }
::standin::command current_run {} {0 0} {
  value runs
  return impl_1
}

::standin::command reset_runs {} {1 1} {
  value runs [lindex $words 0]
  dict set State runs [lindex $words 0] PROGRESS 0%
}

::standin::command launch_runs {-to_step: -jobs:} {1 1} {
  set run [lindex $words 0]
  require [expr {[value runs $run PROGRESS] ne "100%"}] "$run is complete: reset it first"
  require [expr {[value fileset top] eq "[value design]_wrapper"}] "top is [value fileset top]"
  require [expr {[value project board_part] ne ""}] "the project has no board part"
  value generated
  check_sources
  if {$run eq "impl_1"} {
    require [expr {[value runs synth_1 PROGRESS] eq "100%"}] "synth_1 is not complete"
    require [expr {[dict get $option -to_step] eq "write_bitstream"}] "no such step"
  }
  dict set State runs $run launched 1
}

::standin::command wait_on_run {} {1 1} {
  set run [lindex $words 0]
  value runs $run launched
  if {[info exists ::env(STANDIN_FAILS)] && $::env(STANDIN_FAILS) eq $run} {
    dict set State runs $run STATUS "synth_design ERROR"
    return
  }
  dict set State runs $run PROGRESS 100%
  dict set State runs $run STATUS "Complete!"
  if {$run eq "impl_1"} { placeholder [file join [run_folder impl_1] [value fileset top].bit] }
}

::standin::command open_run {} {1 1} {
  require [expr {[value runs [lindex $words 0] PROGRESS] eq "100%"}] "the run is not complete"
  dict set State opened [lindex $words 0]
}

foreach {name options} {
  report_utilization {-hierarchical -file:}
  report_timing_summary {-file:}
  report_power {-file:}
} {
  ::standin::command $name $options {0 0} {
    value opened
    placeholder [dict get $option -file]
  }
}
foreach name {write_edif write_verilog} {
  ::standin::command $name {} {1 1} {
    value opened
    placeholder [lindex $words 0]
  }
}

::standin::command get_timing_paths {-setup -hold -max_paths:} {0 0} {
  require [expr {[value opened] eq "impl_1"}] "no implemented design is open"
  set slack [expr {[info exists ::env(STANDIN_SLACK)] ? $::env(STANDIN_SLACK) : 0.1}]
  dict set State paths path_1 SLACK $slack
  return path_1
}

::standin::command write_hw_platform {-fixed -include_bit -force -file:} {0 0} {
  require [expr {[value runs impl_1 PROGRESS] eq "100%"}] "there is no bitstream"
  placeholder [dict get $option -file]
}

source [file join [file dirname [file normalize [info script]]] ipx.tcl]

# ---------------------------------------------------------------------------------------- command

# Runs as Vivado does with these arguments; returns the status.
proc ::standin::main {arguments} {
  variable Script
  set scripts {}
  set project ""
  set rest {}
  for {set i 0} {$i < [llength $arguments]} {incr i} {
    set word [lindex $arguments $i]
    switch -glob -- $word {
      -notrace - -nolog - -nojournal - -quiet {}
      -mode {
        if {[lindex $arguments [incr i]] ne "batch"} { error "only -mode batch" }
      }
      -source { lappend scripts [lindex $arguments [incr i]] }
      -tclargs {
        set rest [lrange $arguments [expr {$i + 1}] end]
        break
      }
      *.xpr { set project $word }
      *.tcl { lappend scripts $word }
      default { error "unknown argument $word" }
    }
  }
  if {![llength $scripts]} { error "no script" }
  interp eval $Script [list set argv $rest]
  interp eval $Script [list set argc [llength $rest]]
  if {$project ne ""} { interp eval $Script [list open_project $project] }
  watch
  foreach script $scripts {
    set status [try $script]
    # Vivado goes on with the next script where one does not leave.
    if {$status ne ""} break
  }
  # What failed leaves no project behind.
  if {$status eq "" || $status == 0} save
  return [expr {$status eq "" ? 0 : $status}]
}

::standin::read_boards
::standin::run ::standin::main
