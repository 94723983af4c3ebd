# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# What the stand-ins for tools with a Tcl console share; each sources it, defines the commands of its
# tool in the interpreter ::standin::Script, and ends with `::standin::run MAIN`.

namespace eval ::standin {
  # Where the scripts that are tried run.
  variable Script [interp create]
}

proc ::standin::require {condition message} {
  if {!$condition} { error $message }
}

# Splits the arguments of a command into options, a dict, and other words. `options` are flags, or
# with a colon at the end options with a value; `count` is the least and the greatest number of
# words. Anything else is an error.
proc ::standin::split_arguments {name options count arguments} {
  set option {}
  set words {}
  for {set i 0} {$i < [llength $arguments]} {incr i} {
    set word [lindex $arguments $i]
    if {![regexp {^-[a-z]} $word]} {
      lappend words $word
    } elseif {$word in $options} {
      dict set option $word 1
    } elseif {"$word:" in $options} {
      if {[incr i] >= [llength $arguments]} { error "$name: $word has no value" }
      dict set option $word [lindex $arguments $i]
    } else {
      error "$name: unknown option $word"
    }
  }
  lassign $count least most
  require [expr {[llength $words] >= $least && [llength $words] <= $most}] \
      "$name: [llength $words] arguments, legal are $least to $most"
  return [list $option $words]
}

proc ::standin::contents {path} {
  require [file isfile $path] "no file '$path'"
  set file [open $path]
  set text [read $file]
  close $file
  return $text
}

# Sources a script as the tool does; returns the status that it ends with by `exit`, "" if it ends
# without, and 1, behind its message, if it fails.
proc ::standin::try {path} {
  variable Script
  interp alias $Script exit {} ::standin::leave
  if {[catch {interp eval $Script [list source $path]} message details]} {
    set code [dict get $details -errorcode]
    if {[lrange $code 0 1] eq {STANDIN EXIT}} { return [lindex $code 2] }
    puts stderr [dict get $details -errorinfo]
    return 1
  }
  return ""
}

proc ::standin::leave {{status 0}} {
  return -code error -errorcode [list STANDIN EXIT $status] "exit $status"
}

# Ends the process with the status that a command returns for the process's arguments.
proc ::standin::run {main} {
  variable status
  if {[catch {{*}$main $::argv} status]} {
    puts stderr $status
    set status 1
  }
  flush stdout
  # Python's interpreter has no such command: it reads the variable.
  if {[llength [info commands exit]]} { exit $status }
}
