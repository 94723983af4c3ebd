/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* HAL for simulation: firmware runs as a coroutine on its own stack. A register access or a wait
 * is a request that yields to the simulator, which steps the coroutine when it has the answer, so
 * the firmware's source is that of every other platform and no simulator needs time-consuming
 * DPI tasks. One simulated accelerator a process. Not part of a product. */
#ifndef CW_HAL_SIM_H
#define CW_HAL_SIM_H

#include "cw_hal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the firmware asks for; cw_bench_pkg.sv has the same numbers. */
enum {
  CW_SIM_READ = 0,
  CW_SIM_WRITE = 1,
  CW_SIM_WAIT_INTERRUPT = 2, /* data: cycles after which the wait ends without */
  CW_SIM_FINISHED = 3,       /* data: what the entry function returned */
  CW_SIM_ARM = 4             /* data: see cw_sim_arm; answered at once */
};

/* Why the simulator steps the firmware. */
enum {
  CW_SIM_START = 0,     /* the first step */
  CW_SIM_COMPLETED = 1, /* the bus access is done */
  CW_SIM_INTERRUPT = 2,
  CW_SIM_TIMEOUT = 3,
  CW_SIM_HANG = 4, /* nothing moves any more: the hang function is called on the firmware's stack */
  CW_SIM_EVENT = 5 /* during a wait: the event function is called so, and the wait ends early */
};

typedef struct cw_sim_request {
  int kind;
  uint32_t address;
  uint32_t data;
} cw_sim_request_t;

/* What runs: `entry` is the firmware; `on_hang` may read registers; its end is the program's.
 * `on_event` is what an interrupt handler of the platform would do. */
typedef struct cw_sim_program {
  int (*entry)(void);
  int (*on_hang)(void);
  void (*on_event)(void);
  cw_memory_t program;
  cw_memory_t arena;
  uint32_t cycles_per_microsecond;
} cw_sim_program_t;

/* Prepares `program`; false when there is no memory for its stack. */
bool cw_sim_prepare(const cw_sim_program_t* program);

/* Lets the firmware run until its next request. `cycle` is the simulated time, `data` what was
 * read. Behind CW_SIM_FINISHED every further step answers CW_SIM_FINISHED again. */
cw_sim_request_t cw_sim_step(int event, uint32_t data, uint64_t cycle);

/* From the firmware: a run begins, or is over. `cycles`: of it until the bench's event, 0: none. */
void cw_sim_arm(uint32_t cycles);

/* The HAL, from cw_platform_hal(): see cw_model.h. */
const cw_hal_t* cw_platform_hal(void);

#ifdef __cplusplus
}
#endif

#endif /* CW_HAL_SIM_H */
