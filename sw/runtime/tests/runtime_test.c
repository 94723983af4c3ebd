/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* The runtime against a mock accelerator. `runtime_test PROGRAM NAME` runs one test on the program
 * in the file PROGRAM; test_runtime.py builds it, writes the program and knows the names.
 * Exit status 0: passed; 1: a check failed, with its line; 2: usage. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cw_model.h"
#include "cw_program.h"
#include "cw_regs.h"
#include "cw_runtime.h"

#define HASH 0xC0FFEE01u
#define PROGRAM_BUS UINT64_C(0x1200000040)
#define ARENA_BUS UINT64_C(0x0380000000)

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

/* ---- the mock ---- */

/* What the mock does some polls after the start. */
typedef enum ending { END_DONE, END_ERROR, END_NEVER, END_NEVER_STOPS } ending_t;

static struct {
  uint32_t registers[CW_REGS_WINDOW_BYTES / 4u];
  ending_t ending;
  uint32_t error_code;
  uint32_t polls_until_end;
  uint32_t polls;
  uint32_t starts;
  uint32_t aborts;
  uint32_t waits;
  bool interrupt_enabled_at_start;
  bool interrupts_come;
  bool running;
  uint64_t clock;
  /* caches: what was flushed since the last start, what was invalidated since the last end */
  const uint8_t* flushed[16];
  size_t flushed_bytes[16];
  uint32_t flushes;
  const uint8_t* invalidated;
  size_t invalidated_bytes;
  bool flush_while_running;
  cw_memory_t program;
  cw_memory_t arena;
  uint32_t mapped_arena_bytes;
  uint32_t unmaps;
  char printed[512];
} mock;

static void end_run(void) {
  const bool error = mock.ending == END_ERROR;
  mock.running = false;
  mock.registers[CW_REGS_STATUS_OFFSET / 4u] =
      CW_REGS_STATUS_DONE_MASK |
      (error ? CW_REGS_STATUS_ERROR_MASK | mock.error_code << CW_REGS_STATUS_ERROR_CODE_SHIFT |
                   5u << CW_REGS_STATUS_LAYER_SHIFT
             : 0u);
  mock.registers[CW_REGS_ERROR_INFO_OFFSET / 4u] = error ? 0x1234u : 0u;
  mock.registers[CW_REGS_IRQ_STATUS_OFFSET / 4u] =
      error ? CW_REGS_IRQ_STATUS_ERROR_MASK : CW_REGS_IRQ_STATUS_DONE_MASK;
  mock.registers[CW_REGS_CYCLES_LO_OFFSET / 4u] = 0x89ABCDEFu;
  mock.registers[CW_REGS_CYCLES_HI_OFFSET / 4u] = 0x2u;
}

static uint32_t mock_read32(void* context, uint32_t offset) {
  CHECK(context == &mock);
  CHECK(offset % 4u == 0 && offset < CW_REGS_WINDOW_BYTES);
  if (offset == CW_REGS_IRQ_STATUS_OFFSET && mock.running) {
    mock.polls++;
    if ((mock.ending == END_DONE || mock.ending == END_ERROR) &&
        mock.polls > mock.polls_until_end) {
      end_run();
    }
  }
  if (offset == CW_REGS_PERF_DATA_OFFSET) {
    return 1000u + mock.registers[CW_REGS_PERF_INDEX_OFFSET / 4u];
  }
  return mock.registers[offset / 4u];
}

