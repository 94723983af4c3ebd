/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* The runtime against a mock accelerator. `runtime_test PROGRAM NAME` runs one test on the program
 * in the file PROGRAM; test_runtime.py builds it, writes the program and knows the names. For
 * host_operations_match_vectors four arguments follow: ROWS BITS of the accelerator's words, and
 * the files BEFORE (the arena when the first stage has ended) and AFTER (what it has to hold behind
 * the run, and as many bytes more of which bits count).
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
#define CYCLES UINT64_C(0x289ABCDEF) /* of each stage */

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

/* ---- the mock ---- */

#define ROWS 5u
#define PIXEL_BITS 3u
#define MAX_EVENTS 32u

/* What the processor's caches were told, and the starts in between. */
typedef enum event_kind { EVENT_FLUSH, EVENT_INVALIDATE, EVENT_START } event_kind_t;

typedef struct event {
  event_kind_t kind;
  const void* data;
  size_t bytes;
} event_t;

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
  bool interrupt_enabled_at_abort;
  bool interrupts_come;
  bool running;
  uint64_t clock;
  event_t events[MAX_EVENTS];
  uint32_t event_count;
  void (*in_wait)(void); /* what happens while the processor waits, or NULL */
  uint32_t good_starts;  /* ending is END_DONE for so many, whatever it says */
  const uint8_t* result; /* what the first stage leaves in the arena, or NULL */
  cw_memory_t program;
  cw_memory_t arena;
  uint32_t mapped_arena_bytes;
  uint32_t unmaps;
  char printed[512];
} mock;

static void end_run(void) {
  const bool error = mock.ending == END_ERROR && mock.starts > mock.good_starts;
  mock.running = false;
  if (mock.result != NULL && mock.starts == 1) {
    memcpy(mock.arena.data, mock.result, mock.arena.bytes);
  }
  mock.registers[CW_REGS_STATUS_OFFSET / 4u] =
      CW_REGS_STATUS_DONE_MASK |
      (error ? CW_REGS_STATUS_ERROR_MASK | mock.error_code << CW_REGS_STATUS_ERROR_CODE_SHIFT |
                   5u << CW_REGS_STATUS_LAYER_SHIFT
             : 0u);
  mock.registers[CW_REGS_ERROR_INFO_OFFSET / 4u] = error ? 0x1234u : 0u;
  mock.registers[CW_REGS_IRQ_STATUS_OFFSET / 4u] =
      error ? CW_REGS_IRQ_STATUS_ERROR_MASK : CW_REGS_IRQ_STATUS_DONE_MASK;
  mock.registers[CW_REGS_CYCLES_LO_OFFSET / 4u] = (uint32_t)CYCLES;
  mock.registers[CW_REGS_CYCLES_HI_OFFSET / 4u] = (uint32_t)(CYCLES >> 32);
}

static void record(event_kind_t kind, const void* data, size_t bytes) {
  CHECK(!mock.running && mock.event_count < MAX_EVENTS);
  const event_t event = {kind, data, bytes};
  mock.events[mock.event_count++] = event;
}

static bool event_is(uint32_t index, event_kind_t kind, const void* data, size_t bytes) {
  const event_t* event = &mock.events[index];
  return index < mock.event_count && event->kind == kind && event->data == data &&
         event->bytes == bytes;
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
    const uint32_t offset =
        mock.registers[CW_REGS_PROGRAM_ADDR_LO_OFFSET / 4u] - (uint32_t)PROGRAM_BUS;
    CHECK(offset < mock.program.bytes);
    record(EVENT_START, mock.program.data + offset,
           mock.registers[CW_REGS_PROGRAM_BYTES_OFFSET / 4u]);
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
      if (mock.registers[CW_REGS_STATUS_OFFSET / 4u] == CW_REGS_STATUS_BUSY_MASK) {
        mock.registers[CW_REGS_STATUS_OFFSET / 4u] =
            CW_REGS_STATUS_ERROR_MASK | CW_ERROR_ABORTED << CW_REGS_STATUS_ERROR_CODE_SHIFT;
        mock.registers[CW_REGS_IRQ_STATUS_OFFSET / 4u] = CW_REGS_IRQ_STATUS_ERROR_MASK;
        mock.interrupt_enabled_at_abort = (value & CW_REGS_CTRL_IRQ_ENABLE_MASK) != 0;
      }
    }
  }
}

