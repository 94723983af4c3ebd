/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* Of Vitis' standalone board support package (github.com/Xilinx/embeddedsw, lib/bsp/standalone)
 * what sw/hal/xilinx takes, declared as there. */
#ifndef XIL_TYPES_H
#define XIL_TYPES_H

#include <stdint.h>

typedef uint32_t u32;
typedef uint64_t u64;
typedef intptr_t INTPTR;
typedef uintptr_t UINTPTR;

#endif /* XIL_TYPES_H */