static void mock_write32(void* context, uint32_t offset, uint32_t value) {
  CHECK(context == &mock);
  CHECK(offset % 4u == 0 && offset < CW_REGS_WINDOW_BYTES);
  if (offset == CW_REGS_IRQ_STATUS_OFFSET) {
    mock.registers[offset / 4u] &= ~value;
    return;
  }
  if (offset != CW_REGS_CTRL_OFFSET) {
    mock.registers[offset / 4u] = value;
    return;
  }
  if ((value & CW_REGS_CTRL_START_MASK) != 0) {
    CHECK(mock.registers[CW_REGS_IRQ_STATUS_OFFSET / 4u] == 0);
    mock.starts++;
    mock.polls = 0;
    mock.running = true;
    mock.interrupt_enabled_at_start = (value & CW_REGS_CTRL_IRQ_ENABLE_MASK) != 0;
    mock.registers[CW_REGS_STATUS_OFFSET / 4u] = CW_REGS_STATUS_BUSY_MASK;
  }
  if ((value & CW_REGS_CTRL_ABORT_MASK) != 0) {
    mock.aborts++;
    if (mock.ending != END_NEVER_STOPS) {
      mock.running = false;
      mock.registers[CW_REGS_STATUS_OFFSET / 4u] = CW_REGS_STATUS_DONE_MASK;
      mock.registers[CW_REGS_IRQ_STATUS_OFFSET / 4u] = CW_REGS_IRQ_STATUS_ERROR_MASK;
    }
  }
}

static void mock_flush(void* context, const void* data, size_t bytes) {
  CHECK(context == &mock && mock.flushes < 16u);
  mock.flush_while_running = mock.flush_while_running || mock.running;
  mock.flushed[mock.flushes] = (const uint8_t*)data;
  mock.flushed_bytes[mock.flushes++] = bytes;
}

static void mock_invalidate(void* context, void* data, size_t bytes) {
  CHECK(context == &mock && !mock.running);
  mock.invalidated = (const uint8_t*)data;
  mock.invalidated_bytes = bytes;
}

static bool mock_wait_interrupt(void* context, uint32_t timeout_us) {
  CHECK(context == &mock && timeout_us != 0);
  mock.waits++;
  if (mock.interrupts_come) {
    mock.clock += 3;
    return true;
  }
  mock.clock += timeout_us;
  return false;
}

static uint64_t mock_microseconds(void* context) {
  CHECK(context == &mock);
  return mock.clock++;
}

static bool mock_map(void* context, cw_region_t region, uint32_t bytes, cw_memory_t* memory) {
  CHECK(context == &mock);
  if (region == CW_REGION_ARENA) {
    mock.mapped_arena_bytes = bytes;
  }
  *memory = region == CW_REGION_PROGRAM ? mock.program : mock.arena;
  return memory->data != NULL;
}

static void mock_unmap(void* context, cw_region_t region, const cw_memory_t* memory) {
  CHECK(context == &mock);
  CHECK(memory->data == (region == CW_REGION_PROGRAM ? mock.program.data : mock.arena.data));
  mock.unmaps++;
}

static void mock_print(void* context, const char* text) {
  CHECK(context == &mock);
  CHECK(strlen(mock.printed) + strlen(text) < sizeof mock.printed);
  strcat(mock.printed, text);
}

static cw_hal_t hal = {&mock,           mock_read32,         mock_write32,      mock_flush,
                       mock_invalidate, mock_wait_interrupt, mock_microseconds, mock_map,
                       mock_unmap,      mock_print};

const cw_hal_t* cw_platform_hal(void) { return &hal; }

/* ---- what every test starts from ---- */

static cw_t cw;

static uint32_t word(uint32_t index) {
  const uint8_t* b = mock.program.data + 4u * index;
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Changes a header word and makes the header's CRC right again. */
static void set_word(uint32_t index, uint32_t value) {
  for (uint32_t i = 0; i < 4u; i++) {
    mock.program.data[4u * index + i] = (uint8_t)(value >> (8u * i));
  }
  if (index != CW_HEADER_HEADER_CRC_WORD) {
    set_word(CW_HEADER_HEADER_CRC_WORD,
             cw_crc32(0, mock.program.data, CW_HEADER_HEADER_CRC_WORD * 4u));
  }
}

static void reset_mock(const char* path) {
  FILE* file = fopen(path, "rb");
  CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  const long bytes = ftell(file);
  rewind(file);
  mock.program.data = (uint8_t*)malloc((size_t)bytes);
  mock.program.bytes = (uint32_t)bytes;
  mock.program.bus_address = PROGRAM_BUS;
  CHECK(mock.program.data != NULL &&
        fread(mock.program.data, 1, (size_t)bytes, file) == (size_t)bytes);
  fclose(file);
  mock.arena.bytes = word(CW_HEADER_ARENA_BYTES_WORD);
  mock.arena.data = (uint8_t*)malloc(mock.arena.bytes);
  mock.arena.bus_address = ARENA_BUS;
  mock.registers[CW_REGS_ID_OFFSET / 4u] = CW_REGS_ID_RESET;
  mock.registers[CW_REGS_VERSION_OFFSET / 4u] = CW_REGS_VERSION_RESET;
  mock.registers[CW_REGS_HW_HASH_OFFSET / 4u] = HASH;
  mock.registers[CW_REGS_PERF_LAYERS_OFFSET / 4u] = 2;
  mock.registers[CW_REGS_IRQ_STATUS_OFFSET / 4u] = CW_REGS_IRQ_STATUS_DONE_MASK; /* an old one */
  mock.interrupts_come = true;
  mock.polls_until_end = 3;
}

static void load(void) {
  CHECK(cw_init(&cw, &hal) == CW_OK);
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_OK);
}

