/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

#include "cw_model.h"

/* The application's one model; the runtime itself keeps no state outside a cw_t. */
static struct {
  cw_t cw;
  cw_memory_t program;
  cw_memory_t arena;
  bool has_program;
  bool has_arena;
} model;

/* Decimal digits of a uint64_t and the terminating zero. */
#define DECIMAL_BYTES 21

static const char* decimal(uint64_t value, char text[DECIMAL_BYTES]) {
  char* digit = text + DECIMAL_BYTES - 1;
  *digit = '\0';
  do {
    *--digit = (char)('0' + (int)(value % 10u));
    value /= 10u;
  } while (value != 0);
  return digit;
}

static void print(const char* text) {
  if (model.cw.hal->print != NULL) {
    model.cw.hal->print(model.cw.hal->context, text);
  }
}

static cw_status_t report(const char* what, cw_status_t status) {
  if (status != CW_OK && model.cw.hal != NULL) {
    print(what);
    print(": ");
    print(cw_status_string(status));
    print("\n");
  }
  return status;
}

cw_t* model_context(void) { return &model.cw; }

cw_status_t hardware_setup(void) {
  model.has_program = false;
  model.has_arena = false;
  return report("hardware_setup", cw_init(&model.cw, cw_platform_hal()));
}

cw_status_t model_setup(void) {
  const cw_hal_t* hal = model.cw.hal;
  if (hal == NULL) {
    return CW_ARGUMENT;
  }
  hardware_cleanup();
  if (hal->map == NULL || !hal->map(hal->context, CW_REGION_PROGRAM, 0, &model.program)) {
    return report("model_setup: program", CW_MEMORY);
  }
  model.has_program = true;
  uint32_t arena_bytes = 0;
  const cw_status_t status = cw_program_arena_bytes(&model.program, &arena_bytes);
  if (status != CW_OK) {
    return report("model_setup: program", status);
  }
  if (!hal->map(hal->context, CW_REGION_ARENA, arena_bytes, &model.arena)) {
    return report("model_setup: arena", CW_MEMORY);
  }
  model.has_arena = true;
  return report("model_setup", cw_load(&model.cw, &model.program, &model.arena));
}

cw_status_t model_run(void) {
  const cw_hal_t* hal = model.cw.hal;
  if (hal == NULL) {
    return CW_ARGUMENT;
  }
  const uint64_t start = hal->microseconds(hal->context);
  const cw_status_t status = cw_run(&model.cw);
  const uint64_t passed = hal->microseconds(hal->context) - start;
  if (status == CW_OK) {
    char text[DECIMAL_BYTES];
    print("model_run: ");
    print(decimal(cw_batch(&model.cw), text));
    print(" images in ");
    print(decimal(passed, text));
    print(" us, ");
    print(decimal(model.cw.cycles, text));
    print(" cycles\n");
  }
  return report("model_run", status);
}

void hardware_cleanup(void) {
  const cw_hal_t* hal = model.cw.hal;
  model.cw.loaded = false;
  if (hal != NULL && hal->unmap != NULL) {
    if (model.has_arena) {
      hal->unmap(hal->context, CW_REGION_ARENA, &model.arena);
    }
    if (model.has_program) {
      hal->unmap(hal->context, CW_REGION_PROGRAM, &model.program);
    }
  }
  model.has_arena = false;
  model.has_program = false;
}
