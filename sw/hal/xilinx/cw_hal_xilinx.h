/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* HAL for the processors of Zynq-7000 and Zynq UltraScale+ without an operating system, on the
 * standalone board support package of Vitis. The accelerator's ports are not coherent with the
 * caches: flush and invalidate do it. No interrupt: the runtime polls. Addresses of processor and
 * accelerator are the same, so that memory has to be where both see it, in the DDR. */
#ifndef CW_HAL_XILINX_H
#define CW_HAL_XILINX_H

#include "cw_hal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where an accelerator and its memory are. Arrays begin on 64 bytes and fill whole lines of the
 * caches. `program` and `arena` may be empty where the application gives memory to cw_load. */
typedef struct cw_xilinx {
  uintptr_t registers;
  const void* program;
  uint32_t program_bytes;
  void* arena;
  uint32_t arena_bytes;
} cw_xilinx_t;

/* The HAL of the accelerator at `platform`, which must outlive it. */
cw_hal_t cw_xilinx_hal(cw_xilinx_t* platform);

#ifdef __cplusplus
}
#endif

#endif /* CW_HAL_XILINX_H */