/* ---- tests ---- */

static void init_checks_identity(void) {
  mock.registers[CW_REGS_ID_OFFSET / 4u] ^= 1u;
  CHECK(cw_init(&cw, &hal) == CW_NO_DEVICE);
}

static void init_refuses_other_major_version(void) {
  mock.registers[CW_REGS_VERSION_OFFSET / 4u] += 1u << CW_REGS_VERSION_MAJOR_SHIFT;
  CHECK(cw_init(&cw, &hal) == CW_NO_DEVICE);
}

static void init_accepts_newer_minor_version(void) {
  mock.registers[CW_REGS_VERSION_OFFSET / 4u] += 1u;
  CHECK(cw_init(&cw, &hal) == CW_OK);
}

static void init_refuses_null_and_incomplete_hal(void) {
  CHECK(cw_init(NULL, &hal) == CW_ARGUMENT);
  CHECK(cw_init(&cw, NULL) == CW_ARGUMENT);
  hal.flush = NULL;
  CHECK(cw_init(&cw, &hal) == CW_ARGUMENT);
}

static void load_accepts_a_good_program(void) {
  load();
  CHECK(cw_input(&cw) == mock.arena.data + word(CW_HEADER_INPUT_OFFSET_WORD));
  CHECK(cw_output(&cw) == mock.arena.data + word(CW_HEADER_OUTPUT_OFFSET_WORD));
  CHECK(cw_input_bytes(&cw) == word(CW_HEADER_INPUT_BYTES_WORD));
  CHECK(cw_output_bytes(&cw) == word(CW_HEADER_OUTPUT_BYTES_WORD));
  CHECK(cw_batch(&cw) == word(CW_HEADER_BATCH_WORD));
  CHECK(cw_layers(&cw) == word(CW_HEADER_LAYERS_WORD));
  /* Program and arena are visible to the accelerator. */
  CHECK(mock.flushes == 2);
  CHECK(mock.flushed[0] == mock.program.data && mock.flushed_bytes[0] == mock.program.bytes);
  CHECK(mock.flushed[1] == mock.arena.data && mock.flushed_bytes[1] == mock.arena.bytes);
}

static void load_finds_every_flipped_bit(void) {
  CHECK(cw_init(&cw, &hal) == CW_OK);
  for (uint32_t bit = 0; bit < 8u * mock.program.bytes; bit++) {
    mock.program.data[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
    const cw_status_t status = cw_load(&cw, &mock.program, &mock.arena);
    CHECK(status == (bit < 32u ? CW_BAD_PROGRAM : CW_CORRUPTED));
    CHECK(cw_input(&cw) == NULL && cw_output(&cw) == NULL && cw_batch(&cw) == 0);
    mock.program.data[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
  }
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_OK);
}

static void load_refuses_other_version(void) {
  CHECK(cw_init(&cw, &hal) == CW_OK);
  set_word(CW_HEADER_VERSION_WORD, CW_PROGRAM_VERSION + 1u);
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_BAD_PROGRAM);
}

static void load_refuses_other_hardware(void) {
  CHECK(cw_init(&cw, &hal) == CW_OK);
  set_word(CW_HEADER_HARDWARE_HASH_WORD, HASH + 1u);
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_WRONG_HARDWARE);
}

