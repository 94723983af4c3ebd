// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors
//
// What every verilated model includes, precompiled once: it takes longer than a small model.

#include "verilated.h"
#include "verilated_dpi.h"
#include "verilated_vpi.h"
