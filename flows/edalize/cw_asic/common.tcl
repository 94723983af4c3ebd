# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# What the scripts for Genus and Innovus share; it stands in front of each in the work root.

proc cw_set_dont_use {} {
  foreach cell $::DontUse {
    set found [get_db lib_cells */$cell]
    if {$found eq ""} { error "dont_use: the libraries have no cell $cell" }
    set_dont_use $found
  }
}

# Ends the tool with the status of cw_main. Its own way with a script's error is to wait at its
# prompt.
proc cw_run {settings} {
  if {[catch {
    uplevel #0 [list source $settings]
    cw_main
  } message details]} {
    puts stderr [dict get $details -errorinfo]
    exit 1
  }
  exit 0
}