static void load_refuses_bad_lengths(void) {
  static const struct {
    uint32_t field;
    uint32_t value;
  } cases[] = {
      {CW_HEADER_PROGRAM_BYTES_WORD, 0xFFFFFFFFu},
      {CW_HEADER_PROGRAM_BYTES_WORD, CW_HEADER_BYTES - 1u},
      {CW_HEADER_LAYERS_WORD, 0},
      {CW_HEADER_LAYERS_WORD, 0x01000001u}, /* times 256 wraps around */
      {CW_HEADER_DESCRIPTOR_OFFSET_WORD, 0},
      {CW_HEADER_DESCRIPTOR_OFFSET_WORD, 0xFFFFFF80u},
      {CW_HEADER_INPUT_OFFSET_WORD, 0xFFFFFFF0u},
      {CW_HEADER_INPUT_BYTES_WORD, 0xFFFFFFFFu},
      {CW_HEADER_OUTPUT_OFFSET_WORD, 0xFFFFFFFFu},
      {CW_HEADER_OUTPUT_BYTES_WORD, 0x7FFFFFFFu},
      {CW_HEADER_ARENA_BYTES_WORD, 1},
  };
  CHECK(cw_init(&cw, &hal) == CW_OK);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const uint32_t before = word(cases[i].field);
    set_word(cases[i].field, cases[i].value);
    CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_BAD_PROGRAM);
    set_word(cases[i].field, before);
  }
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_OK);
}

static void load_refuses_truncated_program(void) {
  CHECK(cw_init(&cw, &hal) == CW_OK);
  for (uint32_t bytes = 0; bytes < mock.program.bytes; bytes += 7u) {
    cw_memory_t shorter = mock.program;
    shorter.bytes = bytes;
    CHECK(cw_load(&cw, &shorter, &mock.arena) == CW_BAD_PROGRAM);
  }
}

static void load_refuses_small_arena(void) {
  CHECK(cw_init(&cw, &hal) == CW_OK);
  mock.arena.bytes--;
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_MEMORY);
}

static void load_refuses_null_and_misaligned(void) {
  CHECK(cw_init(&cw, &hal) == CW_OK);
  cw_memory_t bad = mock.program;
  CHECK(cw_load(&cw, NULL, &mock.arena) == CW_ARGUMENT);
  CHECK(cw_load(&cw, &mock.program, NULL) == CW_ARGUMENT);
  bad.bus_address += 32u;
  CHECK(cw_load(&cw, &bad, &mock.arena) == CW_ARGUMENT);
  bad = mock.arena;
  bad.bus_address += 8u;
  CHECK(cw_load(&cw, &mock.program, &bad) == CW_ARGUMENT);
  bad.data = NULL;
  CHECK(cw_load(&cw, &mock.program, &bad) == CW_ARGUMENT);
}

static void run_needs_a_loaded_program(void) {
  CHECK(cw_init(&cw, &hal) == CW_OK);
  CHECK(cw_run(&cw) == CW_NOT_LOADED);
  CHECK(cw_run(NULL) == CW_ARGUMENT);
  CHECK(mock.starts == 0);
}

