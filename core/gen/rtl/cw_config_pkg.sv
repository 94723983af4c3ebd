// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

// The package cw_config_pkg of a script that Hardware.export() has written config_hw.svh for. FuseSoC
// does without: its generator gives each configuration a package of its own.
// verilator lint_off DECLFILENAME  // The package's text stands in the included file.
`include "config_hw.svh"
// verilator lint_on DECLFILENAME
