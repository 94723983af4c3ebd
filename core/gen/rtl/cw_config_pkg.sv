// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

// The package cw_config_pkg of the system that is being built. Its text is generated for the top
// core, which every file list has behind its users; an include file has no place in that order.
// verilator lint_off DECLFILENAME  // The package's text stands in the included file.
`include "config_hw.svh"
// verilator lint_on DECLFILENAME