static void run_programs_windows_and_caches(void) {
  load();
  mock.flushes = 0;
  CHECK(cw_run(&cw) == CW_OK);
  CHECK(mock.starts == 1 && mock.interrupt_enabled_at_start && mock.waits > 0);
  CHECK(mock.registers[CW_REGS_PROGRAM_ADDR_LO_OFFSET / 4u] == (uint32_t)PROGRAM_BUS);
  CHECK(mock.registers[CW_REGS_PROGRAM_ADDR_HI_OFFSET / 4u] == (uint32_t)(PROGRAM_BUS >> 32));
  CHECK(mock.registers[CW_REGS_PROGRAM_BYTES_OFFSET / 4u] == mock.program.bytes);
  CHECK(mock.registers[CW_REGS_ARENA_ADDR_LO_OFFSET / 4u] == (uint32_t)ARENA_BUS);
  CHECK(mock.registers[CW_REGS_ARENA_ADDR_HI_OFFSET / 4u] == (uint32_t)(ARENA_BUS >> 32));
  CHECK(mock.registers[CW_REGS_ARENA_BYTES_OFFSET / 4u] == mock.arena.bytes);
  CHECK(!mock.flush_while_running && mock.flushes == 2);
  CHECK(mock.flushed[0] == cw_input(&cw) && mock.flushed_bytes[0] == cw_input_bytes(&cw));
  CHECK(mock.flushed[1] == cw_output(&cw) && mock.flushed_bytes[1] == cw_output_bytes(&cw));
  CHECK(mock.invalidated == cw_output(&cw) && mock.invalidated_bytes == cw_output_bytes(&cw));
  CHECK(cw.cycles == UINT64_C(0x289ABCDEF));
  CHECK(mock.registers[CW_REGS_IRQ_STATUS_OFFSET / 4u] == 0);
  /* And again, with nothing left over. */
  CHECK(cw_run(&cw) == CW_OK && mock.starts == 2);
}

static void run_polls_without_interrupt(void) {
  hal.wait_interrupt = NULL;
  load();
  CHECK(cw_run(&cw) == CW_OK);
  CHECK(!mock.interrupt_enabled_at_start && mock.waits == 0 && mock.polls > 3);
}

static void run_survives_a_lost_interrupt(void) {
  load();
  mock.interrupts_come = false; /* the wait ends by its timeout, yet the run has ended */
  mock.polls_until_end = 1;
  CHECK(cw_run(&cw) == CW_OK);
}

static void run_times_out_and_aborts(void) {
  load();
  mock.ending = END_NEVER;
  mock.interrupts_come = false;
  CHECK(cw_set_timeout(&cw, 0) == CW_ARGUMENT);
  CHECK(cw_set_timeout(&cw, 500) == CW_OK);
  const uint64_t start = mock.clock;
  CHECK(cw_run(&cw) == CW_TIMEOUT);
  CHECK(mock.clock - start >= 500 && mock.clock - start < 700);
  CHECK(mock.aborts == 1);
  /* The next run is a good one. */
  mock.ending = END_DONE;
  mock.interrupts_come = true;
  CHECK(cw_run(&cw) == CW_OK);
}

static void polling_times_out_too(void) {
  hal.wait_interrupt = NULL;
  load();
  mock.ending = END_NEVER;
  CHECK(cw_set_timeout(&cw, 500) == CW_OK);
  CHECK(cw_run(&cw) == CW_TIMEOUT);
  CHECK(mock.aborts == 1);
}

static void run_gives_up_on_hardware_that_does_not_stop(void) {
  load();
  mock.ending = END_NEVER_STOPS;
  mock.interrupts_come = false;
  CHECK(cw_set_timeout(&cw, 500) == CW_OK);
  CHECK(cw_run(&cw) == CW_TIMEOUT);
  CHECK(cw_run(&cw) == CW_BUSY);
  CHECK(mock.starts == 1);
}

static void run_reports_every_error_code(void) {
  load();
  mock.ending = END_ERROR;
  for (uint32_t code = 0; code < 256u; code++) {
    mock.error_code = code;
    mock.flushes = 0;
    const cw_status_t status = cw_run(&cw);
    const bool known = code >= CW_ERROR_BAD_PROGRAM && code <= CW_ERROR_ABORTED;
    CHECK(status == (known ? (cw_status_t)code : CW_UNKNOWN_ERROR));
    CHECK(cw.error_code == code && cw.error_info == 0x1234u && cw.error_layer == 5u);
  }
}

static void layer_cycles_come_in_order(void) {
  uint32_t cycles[CW_CYCLES_WORDS];
  load();
  CHECK(cw_layer_cycles(&cw, 1, cycles) == CW_OK);
  for (uint32_t i = 0; i < CW_CYCLES_WORDS; i++) {
    CHECK(cycles[i] == 1000u + CW_CYCLES_WORDS + i);
  }
  CHECK(cw_layer_cycles(&cw, 2, cycles) == CW_ARGUMENT);
  CHECK(cw_layer_cycles(&cw, 0, NULL) == CW_ARGUMENT);
}