static void mock_flush(void* context, const void* data, size_t bytes) {
  CHECK(context == &mock);
  record(EVENT_FLUSH, data, bytes);
}

static void mock_invalidate(void* context, void* data, size_t bytes) {
  CHECK(context == &mock);
  record(EVENT_INVALIDATE, data, bytes);
}

static bool mock_wait_interrupt(void* context, uint32_t timeout_us) {
  CHECK(context == &mock && timeout_us != 0);
  mock.waits++;
  if (mock.in_wait != NULL) {
    mock.in_wait();
  }
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

static uint32_t word_at(const uint8_t* data, uint32_t index) {
  const uint8_t* b = data + 4u * index;
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void set_word_at(uint8_t* data, uint32_t index, uint32_t value) {
  for (uint32_t i = 0; i < 4u; i++) {
    data[4u * index + i] = (uint8_t)(value >> (8u * i));
  }
}

static uint32_t word(uint32_t index) { return word_at(mock.program.data, index); }

/* Changes a word of the header at `header` and makes the header's CRC right again. */
static void set_header_word(uint8_t* header, uint32_t index, uint32_t value) {
  set_word_at(header, index, value);
  set_word_at(header, CW_HEADER_HEADER_CRC_WORD,
              cw_crc32(0, header, CW_HEADER_HEADER_CRC_WORD * 4u));
}

static void set_word(uint32_t index, uint32_t value) {
  set_header_word(mock.program.data, index, value);
}

static uint8_t* read_file(const char* path, uint32_t* bytes) {
  FILE* file = fopen(path, "rb");
  CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  const long length = ftell(file);
  rewind(file);
  uint8_t* data = (uint8_t*)malloc((size_t)length);
  CHECK(data != NULL && fread(data, 1, (size_t)length, file) == (size_t)length);
  fclose(file);
  *bytes = (uint32_t)length;
  return data;
}

static void set_words(uint32_t rows, uint32_t pixel_bits) {
  mock.registers[CW_REGS_CAPS_OFFSET / 4u] =
      rows << CW_REGS_CAPS_ROWS_SHIFT | pixel_bits << CW_REGS_CAPS_PIXEL_BITS_SHIFT |
      ~(CW_REGS_CAPS_ROWS_MASK | CW_REGS_CAPS_PIXEL_BITS_MASK);
}

static void reset_mock(const char* path) {
  mock.program.data = read_file(path, &mock.program.bytes);
  mock.program.bus_address = PROGRAM_BUS;
  mock.arena.bytes = word(CW_HEADER_ARENA_BYTES_WORD);
  mock.arena.data = (uint8_t*)malloc(mock.arena.bytes);
  mock.arena.bus_address = ARENA_BUS;
  mock.registers[CW_REGS_ID_OFFSET / 4u] = CW_REGS_ID_RESET;
  mock.registers[CW_REGS_VERSION_OFFSET / 4u] = CW_REGS_VERSION_RESET;
  mock.registers[CW_REGS_HW_HASH_OFFSET / 4u] = HASH;
  set_words(ROWS, PIXEL_BITS);
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

static void init_refuses_impossible_words(void) {
  static const uint32_t cases[][2] = {{0, 8}, {8, 0}, {8, 17}, {8, 31}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    set_words(cases[i][0], cases[i][1]);
    CHECK(cw_init(&cw, &hal) == CW_NO_DEVICE);
  }
  set_words(255, 16);
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
  CHECK(cw_stages(&cw) == 1);
  CHECK(mock.event_count == 2);
  CHECK(event_is(0, EVENT_FLUSH, mock.program.data, mock.program.bytes));
  CHECK(event_is(1, EVENT_FLUSH, mock.arena.data, mock.arena.bytes));
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
  CHECK(cw_layers(&cw) == 2 && cw_stages(&cw) == 1);
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
      {CW_HEADER_HOST_OFFSET_WORD, 1},
      {CW_HEADER_HOST_OFFSET_WORD, 0xFFFFFFC0u},
      {CW_HEADER_NEXT_OFFSET_WORD, 0xFFFFFFC0u},
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
  mock.event_count = 0;
  CHECK(cw_run(&cw) == CW_OK);
  CHECK(mock.starts == 1 && mock.interrupt_enabled_at_start && mock.waits > 0);
  CHECK(mock.registers[CW_REGS_PROGRAM_ADDR_LO_OFFSET / 4u] == (uint32_t)PROGRAM_BUS);
  CHECK(mock.registers[CW_REGS_PROGRAM_ADDR_HI_OFFSET / 4u] == (uint32_t)(PROGRAM_BUS >> 32));
  CHECK(mock.registers[CW_REGS_PROGRAM_BYTES_OFFSET / 4u] == mock.program.bytes);
  CHECK(mock.registers[CW_REGS_ARENA_ADDR_LO_OFFSET / 4u] == (uint32_t)ARENA_BUS);
  CHECK(mock.registers[CW_REGS_ARENA_ADDR_HI_OFFSET / 4u] == (uint32_t)(ARENA_BUS >> 32));
  CHECK(mock.registers[CW_REGS_ARENA_BYTES_OFFSET / 4u] == mock.arena.bytes);
  CHECK(mock.event_count == 4);
  CHECK(event_is(0, EVENT_FLUSH, cw_input(&cw), cw_input_bytes(&cw)));
  CHECK(event_is(1, EVENT_FLUSH, cw_output(&cw), cw_output_bytes(&cw)));
  CHECK(event_is(2, EVENT_START, mock.program.data, mock.program.bytes));
  CHECK(event_is(3, EVENT_INVALIDATE, cw_output(&cw), cw_output_bytes(&cw)));
  CHECK(cw.cycles == CYCLES && cw.stage_cycles == CYCLES && cw.stage_layers == 2);
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

static void abort_now(void) {
  mock.in_wait = NULL;
  CHECK(cw_abort(&cw) == CW_OK);
}

static void run_is_aborted_from_outside(void) {
  CHECK(cw_abort(NULL) == CW_ARGUMENT);
  load();
  mock.ending = END_NEVER;
  mock.in_wait = abort_now;
  CHECK(cw_run(&cw) == CW_ABORTED);
  /* Once, and the interrupt that says so still comes. */
  CHECK(mock.aborts == 1 && mock.interrupt_enabled_at_abort);
  CHECK(mock.registers[CW_REGS_IRQ_STATUS_OFFSET / 4u] == 0);
  /* Without a run it does nothing, to the next one either. */
  CHECK(cw_abort(&cw) == CW_OK && mock.aborts == 2);
  mock.ending = END_DONE;
  CHECK(cw_run(&cw) == CW_OK && mock.aborts == 2);
}

/* An abort between the start's decision and the start is not lost: the accelerator was idle. */
static void abort_before_the_start(void) {
  if (mock.starts == 1 && mock.waits == 1) {
    mock.in_wait = NULL;
    cw.abort_requested = true;
  }
}

static void run_repeats_an_abort_that_came_too_early(void) {
  load();
  mock.ending = END_NEVER;
  mock.in_wait = abort_before_the_start;
  CHECK(cw_set_timeout(&cw, 500) == CW_OK);
  CHECK(cw_run(&cw) == CW_ABORTED && mock.aborts == 1);
}

static void reset_now(void) {
  mock.in_wait = NULL;
  mock.running = false;
  for (uint32_t offset = CW_REGS_CTRL_OFFSET; offset < CW_REGS_WINDOW_BYTES; offset += 4u) {
    mock.registers[offset / 4u] = 0;
  }
}

static void run_notices_a_reset(void) {
  load();
  mock.ending = END_NEVER;
  mock.in_wait = reset_now;
  const uint64_t start = mock.clock;
  CHECK(cw_run(&cw) == CW_RESET);
  /* At the next look, not when its ten seconds are over; there is nothing to abort. */
  CHECK(mock.clock - start < 100 && mock.aborts == 0);
  mock.ending = END_DONE;
  CHECK(cw_run(&cw) == CW_OK && mock.starts == 2);
}

static void run_reports_every_error_code(void) {
  load();
  mock.ending = END_ERROR;
  for (uint32_t code = 0; code < 256u; code++) {
    mock.error_code = code;
    mock.event_count = 0;
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

/* ---- a program of two stages: test_runtime.py's _stages ---- */

static uint8_t* second_header(void) { return mock.program.data + word(CW_HEADER_NEXT_OFFSET_WORD); }

static uint8_t* first_operation(void) {
  return mock.program.data + word(CW_HEADER_HOST_OFFSET_WORD);
}

/* Makes the CRCs of the first stage right again. */
static void renew_body_crc(void) {
  const uint32_t bytes = word(CW_HEADER_PROGRAM_BYTES_WORD);
  set_word(CW_HEADER_BODY_CRC_WORD,
           cw_crc32(0, mock.program.data + CW_HEADER_BYTES, bytes - CW_HEADER_BYTES));
}

static struct {
  uint32_t calls;
  uint32_t stage[2];
  uint32_t first_layer[2];
  uint32_t stage_layers[2];
  uint32_t events[2];
  uint32_t words[3];
} seen;

static void look(void* context, cw_t* at) {
  uint32_t cycles[CW_CYCLES_WORDS];
  CHECK(context == &seen && at == &cw && seen.calls < 2u);
  seen.stage[seen.calls] = at->stage;
  seen.first_layer[seen.calls] = at->first_layer;
  seen.stage_layers[seen.calls] = at->stage_layers;
  seen.events[seen.calls] = mock.event_count;
  for (uint32_t i = 0; i < at->stage_layers; i++) {
    CHECK(cw_layer_cycles(at, at->first_layer + i, cycles) == CW_OK);
    seen.words[at->first_layer + i] = cycles[CW_CYCLES_TOTAL];
  }
  seen.calls++;
}

static void stages_run_one_behind_the_other(void) {
  uint32_t cycles[CW_CYCLES_WORDS];
  load();
  CHECK(cw_stages(&cw) == 2 && cw_layers(&cw) == 3 && cw_set_stage_hook(&cw, look, &seen) == CW_OK);
  CHECK(event_is(0, EVENT_FLUSH, mock.program.data, mock.program.bytes));
  mock.event_count = 0;
  memset(mock.arena.data, 0, mock.arena.bytes);
  CHECK(cw_run(&cw) == CW_OK);
  const uint8_t* operation = first_operation();
  const uint8_t* input = mock.arena.data + word_at(operation, CW_HOST_INPUT_OFFSET_WORD);
  const uint8_t* output = mock.arena.data + word_at(operation, CW_HOST_OUTPUT_OFFSET_WORD);
  /* Both are 2 blocks of 4 channels of 2 bytes; the operation touches 3 channels of a block. */
  const size_t bytes = 2u * 4u * 2u - 2u;
  CHECK(mock.event_count == 8);
  CHECK(event_is(0, EVENT_FLUSH, cw_input(&cw), cw_input_bytes(&cw)));
  CHECK(event_is(1, EVENT_FLUSH, cw_output(&cw), cw_output_bytes(&cw)));
  CHECK(event_is(2, EVENT_START, mock.program.data, word(CW_HEADER_PROGRAM_BYTES_WORD)));
  CHECK(event_is(3, EVENT_INVALIDATE, input, bytes));
  CHECK(event_is(4, EVENT_INVALIDATE, output, bytes));
  CHECK(event_is(5, EVENT_FLUSH, output, bytes));
  CHECK(event_is(6, EVENT_START, second_header(),
                 word_at(second_header(), CW_HEADER_PROGRAM_BYTES_WORD)));
  CHECK(event_is(7, EVENT_INVALIDATE, cw_output(&cw), cw_output_bytes(&cw)));
  CHECK(mock.registers[CW_REGS_PROGRAM_ADDR_HI_OFFSET / 4u] == (uint32_t)(PROGRAM_BUS >> 32));
  CHECK(cw.cycles == 2u * CYCLES && cw.stage_cycles == CYCLES);
  CHECK(cw.stage == 1 && cw.first_layer == 2 && cw.stage_layers == 1);
  /* The hook came between a stage and the processor's part. */
  CHECK(seen.calls == 2 && seen.stage[0] == 0 && seen.stage[1] == 1);
  CHECK(seen.first_layer[0] == 0 && seen.first_layer[1] == 2);
  CHECK(seen.stage_layers[0] == 2 && seen.stage_layers[1] == 1);
  CHECK(seen.events[0] == 3 && seen.events[1] == 7);
  /* Each stage's layers count from 0 in the accelerator. */
  CHECK(seen.words[0] == 1007u && seen.words[1] == 1015u && seen.words[2] == 1007u);
  CHECK(cw_layer_cycles(&cw, 2, cycles) == CW_OK && cw_layer_cycles(&cw, 1, cycles) == CW_ARGUMENT);
  /* Three equal values share 1.0 = 2^3: 8 / 3 is nearer to 3; a lane of 3 bits. */
  CHECK((output[0] & 7u) == 3u && (output[2] & 7u) == 3u && (output[4] & 7u) == 3u);
  /* And again, without the hook. */
  CHECK(cw_set_stage_hook(&cw, NULL, NULL) == CW_OK &&
        cw_set_stage_hook(NULL, NULL, NULL) != CW_OK);
  CHECK(cw_run(&cw) == CW_OK && mock.starts == 4 && seen.calls == 2);
  CHECK(cw.cycles == 2u * CYCLES);
}

static void stages_error_of_the_second_names_its_layer(void) {
  load();
  CHECK(cw_set_stage_hook(&cw, look, &seen) == CW_OK);
  mock.ending = END_ERROR;
  mock.good_starts = 1;
  mock.error_code = CW_ERROR_WATCHDOG;
  CHECK(cw_run(&cw) == CW_WATCHDOG);
  CHECK(cw.stage == 1 && cw.error_layer == 2u + 5u && cw.error_info == 0x1234u);
  CHECK(cw.cycles == 2u * CYCLES && seen.calls == 1);
  mock.good_starts = 0;
  mock.event_count = 0;
  CHECK(cw_run(&cw) == CW_WATCHDOG);
  CHECK(cw.stage == 0 && cw.error_layer == 5u && cw.cycles == CYCLES && mock.starts == 3);
}

static void abort_at_the_end(void) {
  mock.in_wait = NULL;
  end_run();
  CHECK(cw_abort(&cw) == CW_OK);
}

static void stages_are_not_begun_behind_an_abort(void) {
  load();
  mock.in_wait = abort_at_the_end;
  CHECK(cw_run(&cw) == CW_ABORTED && mock.starts == 1 && cw.stage == 0);
  CHECK(cw_run(&cw) == CW_OK && mock.starts == 3);
}

static void stages_time_out_each_on_its_own(void) {
  load();
  mock.interrupts_come = false;
  mock.polls_until_end = 2; /* two waits of the whole time for each stage */
  CHECK(cw_set_timeout(&cw, 500) == CW_OK);
  CHECK(cw_run(&cw) == CW_TIMEOUT && mock.starts == 1 && mock.aborts == 1 && cw.stage == 0);
  mock.polls_until_end = 1;
  mock.event_count = 0;
  CHECK(cw_run(&cw) == CW_OK && mock.starts == 3);
}

static void stages_are_checked_bit_by_bit(void) {
  CHECK(cw_init(&cw, &hal) == CW_OK);
  const uint32_t first = word(CW_HEADER_PROGRAM_BYTES_WORD);
  const uint32_t second = word(CW_HEADER_NEXT_OFFSET_WORD);
  CHECK(first < second && second < mock.program.bytes);
  for (uint32_t bit = 0; bit < 8u * mock.program.bytes; bit++) {
    /* What lies between the stages belongs to none. */
    if (bit == 8u * first) {
      bit = 8u * second;
    }
    mock.program.data[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
    const cw_status_t status = cw_load(&cw, &mock.program, &mock.arena);
    const bool magic = bit < 32u || (bit >= 8u * second && bit < 8u * second + 32u);
    CHECK(status == (magic ? CW_BAD_PROGRAM : CW_CORRUPTED));
    CHECK(cw_run(&cw) == CW_NOT_LOADED && cw_stages(&cw) == 0 && cw_layers(&cw) == 0);
    mock.program.data[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
  }
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_OK);
}

static void stages_refuse_bad_next_offset(void) {
  CHECK(cw_init(&cw, &hal) == CW_OK);
  const uint32_t good = word(CW_HEADER_NEXT_OFFSET_WORD);
  const uint32_t bad[] = {
      good + 32u, /* misaligned */
      64u,        /* inside this stage */
      good + 64u, /* no header there */
      mock.program.bytes / 64u * 64u,
      (mock.program.bytes / 64u + 1u) * 64u,
      0xFFFFFFC0u,
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    set_word(CW_HEADER_NEXT_OFFSET_WORD, bad[i]);
    CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_BAD_PROGRAM);
  }
  set_word(CW_HEADER_NEXT_OFFSET_WORD, good);
  for (uint32_t bytes = good; bytes < mock.program.bytes; bytes += 7u) {
    cw_memory_t shorter = mock.program;
    shorter.bytes = bytes;
    CHECK(cw_load(&cw, &shorter, &mock.arena) == CW_BAD_PROGRAM);
  }
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_OK);
  /* The last stage must not lead back, or anywhere. */
  set_header_word(second_header(), CW_HEADER_NEXT_OFFSET_WORD, 0u - good);
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_BAD_PROGRAM);
}

static void stages_are_of_one_model(void) {
  static const struct {
    uint32_t field;
    cw_status_t status;
  } cases[] = {
      {CW_HEADER_ARENA_BYTES_WORD, CW_BAD_PROGRAM},
      {CW_HEADER_INPUT_OFFSET_WORD, CW_BAD_PROGRAM},
      {CW_HEADER_INPUT_BYTES_WORD, CW_BAD_PROGRAM},
      {CW_HEADER_OUTPUT_OFFSET_WORD, CW_BAD_PROGRAM},
      {CW_HEADER_OUTPUT_BYTES_WORD, CW_BAD_PROGRAM},
      {CW_HEADER_BATCH_WORD, CW_BAD_PROGRAM},
      {CW_HEADER_HARDWARE_HASH_WORD, CW_WRONG_HARDWARE},
  };
  CHECK(cw_init(&cw, &hal) == CW_OK);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const uint32_t before = word_at(second_header(), cases[i].field);
    set_header_word(second_header(), cases[i].field, before + 1u);
    CHECK(cw_load(&cw, &mock.program, &mock.arena) == cases[i].status);
    set_header_word(second_header(), cases[i].field, before);
  }
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_OK);
}

static void stages_refuse_bad_host_operations(void) {
  static const struct {
    uint32_t word;
    uint32_t value;
  } cases[] = {
      {CW_HOST_HOST_OPCODE_WORD, 0x100u},       /* no opcode */
      {CW_HOST_HOST_OPCODE_WORD, 0x102u},       /* an unknown one */
      {CW_HOST_HOST_OPCODE_WORD, 0x001u},       /* not the last, but nothing follows */
      {CW_HOST_INPUT_OFFSET_WORD, 0xFFFFFFF0u}, /* outside the arena */
      {CW_HOST_INPUT_OFFSET_WORD, 4096u - 13u}, /* over its end */
      {CW_HOST_OUTPUT_OFFSET_WORD, 4096u - 13u},
      {CW_HOST_HEIGHT_WORD, 0x00030000u},   /* no rows */
      {CW_HOST_WIDTH_WORD, 0x00000002u},    /* no columns */
      {CW_HOST_WIDTH_WORD, 0x00050002u},    /* wider than the pitch */
      {CW_HOST_HEIGHT_WORD, 0x00030003u},   /* higher than an image */
      {CW_HOST_CHANNELS_WORD, 0x00010000u}, /* no channels */
      {CW_HOST_CHANNELS_WORD, 0x00000003u}, /* no runs */
      {CW_HOST_CHANNELS_WORD, 0x00020003u}, /* more than a block has */
      {CW_HOST_CHANNELS_WORD, 0xFFFFFFFFu},
      {CW_HOST_INPUT_PITCH_WORD, 0xFFFFFFFFu}, /* larger than the arena */
      {CW_HOST_OUTPUT_PITCH_WORD, 0xFFFFFFFFu},
      {CW_HOST_INPUT_CHANNELS_WORD, 0x00040002u}, /* less than the operation needs */
      {CW_HOST_INPUT_CHANNELS_WORD, 0x00020004u},
      {CW_HOST_INPUT_CHANNELS_WORD, 0x0004FFFFu}, /* larger than the arena */
      {CW_HOST_INPUT_CHANNELS_WORD, 0xFFFF0004u},
      {CW_HOST_TABLE_OFFSET_WORD, 0xFFFFFFFCu}, /* outside the stage */
      {CW_HOST_TABLE_OFFSET_WORD, 0u},          /* in its header */
      {CW_HOST_TABLE_ENTRIES_WORD, 0u},
      {CW_HOST_TABLE_ENTRIES_WORD, 0x40000001u}, /* times 4 wraps around */
      {CW_HOST_SHIFT_WORD, 32u},                 /* overflows */
      {CW_HOST_CLIP_LOW_WORD, 0x0003FFFBu},      /* -5 is no pixel of 3 bits */
      {CW_HOST_CLIP_LOW_WORD, 0x00040000u},      /* 4 is none */
      {CW_HOST_CLIP_LOW_WORD, 0x00010002u},      /* low above high */
  };
  CHECK(cw_init(&cw, &hal) == CW_OK);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const uint32_t before = word_at(first_operation(), cases[i].word);
    CHECK(before != cases[i].value);
    set_word_at(first_operation(), cases[i].word, cases[i].value);
    renew_body_crc();
    CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_BAD_PROGRAM);
    set_word_at(first_operation(), cases[i].word, before);
  }
  /* Input and output in one place, but not of one shape. */
  const uint32_t output = word_at(first_operation(), CW_HOST_OUTPUT_OFFSET_WORD);
  set_word_at(first_operation(), CW_HOST_OUTPUT_OFFSET_WORD,
              word_at(first_operation(), CW_HOST_INPUT_OFFSET_WORD));
  renew_body_crc();
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_OK);
  set_word_at(first_operation(), CW_HOST_OUTPUT_PITCH_WORD, 0x00020005u);
  renew_body_crc();
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_BAD_PROGRAM);
  set_word_at(first_operation(), CW_HOST_OUTPUT_PITCH_WORD,
              word_at(first_operation(), CW_HOST_INPUT_PITCH_WORD));
  set_word_at(first_operation(), CW_HOST_OUTPUT_OFFSET_WORD, output);
  /* A table that begins with 0 could make a sum 0. */
  uint8_t* table = mock.program.data + word_at(first_operation(), CW_HOST_TABLE_OFFSET_WORD);
  const uint32_t entry = word_at(table, 0);
  set_word_at(table, 0, 0);
  renew_body_crc();
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_BAD_PROGRAM);
  set_word_at(table, 0, entry);
  renew_body_crc();
  CHECK(cw_load(&cw, &mock.program, &mock.arena) == CW_OK);
}

