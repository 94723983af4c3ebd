/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* An accelerator behind the functions of the board support package, for a test that runs an
 * exported application on the host. It computes nothing: a run takes the arena from
 * vectors/expected.bin, if the application has given it the program and this run's input, and has
 * flushed them. Programs of one stage. In the environment SPOILED_BYTE is a byte of the output to
 * spoil in the last run.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_board.h"
#include "config_fw.h"
#include "cw_regs.h"
#include "xil_cache.h"
#include "xil_io.h"
#include "xil_printf.h"
#include "xtime_l.h"

static u32 registers[CW_REGS_WINDOW_BYTES / 4];
static u32 runs;
static bool program_is_flushed;
static bool input_is_flushed;

static _Noreturn void fail(const char* what) {
  printf("accelerator: %s\n", what);
  exit(3);
}

static void* load(const char* path, size_t record, size_t bytes) {
  void* data = malloc(bytes);
  FILE* file = fopen(path, "rb");
  if (data == NULL || file == NULL || fseek(file, (long)(record * bytes), SEEK_SET) != 0 ||
      fread(data, 1, bytes, file) != bytes) {
    fail(path);
  }
  fclose(file);
  return data;
}

static unsigned char* memory(u32 low) {
  const u64 address = (u64)registers[low / 4 + 1] << 32 | registers[low / 4];
  return (unsigned char*)(uintptr_t)address;
}

static void require_equal(const char* path, size_t record, const void* got, size_t bytes) {
  void* expected = load(path, record, bytes);
  if (memcmp(got, expected, bytes) != 0) {
    fail("another program or input than that of vectors/");
  }
  free(expected);
}

static void run(void) {
  unsigned char* arena = memory(CW_REGS_ARENA_ADDR_LO_OFFSET);
  if (!program_is_flushed || !input_is_flushed) {
    fail("program or input is in the processor's cache only");
  }
  if (registers[CW_REGS_ARENA_BYTES_OFFSET / 4] != CW_MODEL_ARENA_BYTES ||
      registers[CW_REGS_PROGRAM_BYTES_OFFSET / 4] != CW_MODEL_PROGRAM_BYTES) {
    fail("windows of other sizes");
  }
  require_equal("vectors/program.bin", 0, memory(CW_REGS_PROGRAM_ADDR_LO_OFFSET),
                CW_MODEL_PROGRAM_BYTES);
  require_equal("vectors/inputs.bin", runs, arena + CW_MODEL_INPUT_OFFSET, CW_MODEL_INPUT_BYTES);
  void* expected = load("vectors/expected.bin", runs, CW_MODEL_ARENA_BYTES);
  memcpy(arena, expected, CW_MODEL_ARENA_BYTES);
  free(expected);
  runs++;
  const char* spoiled = getenv("SPOILED_BYTE");
  if (spoiled != NULL && runs == CW_MODEL_RUNS) {
    arena[CW_MODEL_OUTPUT_OFFSET + (size_t)atol(spoiled)] ^= 1u;
  }
  input_is_flushed = false;
  registers[CW_REGS_IRQ_STATUS_OFFSET / 4] |= CW_REGS_IRQ_STATUS_DONE_MASK;
  registers[CW_REGS_STATUS_OFFSET / 4] = CW_REGS_STATUS_DONE_MASK;
}

static u32* at(UINTPTR address) {
  const UINTPTR offset = address - CW_BOARD_REGISTERS;
  if (address < CW_BOARD_REGISTERS || offset >= CW_REGS_WINDOW_BYTES || offset % 4 != 0) {
    fail("an access outside of the registers");
  }
  return &registers[offset / 4];
}

u32 Xil_In32(UINTPTR Addr) {
  registers[CW_REGS_ID_OFFSET / 4] = CW_REGS_ID_RESET;
  registers[CW_REGS_VERSION_OFFSET / 4] = CW_REGS_VERSION_RESET;
  registers[CW_REGS_HW_HASH_OFFSET / 4] = CW_MODEL_HARDWARE_HASH;
  registers[CW_REGS_CAPS_OFFSET / 4] =
      MOCK_ROWS << CW_REGS_CAPS_ROWS_SHIFT | MOCK_PIXEL_BITS << CW_REGS_CAPS_PIXEL_BITS_SHIFT;
  return *at(Addr);
}

void Xil_Out32(UINTPTR Addr, u32 Value) {
  u32* word = at(Addr);
  if (word == &registers[CW_REGS_IRQ_STATUS_OFFSET / 4]) {
    *word &= ~Value;
    return;
  }
  *word = Value;
  if (word == &registers[CW_REGS_CTRL_OFFSET / 4] && (Value & CW_REGS_CTRL_START_MASK) != 0) {
    run();
  }
}

void Xil_DCacheFlushRange(INTPTR adr, INTPTR len) {
  /* The program is flushed once, whole, before there is an arena. */
  program_is_flushed = program_is_flushed || len >= (INTPTR)CW_MODEL_PROGRAM_BYTES;
  input_is_flushed = input_is_flushed || len >= (INTPTR)CW_MODEL_INPUT_BYTES;
  (void)adr;
}

void Xil_DCacheInvalidateRange(INTPTR adr, INTPTR len) {
  (void)adr;
  (void)len;
}

void XTime_GetTime(XTime* Xtime_Global) {
  static XTime now;
  now += COUNTS_PER_SECOND / 1000U;
  *Xtime_Global = now;
}

void xil_printf(const char* ctrl1, ...) {
  va_list arguments;
  va_start(arguments, ctrl1);
  vprintf(ctrl1, arguments);
  va_end(arguments);
}