static void watchdog_is_written(void) {
  load();
  CHECK(cw_set_watchdog(&cw, 4711) == CW_OK);
  CHECK(mock.registers[CW_REGS_WATCHDOG_OFFSET / 4u] == 4711);
}

static void crc_is_that_of_zlib(void) {
  CHECK(cw_crc32(0, "123456789", 9) == 0xCBF43926u);
  CHECK(cw_crc32(cw_crc32(0, "1234", 4), "56789", 5) == 0xCBF43926u);
  CHECK(cw_crc32(0, "", 0) == 0);
}

static void every_status_has_its_name(void) {
  CHECK(strcmp(cw_status_string(CW_OK), "OK") == 0);
  CHECK(strcmp(cw_status_string((cw_status_t)255), "INVALID_STATUS") == 0);
  int names = 0;
  for (int i = 0; i < 64; i++) {
    for (int j = 0; j < i; j++) {
      const char* a = cw_status_string((cw_status_t)i);
      CHECK(strcmp(a, "INVALID_STATUS") == 0 || strcmp(a, cw_status_string((cw_status_t)j)) != 0);
    }
    names += strcmp(cw_status_string((cw_status_t)i), "INVALID_STATUS") != 0;
  }
  CHECK(names == 18);
}

static void model_layer_runs_and_reports(void) {
  CHECK(hardware_setup() == CW_OK);
  CHECK(model_setup() == CW_OK);
  CHECK(mock.mapped_arena_bytes == mock.arena.bytes);
  CHECK(cw_input(model_context()) != NULL);
  CHECK(model_run() == CW_OK);
  CHECK(strstr(mock.printed, " 10899672559 cycles\n") != NULL);
  hardware_cleanup();
  hardware_cleanup();
  CHECK(mock.unmaps == 2 && cw_input(model_context()) == NULL);
  CHECK(model_run() == CW_NOT_LOADED);
  CHECK(strstr(mock.printed, "model_run: NOT_LOADED\n") != NULL);
}

static void model_layer_needs_memory(void) {
  const cw_memory_t arena = mock.arena;
  CHECK(hardware_setup() == CW_OK);
  mock.arena.data = NULL;
  CHECK(model_setup() == CW_MEMORY);
  mock.arena = arena;
  mock.program.bytes = 3;
  CHECK(model_setup() == CW_BAD_PROGRAM);
}

#define TEST(name) {#name, name}
static const struct {
  const char* name;
  void (*run)(void);
} tests[] = {
    TEST(init_checks_identity),
    TEST(init_refuses_other_major_version),
    TEST(init_accepts_newer_minor_version),
    TEST(init_refuses_null_and_incomplete_hal),
    TEST(load_accepts_a_good_program),
    TEST(load_finds_every_flipped_bit),
    TEST(load_refuses_other_version),
    TEST(load_refuses_other_hardware),
    TEST(load_refuses_bad_lengths),
    TEST(load_refuses_truncated_program),
    TEST(load_refuses_small_arena),
    TEST(load_refuses_null_and_misaligned),
    TEST(run_needs_a_loaded_program),
    TEST(run_programs_windows_and_caches),
    TEST(run_polls_without_interrupt),
    TEST(run_survives_a_lost_interrupt),
    TEST(run_times_out_and_aborts),
    TEST(polling_times_out_too),
    TEST(run_gives_up_on_hardware_that_does_not_stop),
    TEST(run_reports_every_error_code),
    TEST(layer_cycles_come_in_order),
    TEST(watchdog_is_written),
    TEST(crc_is_that_of_zlib),
    TEST(every_status_has_its_name),
    TEST(model_layer_runs_and_reports),
    TEST(model_layer_needs_memory),
};

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: runtime_test PROGRAM NAME\n");
    return 2;
  }
  for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
    if (strcmp(argv[2], tests[i].name) == 0) {
      reset_mock(argv[1]);
      tests[i].run();
      free(mock.program.data);
      free(mock.arena.data);
      return 0;
    }
  }
  fprintf(stderr, "no test %s\n", argv[2]);
  return 2;
}
