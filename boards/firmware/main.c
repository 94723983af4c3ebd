/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* Runs all inputs of vectors/ on the accelerator and compares every output bit that is specified.
 * Returns 0 where all are equal. */

#include <string.h>

#include "config_board.h"
#include "config_fw.h"
#include "cw_hal_xilinx.h"
#include "cw_model.h"
#include "cw_vectors.h"
#include "xil_printf.h"

#define LINE_BYTES 64u
#define WHOLE_LINES(bytes) (((bytes) + LINE_BYTES - 1u) / LINE_BYTES * LINE_BYTES)

static _Alignas(LINE_BYTES) uint8_t arena[WHOLE_LINES(CW_MODEL_ARENA_BYTES)];

static cw_xilinx_t platform = {
    .registers = CW_BOARD_REGISTERS,
    .program = cw_vectors_program,
    .program_bytes = CW_MODEL_PROGRAM_BYTES,
    .arena = arena,
    .arena_bytes = sizeof arena,
};
static cw_hal_t hal;

const cw_hal_t* cw_platform_hal(void) { return &hal; }

/* Prints the first byte that differs; false where there is one. */
static bool output_is_right(uint32_t run) {
  const uint8_t* got = cw_output(model_context());
  const uint8_t* expected = cw_vectors_outputs + (size_t)run * CW_MODEL_OUTPUT_BYTES;
  for (uint32_t i = 0; i < CW_MODEL_OUTPUT_BYTES; i++) {
    if (((got[i] ^ expected[i]) & cw_vectors_output_mask[i]) != 0) {
      xil_printf("corewright: run %d, byte %d of the output: expected 0x%x, got 0x%x\r\n", (int)run,
                 (int)i, expected[i], got[i]);
      return false;
    }
  }
  return true;
}

int main(void) {
  hal = cw_xilinx_hal(&platform);
  if (hardware_setup() != CW_OK || model_setup() != CW_OK) {
    return 1;
  }
  for (uint32_t run = 0; run < CW_MODEL_RUNS; run++) {
    const uint8_t* input = cw_vectors_inputs + (size_t)run * CW_MODEL_INPUT_BYTES;
    memcpy(cw_input(model_context()), input, CW_MODEL_INPUT_BYTES);
    if (model_run() != CW_OK || !output_is_right(run)) {
      return 1;
    }
  }
  hardware_cleanup();
  xil_printf("corewright: %d runs, every output bit as expected\r\n", (int)CW_MODEL_RUNS);
  return 0;
}
