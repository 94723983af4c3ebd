/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

#include "cw_hal_xilinx.h"

#include "xil_cache.h"
#include "xil_io.h"
#include "xil_printf.h"
#include "xpseudo_asm.h"
#include "xtime_l.h"

/* The length of a range has another type in each package: a number that fits all of them. */
#define MAX_RANGE_BYTES 0x40000000u
#define MICROSECONDS 1000000u

static uint32_t read32(void* context, uint32_t offset) {
  const cw_xilinx_t* platform = (const cw_xilinx_t*)context;
  return Xil_In32((UINTPTR)(platform->registers + offset));
}

static void write32(void* context, uint32_t offset, uint32_t value) {
  const cw_xilinx_t* platform = (const cw_xilinx_t*)context;
  /* Memory writes before it are done: a start must not overtake them. */
  dsb();
  Xil_Out32((UINTPTR)(platform->registers + offset), value);
}

static void flush(void* context, const void* data, size_t bytes) {
  uintptr_t address = (uintptr_t)data;
  (void)context;
  while (bytes != 0) {
    const size_t part = bytes < MAX_RANGE_BYTES ? bytes : MAX_RANGE_BYTES;
    Xil_DCacheFlushRange((INTPTR)address, (u32)part);
    address += part;
    bytes -= part;
  }
}

static void invalidate(void* context, void* data, size_t bytes) {
  uintptr_t address = (uintptr_t)data;
  (void)context;
  while (bytes != 0) {
    const size_t part = bytes < MAX_RANGE_BYTES ? bytes : MAX_RANGE_BYTES;
    Xil_DCacheInvalidateRange((INTPTR)address, (u32)part);
    address += part;
    bytes -= part;
  }
}

static uint64_t microseconds(void* context) {
  XTime now = 0;
  (void)context;
  XTime_GetTime(&now);
  /* Seconds apart: the product of the whole would overflow within days. */
  const uint64_t seconds = now / COUNTS_PER_SECOND;
  const uint64_t rest = now % COUNTS_PER_SECOND;
  return seconds * MICROSECONDS + rest * MICROSECONDS / COUNTS_PER_SECOND;
}

static bool map(void* context, cw_region_t region, uint32_t bytes, cw_memory_t* memory) {
  const cw_xilinx_t* platform = (const cw_xilinx_t*)context;
  if (region == CW_REGION_PROGRAM) {
    /* The runtime only reads it; cw_memory_t is also the arena's type. */
    memory->data = (uint8_t*)(uintptr_t)platform->program;
    memory->bytes = platform->program_bytes;
  } else {
    memory->data = (uint8_t*)platform->arena;
    memory->bytes = platform->arena_bytes;
  }
  memory->bus_address = (uint64_t)(uintptr_t)memory->data;
  return memory->data != NULL && memory->bytes >= bytes;
}

static void print(void* context, const char* text) {
  (void)context;
  xil_printf("%s", text);
}

cw_hal_t cw_xilinx_hal(cw_xilinx_t* platform) {
  cw_hal_t hal;
  hal.context = platform;
  hal.read32 = read32;
  hal.write32 = write32;
  hal.flush = flush;
  hal.invalidate = invalidate;
  hal.wait_interrupt = NULL;
  hal.microseconds = microseconds;
  hal.map = map;
  hal.unmap = NULL;
  hal.print = print;
  return hal;
}