/* The program is checked once, but what the processor follows is looked at before each use. */
static void stages_damaged_behind_the_check_are_found(void) {
  load();
  second_header()[4u * CW_HEADER_PROGRAM_BYTES_WORD] ^= 1u;
  CHECK(cw_run(&cw) == CW_CORRUPTED && mock.starts == 1 && cw.stage == 1);
  second_header()[4u * CW_HEADER_PROGRAM_BYTES_WORD] ^= 1u;
  set_word_at(first_operation(), CW_HOST_OUTPUT_OFFSET_WORD, 0xFFFFFFFFu);
  mock.event_count = 0;
  CHECK(cw_run(&cw) == CW_BAD_PROGRAM && mock.starts == 2 && cw.stage == 0);
}

/* ---- host operations against vectors ---- */

static const char* before_path;
static const char* after_path;

static void host_operations_match_vectors(void) {
  uint32_t bytes = 0;
  uint32_t after_bytes = 0;
  uint8_t* before = read_file(before_path, &bytes);
  uint8_t* after = read_file(after_path, &after_bytes);
  CHECK(bytes == mock.arena.bytes && after_bytes == 2u * bytes);
  memset(mock.arena.data, 0xEE, bytes);
  mock.result = before;
  load();
  CHECK(cw_run(&cw) == CW_OK);
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < bytes; i++) {
    if (((mock.arena.data[i] ^ after[i]) & after[bytes + i]) != 0) {
      fprintf(stderr, "arena byte %u: %02x, expected %02x (of bits %02x)\n", i, mock.arena.data[i],
              after[i], after[bytes + i]);
      wrong++;
    }
  }
  CHECK(wrong == 0);
  free(before);
  free(after);
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
  CHECK(names == 19);
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
    TEST(init_refuses_impossible_words),
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
    TEST(run_is_aborted_from_outside),
    TEST(run_repeats_an_abort_that_came_too_early),
    TEST(run_notices_a_reset),
    TEST(polling_times_out_too),
    TEST(run_gives_up_on_hardware_that_does_not_stop),
    TEST(run_reports_every_error_code),
    TEST(layer_cycles_come_in_order),
    TEST(watchdog_is_written),
    TEST(crc_is_that_of_zlib),
    TEST(every_status_has_its_name),
    TEST(model_layer_runs_and_reports),
    TEST(model_layer_needs_memory),
    TEST(stages_run_one_behind_the_other),
    TEST(stages_error_of_the_second_names_its_layer),
    TEST(stages_are_not_begun_behind_an_abort),
    TEST(stages_time_out_each_on_its_own),
    TEST(stages_are_checked_bit_by_bit),
    TEST(stages_refuse_bad_next_offset),
    TEST(stages_are_of_one_model),
    TEST(stages_refuse_bad_host_operations),
    TEST(stages_damaged_behind_the_check_are_found),
    {"host_operations_match_vectors", host_operations_match_vectors},
};

int main(int argc, char** argv) {
  if (argc != 3 && argc != 7) {
    fprintf(stderr, "usage: runtime_test PROGRAM NAME [ROWS BITS BEFORE AFTER]\n");
    return 2;
  }
  for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
    if (strcmp(argv[2], tests[i].name) == 0) {
      reset_mock(argv[1]);
      if (argc == 7) {
        set_words((uint32_t)strtoul(argv[3], NULL, 10), (uint32_t)strtoul(argv[4], NULL, 10));
        before_path = argv[5];
        after_path = argv[6];
      }
      tests[i].run();
      free(mock.program.data);
      free(mock.arena.data);
      return 0;
    }
  }
  fprintf(stderr, "no test %s\n", argv[2]);
  return 2;
}
