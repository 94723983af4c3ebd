/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

#include "cw_hal_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#define STACK_BYTES ((size_t)1 << 20)

/* The simulator has one thread and this process one accelerator. */
static struct {
  cw_sim_program_t program;
  ucontext_t simulator;
  ucontext_t firmware;
  char* stack;
  cw_sim_request_t request;
  int event;
  uint32_t data;
  uint64_t cycle;
  bool started;
} sim;

/* Called on the firmware's stack; returns when the simulator steps again. */
static void yield(int kind, uint32_t address, uint32_t data) {
  sim.request.kind = kind;
  sim.request.address = address;
  sim.request.data = data;
  swapcontext(&sim.firmware, &sim.simulator);
}

static void finish(int code) {
  for (;;) {
    yield(CW_SIM_FINISHED, 0, (uint32_t)code);
  }
}

void cw_sim_arm(uint32_t cycles) { yield(CW_SIM_ARM, 0, cycles); }

static void coroutine(void) { finish(sim.program.entry()); }

bool cw_sim_prepare(const cw_sim_program_t* program) {
  sim.program = *program;
  sim.started = false;
  if (sim.stack == NULL) {
    sim.stack = (char*)malloc(STACK_BYTES);
  }
  return sim.stack != NULL;
}

cw_sim_request_t cw_sim_step(int event, uint32_t data, uint64_t cycle) {
  sim.event = event;
  sim.data = data;
  sim.cycle = cycle;
  if (!sim.started) {
    sim.started = true;
    getcontext(&sim.firmware);
    sim.firmware.uc_stack.ss_sp = sim.stack;
    sim.firmware.uc_stack.ss_size = STACK_BYTES;
    sim.firmware.uc_link = NULL;
    makecontext(&sim.firmware, coroutine, 0);
  }
  swapcontext(&sim.simulator, &sim.firmware);
  return sim.request;
}

static uint32_t sim_read32(void* context, uint32_t offset) {
  (void)context;
  yield(CW_SIM_READ, offset, 0);
  return sim.data;
}

static void sim_write32(void* context, uint32_t offset, uint32_t value) {
  (void)context;
  yield(CW_SIM_WRITE, offset, value);
}

/* The memory model has no caches. */
static void sim_flush(void* context, const void* data, size_t bytes) {
  (void)context;
  (void)data;
  (void)bytes;
}

static void sim_invalidate(void* context, void* data, size_t bytes) {
  (void)context;
  (void)data;
  (void)bytes;
}

static bool sim_wait_interrupt(void* context, uint32_t timeout_us) {
  (void)context;
  const uint64_t cycles = (uint64_t)timeout_us * sim.program.cycles_per_microsecond;
  yield(CW_SIM_WAIT_INTERRUPT, 0, cycles > UINT32_MAX ? UINT32_MAX : (uint32_t)cycles);
  if (sim.event == CW_SIM_HANG) {
    finish(sim.program.on_hang());
  }
  if (sim.event == CW_SIM_EVENT) {
    sim.program.on_event();
    return false;
  }
  return sim.event == CW_SIM_INTERRUPT;
}

static uint64_t sim_microseconds(void* context) {
  (void)context;
  return sim.cycle / sim.program.cycles_per_microsecond;
}

static bool sim_map(void* context, cw_region_t region, uint32_t bytes, cw_memory_t* memory) {
  (void)context;
  *memory = region == CW_REGION_PROGRAM ? sim.program.program : sim.program.arena;
  return memory->data != NULL && memory->bytes >= bytes;
}

static void sim_print(void* context, const char* text) {
  (void)context;
  fputs(text, stdout);
}

const cw_hal_t* cw_platform_hal(void) {
  static const cw_hal_t hal = {
      NULL,           sim_read32,         sim_write32,      sim_flush,
      sim_invalidate, sim_wait_interrupt, sim_microseconds, sim_map,
      NULL,           sim_print,
  };
  return &hal;
}
