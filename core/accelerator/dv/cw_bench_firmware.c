/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* Options, the firmware's main program, and the results. */

/* For clock_gettime, also where the language is strict C11. */
#if !defined(_POSIX_C_SOURCE) && !defined(__cplusplus)
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cw_bench.h"
#include "cw_hal_sim.h"
#include "cw_model.h"
#include "cw_program.h"
#include "cw_regs.h"
#include "svdpi.h"

#define PATH_BYTES 1024
#define CYCLES_PER_MICROSECOND 250u
#define RETRY_TIMEOUT_US 1000000u
#define HANG_STATUS "HANG"
#define ASSERTION_STATUS "ASSERTION"
#define EVENT_STATUS "EVENT"
#define DEFAULT_TIMEOUT_US 10000000u
/* From the cycle of an event until the accelerator knows of it: the wake-up and a slow access. */
#define EVENT_SLACK_CYCLES 1000u

/* A stage that ended well. */
typedef struct stage {
  uint64_t cycles;
  uint32_t layers;
} stage_t;

/* One run of the program. */
typedef struct run {
  cw_status_t status;
  uint64_t cycles;
  uint64_t first_cycle; /* of the simulation, when the firmware began */
  uint64_t last_cycle;  /* the same, when it ended */
  uint32_t error_info;
  uint32_t error_layer;
  uint32_t stage; /* the last one that was begun */
  uint32_t stages;
  stage_t* stage_results; /* [stages] */
  uint32_t layers;        /* of all stages */
  uint32_t* layer_cycles; /* [layers][CW_CYCLES_WORDS]; zeros: the hardware does not record it */
  cw_bench_traffic_t traffic[CW_BENCH_PORTS];
  uint64_t mismatches; /* elements, and bytes that nobody may write */
  uint64_t stray_bytes;
} run_t;

/* What may happen in the middle of a run. */
typedef enum happens {
  HAPPENS_NOTHING,
  HAPPENS_ABORT,
  HAPPENS_RESET,
  HAPPENS_TIMEOUT,
  HAPPENS_WATCHDOG,
  HAPPENS_AXI_ERROR
} happens_t;

static const char* const happens_names[] = {"none",    "abort",    "reset",
                                            "timeout", "watchdog", "axi_error"};

/* How a program of mutants.bin ended. */
typedef struct mutant {
  cw_status_t status;
  uint64_t cycles;
  uint32_t error_info;
  uint32_t error_layer;
} mutant_t;

static struct {
  char dir[PATH_BYTES];
  char result[PATH_BYTES];
  char stalls[16];
  char inject[64];
  char mutants[PATH_BYTES];
  char expect_status[32];
  uint64_t seed;
  uint32_t batches;
  uint32_t timeout_us;
  uint32_t watchdog;
  happens_t event;
  uint32_t event_run;
  uint32_t event_at; /* thousandths of the run before; of the watchdog, cycles */
  uint32_t event_port;
  uint32_t event_bound; /* cycles in which a run has to end */
  long corrupt_program;
  long corrupt_program_late;
  bool has_watchdog;
  bool wrong_hash;
  bool wrong_hash_late;
  bool retry;
  bool bad_option;
} options = {
    ".", "",  "none",          "",    "", "OK", 0,     0,     0,     0,     HAPPENS_NOTHING,
    1,   500, CW_BENCH_PIXELS, 20000, -1, -1,   false, false, false, false, false};

static struct {
  uint32_t rows;
  uint32_t pixel_bits;
  uint32_t axi_bits;
  uint32_t perf_layers;
  FILE* inputs;
  FILE* expected;
  uint8_t* expected_arena;
  uint8_t* input;
  uint32_t input_bytes;
  uint32_t input_offset;
  cw_bench_tensors_t tensors;
  run_t* runs;
  uint32_t run_count;
  FILE* mutant_file;
  mutant_t* mutants;
  uint32_t mutant_count; /* in the file */
  uint32_t mutants_done;
  cw_status_t status; /* of the first call that failed */
  struct {
    bool armed;          /* the run is on its way */
    bool fired;          /* it has happened */
    bool failed;         /* not as it should */
    cw_status_t status;  /* of the run */
    uint64_t cycle;      /* of the simulation, when it happened */
    uint64_t run_cycles; /* of the run, when it was to happen */
    uint64_t answer;     /* cycles from the event to the run's end */
    uint32_t repeated;   /* runs that were run once more */
  } event;
  bool retried;
  bool retried_well;
  bool hung;
  bool completed; /* the firmware has done all batches */
  bool finished;  /* results are written */
  uint64_t cycle;
  struct timespec start;
} bench;

static bool copy_text(char* target, size_t bytes, const char* source) {
  const size_t length = strlen(source);
  if (length >= bytes) {
    return false;
  }
  memcpy(target, source, length + 1u);
  return true;
}

static bool path_of(char path[PATH_BYTES], const char* name) {
  const int length = snprintf(path, PATH_BYTES, "%s/%s", options.dir, name);
  return length > 0 && length < PATH_BYTES;
}

static FILE* open_file(const char* name, uint64_t* bytes) {
  char path[PATH_BYTES];
  FILE* file = path_of(path, name) ? fopen(path, "rb") : NULL;
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
    printf("ERROR cannot read %s/%s\n", options.dir, name);
    return NULL;
  }
  *bytes = (uint64_t)ftell(file);
  rewind(file);
  return file;
}

/* Whether a file of `total` bytes has `runs` records of `bytes` bytes, no byte more or less; says
 * so if not. */
static bool has_records(const char* name, uint64_t total, uint32_t runs, uint32_t bytes) {
  const bool good = total == (uint64_t)runs * bytes;
  if (!good) {
    printf("ERROR %s/%s has %llu bytes, %u runs of %u bytes need %llu\n", options.dir, name,
           (unsigned long long)total, runs, bytes, (unsigned long long)runs * bytes);
  }
  return good;
}

/* `bytes` bytes of record `index`. */
static bool read_record(FILE* file, uint32_t index, uint32_t bytes, uint8_t* target) {
  return fseek(file, (long)((uint64_t)index * bytes), SEEK_SET) == 0 &&
         fread(target, 1, bytes, file) == bytes;
}

static uint32_t load_word(const uint8_t* data, uint32_t word) {
  const uint8_t* b = data + 4u * word;
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void store_word(uint8_t* data, uint32_t word, uint32_t value) {
  for (uint32_t i = 0; i < 4u; i++) {
    data[4u * word + i] = (uint8_t)(value >> (8u * i));
  }
}

static void flip_bit(long byte) {
  const cw_memory_t program = cw_bench_memory_program();
  uint8_t* target = program.data + byte;
  *target = (uint8_t)(*target ^ 1u << (options.seed & 7u));
}

/* A header for other hardware, sound in itself. Twice is as before. */
static void flip_hash(void) {
  uint8_t* header = cw_bench_memory_program().data;
  store_word(header, CW_HEADER_HARDWARE_HASH_WORD,
             ~load_word(header, CW_HEADER_HARDWARE_HASH_WORD));
  store_word(header, CW_HEADER_HEADER_CRC_WORD,
             cw_crc32(0, header, CW_HEADER_HEADER_CRC_WORD * 4u));
}

/* Damage behind the firmware's check, which the accelerator has to notice. Twice is as before. */
static void damage_late(void) {
  if (options.corrupt_program_late >= 0) {
    flip_bit(options.corrupt_program_late);
  }
  if (options.wrong_hash_late) {
    flip_hash();
  }
}

/* ---- the firmware ---- */

static void note(cw_status_t status) {
  if (bench.status == CW_OK) {
    bench.status = status;
  }
}

static bool prepare_run(uint32_t batch) {
  const cw_memory_t arena = cw_bench_memory_arena();
  if (!read_record(bench.inputs, batch, bench.input_bytes, bench.input) ||
      !read_record(bench.expected, batch, arena.bytes, bench.expected_arena)) {
    printf("ERROR inputs.bin or expected.bin ends before batch %u\n", batch);
    return false;
  }
  cw_bench_memory_prepare_arena(options.seed * 1000003u + batch, bench.input, bench.input_offset,
                                bench.input_bytes);
  return true;
}

/* Called by the runtime behind each stage, when its performance words can be read. */
static void record_stage(void* context, cw_t* cw) {
  run_t* run = (run_t*)context;
  const stage_t result = {cw->stage_cycles, cw->stage_layers};
  run->stage_results[run->stages++] = result;
  for (uint32_t i = 0; i < cw->stage_layers && i < bench.perf_layers; i++) {
    const uint32_t layer = cw->first_layer + i;
    const cw_status_t got =
        cw_layer_cycles(cw, layer, run->layer_cycles + (size_t)layer * CW_CYCLES_WORDS);
    if (got != CW_OK) {
      printf("ERROR performance words of layer %u: %s\n", layer, cw_status_string(got));
      note(got);
      return;
    }
  }
  run->layers += cw->stage_layers;
}

/* Room for what the stages of a run leave. */
static bool prepare_record(run_t* run) {
  cw_t* cw = model_context();
  run->stage_results = (stage_t*)calloc(cw_stages(cw), sizeof(stage_t));
  run->layer_cycles = (uint32_t*)calloc(cw_layers(cw), CW_CYCLES_WORDS * sizeof(uint32_t));
  if (run->stage_results == NULL || run->layer_cycles == NULL) {
    printf("ERROR no memory for %u layers\n", cw_layers(cw));
    return false;
  }
  return cw_set_stage_hook(cw, record_stage, run) == CW_OK;
}

static void record_run(run_t* run, cw_status_t status, const cw_bench_traffic_t* before) {
  const cw_t* cw = model_context();
  run->status = status;
  run->cycles = cw->cycles;
  run->error_info = cw->error_info;
  run->error_layer = cw->error_layer;
  run->stage = cw->stage;
  for (int port = 0; port < CW_BENCH_PORTS; port++) {
    const cw_bench_traffic_t after = cw_bench_memory_traffic(port);
    run->traffic[port].beats = after.beats - before[port].beats;
    run->traffic[port].strobed_bytes = after.strobed_bytes - before[port].strobed_bytes;
  }
}

static cw_status_t run_batch(uint32_t batch) {
  cw_bench_traffic_t before[CW_BENCH_PORTS];
  for (int port = 0; port < CW_BENCH_PORTS; port++) {
    before[port] = cw_bench_memory_traffic(port);
  }
  run_t* run = &bench.runs[bench.run_count];
  if (!prepare_run(batch) || !prepare_record(run)) {
    return CW_MEMORY;
  }
  run->first_cycle = bench.cycle;
  const cw_status_t status = model_run();
  run->last_cycle = bench.cycle;
  bench.run_count++;
  record_run(run, status, before);
  const uint8_t* arena = cw_bench_memory_arena().data;
  /* Whatever the end of a run, nothing may have been written in wrong places. */
  run->stray_bytes = cw_bench_untouched_compare(&bench.tensors, batch, arena);
  run->mismatches = run->stray_bytes;
  if (status == CW_OK) {
    run->mismatches += cw_bench_tensors_compare(&bench.tensors, bench.rows, bench.pixel_bits, batch,
                                                bench.expected_arena, arena);
  } else {
    printf("ERROR run %u: %s stage=%u layer=%u info=0x%08x\n", batch, cw_status_string(status),
           run->stage, run->error_layer, run->error_info);
  }
  return status;
}

/* ---- events ---- */

/* On the firmware's stack, in the middle of its wait. */
static void firmware_event(void) {
  if (!bench.event.armed || bench.event.fired) {
    printf("ERROR an event that nobody waits for\n");
    bench.event.failed = true;
    return;
  }
  bench.event.fired = true;
  bench.event.cycle = bench.cycle;
  if (options.event == HAPPENS_ABORT) {
    note(cw_abort(model_context()));
  }
}

/* The status that the event gives a run. */
static cw_status_t event_status(void) {
  switch (options.event) {
    case HAPPENS_ABORT:
      return CW_ABORTED;
    case HAPPENS_RESET:
      return CW_RESET;
    case HAPPENS_TIMEOUT:
      return CW_TIMEOUT;
    case HAPPENS_WATCHDOG:
      return CW_WATCHDOG;
    case HAPPENS_AXI_ERROR:
      return options.event_port == CW_BENCH_PROGRAM  ? CW_AXI_READ_PROGRAM
             : options.event_port == CW_BENCH_OUTPUT ? CW_AXI_WRITE
                                                     : CW_AXI_READ_PIXELS;
    case HAPPENS_NOTHING:
      break;
  }
  return CW_OK;
}

/* Whether a run may have ended well although something was to happen to it: it came too late. */
static bool event_may_be_late(const run_t* run) {
  uint64_t longest = 0;
  for (uint32_t i = 0; i < run->stages; i++) {
    longest = run->stage_results[i].cycles > longest ? run->stage_results[i].cycles : longest;
  }
  switch (options.event) {
    case HAPPENS_ABORT:
      return !bench.event.fired || run->cycles <= bench.event.run_cycles + EVENT_SLACK_CYCLES;
    case HAPPENS_RESET:
    case HAPPENS_AXI_ERROR:
      return !bench.event.fired;
    case HAPPENS_TIMEOUT:
      /* Each stage has the whole time, and an interrupt that comes late is no time-out. */
      return longest <= bench.event.run_cycles + CYCLES_PER_MICROSECOND + EVENT_SLACK_CYCLES;
    case HAPPENS_WATCHDOG:
    case HAPPENS_NOTHING:
      break;
  }
  return true;
}

/* Cycles from the call to its end, with what the firmware does. */
static uint64_t elapsed(const run_t* run) { return run->last_cycle - run->first_cycle; }

static void check_event(const run_t* run, const run_t* before) {
  const cw_status_t expected = event_status();
  const uint64_t most = 2u * elapsed(before) + options.event_bound;
  const bool well = run->status == CW_OK && event_may_be_late(run);
  bench.event.status = run->status;
  if (!well &&
      (run->status != expected || (!bench.event.fired && options.event != HAPPENS_TIMEOUT &&
                                   options.event != HAPPENS_WATCHDOG))) {
    printf("ERROR event: %s gave %s, expected %s; at cycle %llu of %llu\n",
           happens_names[options.event], cw_status_string(run->status), cw_status_string(expected),
           (unsigned long long)bench.event.run_cycles, (unsigned long long)run->cycles);
    bench.event.failed = true;
  }
  if (bench.event.fired && options.event != HAPPENS_AXI_ERROR) {
    bench.event.answer = bench.cycle - bench.event.cycle;
  }
  if (bench.event.answer > options.event_bound || elapsed(run) > most) {
    printf("ERROR event: %s: the run ended %llu cycles later, %u are legal; it took %llu of %llu\n",
           happens_names[options.event], (unsigned long long)bench.event.answer,
           options.event_bound, (unsigned long long)elapsed(run), (unsigned long long)most);
    bench.event.failed = true;
  }
}

/* A run to which something happens, and, where that ended it, the same once more without. */
static cw_status_t run_with_event(uint32_t batch) {
  cw_t* cw = model_context();
  const run_t* before = &bench.runs[bench.run_count - 1u];
  const uint64_t at = before->cycles * options.event_at / 1000u + 1u;
  bench.event.run_cycles = at;
  bench.event.armed = true;
  if (options.event == HAPPENS_TIMEOUT) {
    const uint64_t us = at / CYCLES_PER_MICROSECOND + 1u;
    bench.event.run_cycles = us * CYCLES_PER_MICROSECOND;
    note(cw_set_timeout(cw, (uint32_t)us));
  }
  if (options.event == HAPPENS_WATCHDOG) {
    bench.event.run_cycles = options.event_at + 1u;
    note(cw_set_watchdog(cw, options.event_at + 1u));
  }
  cw_sim_arm((uint32_t)at);
  cw_status_t status = run_batch(batch);
  cw_sim_arm(0);
  bench.event.armed = false;
  check_event(&bench.runs[bench.run_count - 1u], before);
  note(cw_set_timeout(cw, options.timeout_us != 0 ? options.timeout_us : DEFAULT_TIMEOUT_US));
  note(cw_set_watchdog(cw, options.has_watchdog ? options.watchdog : CW_REGS_WATCHDOG_RESET));
  if (status != CW_OK && !bench.event.failed) {
    bench.event.repeated++;
    status = run_batch(batch);
  }
  return status;
}

/* Whether the sound program, run once more, gives exactly what is expected. */
static bool sound_run_is_exact(uint32_t behind) {
  if (!prepare_run(0)) {
    return false;
  }
  const cw_status_t status = cw_run(model_context());
  const uint8_t* arena = cw_bench_memory_arena().data;
  const uint64_t wrong = cw_bench_untouched_compare(&bench.tensors, 0, arena) +
                         cw_bench_tensors_compare(&bench.tensors, bench.rows, bench.pixel_bits, 0,
                                                  bench.expected_arena, arena);
  if (status != CW_OK || wrong != 0) {
    printf("ERROR behind mutant %u the sound program: %s, %llu mismatches\n", behind,
           cw_status_string(status), (unsigned long long)wrong);
    return false;
  }
  return true;
}

/* Runs each program of mutants.bin behind the firmware's check of the sound one, so that the
 * accelerator alone has to cope with it, and behind each the sound one. No reset in between. */
static cw_status_t run_mutants(void) {
  const cw_memory_t program = cw_bench_memory_program();
  uint8_t* sound = (uint8_t*)malloc(program.bytes);
  if (sound == NULL) {
    return CW_MEMORY;
  }
  memcpy(sound, program.data, program.bytes);
  cw_status_t status = CW_OK;
  while (status == CW_OK && bench.mutants_done < bench.mutant_count) {
    const cw_t* cw = model_context();
    mutant_t* mutant = &bench.mutants[bench.mutants_done];
    if (!prepare_run(0) ||
        !read_record(bench.mutant_file, bench.mutants_done, program.bytes, program.data)) {
      status = CW_MEMORY;
      break;
    }
    mutant->status = cw_run(model_context());
    mutant->cycles = cw->cycles;
    mutant->error_info = cw->error_info;
    mutant->error_layer = cw->error_layer;
    memcpy(program.data, sound, program.bytes);
    if (!sound_run_is_exact(bench.mutants_done)) {
      status = CW_UNKNOWN_ERROR;
    }
    bench.mutants_done++;
  }
  free(sound);
  return status;
}

static int firmware_main(void) {
  cw_status_t status = hardware_setup();
  if (status == CW_OK) {
    status = model_setup();
  }
  if (status == CW_OK && options.timeout_us != 0) {
    status = cw_set_timeout(model_context(), options.timeout_us);
  }
  if (status == CW_OK && options.has_watchdog) {
    status = cw_set_watchdog(model_context(), options.watchdog);
  }
  note(status);
  if (status != CW_OK) {
    return (int)status;
  }
  if (bench.mutant_file != NULL) {
    status = run_mutants();
    note(status);
    bench.completed = status == CW_OK;
    hardware_cleanup();
    return (int)status;
  }
  damage_late();
  for (uint32_t batch = 0; batch < options.batches; batch++) {
    const bool eventful = options.event != HAPPENS_NOTHING && batch == options.event_run;
    if (options.event == HAPPENS_AXI_ERROR && !eventful) {
      cw_sim_arm(0); /* a run begins */
    }
    status = eventful ? run_with_event(batch) : run_batch(batch);
    note(bench.event.failed ? CW_OK : status); /* what has failed is not the status */
    if (status != CW_OK && options.retry) {
      /* The same once more, with the usual limits: an error must not stay in the accelerator. */
      options.retry = false;
      note(cw_set_timeout(model_context(), RETRY_TIMEOUT_US));
      note(cw_set_watchdog(model_context(), CW_REGS_WATCHDOG_RESET));
      bench.retried = true;
      damage_late();
      status = run_batch(batch);
      bench.retried_well = status == CW_OK;
    }
    if (status != CW_OK) {
      break;
    }
  }
  hardware_cleanup();
  bench.completed = true;
  return (int)status;
}

static uint32_t read_register(uint32_t offset) {
  const cw_hal_t* hal = cw_platform_hal();
  return hal->read32(hal->context, offset);
}

static int firmware_hung(void) {
  const uint32_t status = read_register(CW_REGS_STATUS_OFFSET);
  printf("  STATUS=0x%08x layer=%u busy=%u done=%u error=%u\n", status,
         (status & CW_REGS_STATUS_LAYER_MASK) >> CW_REGS_STATUS_LAYER_SHIFT,
         (status & CW_REGS_STATUS_BUSY_MASK) >> CW_REGS_STATUS_BUSY_SHIFT,
         (status & CW_REGS_STATUS_DONE_MASK) >> CW_REGS_STATUS_DONE_SHIFT,
         (status & CW_REGS_STATUS_ERROR_MASK) >> CW_REGS_STATUS_ERROR_SHIFT);
  printf("  DEBUG_STATE=0x%08x\n", read_register(CW_REGS_DEBUG_STATE_OFFSET));
  printf("  ERROR_INFO=0x%08x\n", read_register(CW_REGS_ERROR_INFO_OFFSET));
  printf("  IRQ_STATUS=0x%08x\n", read_register(CW_REGS_IRQ_STATUS_OFFSET));
  printf("  CYCLES=%u PERF_LAYERS=%u\n", read_register(CW_REGS_CYCLES_LO_OFFSET),
         read_register(CW_REGS_PERF_LAYERS_OFFSET));
  bench.hung = true;
  return 1;
}

/* ---- results ---- */

static void write_string(FILE* file, const char* text) {
  fputc('"', file);
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\') {
      fputc('\\', file);
    }
    fputc((unsigned char)*text < 0x20u ? '?' : *text, file);
  }
  fputc('"', file);
}

static void write_traffic(FILE* file, const cw_bench_traffic_t* traffic) {
  const uint64_t beat = bench.axi_bits / 8u;
  fprintf(file,
          "{\"program\": %llu, \"pixels\": %llu, \"residual\": %llu, \"output\": %llu, "
          "\"output_bus\": %llu}",
          (unsigned long long)(traffic[CW_BENCH_PROGRAM].beats * beat),
          (unsigned long long)(traffic[CW_BENCH_PIXELS].beats * beat),
          (unsigned long long)(traffic[CW_BENCH_RESIDUAL].beats * beat),
          (unsigned long long)traffic[CW_BENCH_OUTPUT].strobed_bytes,
          (unsigned long long)(traffic[CW_BENCH_OUTPUT].beats * beat));
}

static void write_run(FILE* file, const run_t* run) {
  fprintf(file, "    {\"status\": \"%s\", \"cycles\": %llu, \"mismatches\": %llu, ",
          cw_status_string(run->status), (unsigned long long)run->cycles,
          (unsigned long long)run->mismatches);
  fprintf(file, "\"stray_bytes\": %llu, ", (unsigned long long)run->stray_bytes);
  fprintf(file, "\"first_cycle\": %llu, \"last_cycle\": %llu, ",
          (unsigned long long)run->first_cycle, (unsigned long long)run->last_cycle);
  fprintf(file, "\"error_info\": %u, \"error_layer\": %u, \"bytes\": ", run->error_info,
          run->error_layer);
  write_traffic(file, run->traffic);
  fprintf(file, ", \"stages\": [");
  for (uint32_t i = 0; i < run->stages; i++) {
    fprintf(file, "%s{\"layers\": %u, \"cycles\": %llu}", i == 0 ? "" : ", ",
            run->stage_results[i].layers, (unsigned long long)run->stage_results[i].cycles);
  }
  fputc(']', file);
  fprintf(file, ", \"layer_cycles\": [");
  for (uint32_t layer = 0; layer < run->layers; layer++) {
    fprintf(file, "%s[", layer == 0 ? "" : ", ");
    for (uint32_t i = 0; i < CW_CYCLES_WORDS; i++) {
      fprintf(file, "%s%u", i == 0 ? "" : ", ",
              run->layer_cycles[(size_t)layer * CW_CYCLES_WORDS + i]);
    }
    fputc(']', file);
  }
  fprintf(file, "]}");
}

static void write_mutants(FILE* file) {
  fprintf(file, "  ],\n  \"mutants\": [\n");
  for (uint32_t i = 0; i < bench.mutants_done; i++) {
    const mutant_t* mutant = &bench.mutants[i];
    fprintf(file,
            "    {\"status\": \"%s\", \"cycles\": %llu, \"error_info\": %u, "
            "\"error_layer\": %u}%s\n",
            cw_status_string(mutant->status), (unsigned long long)mutant->cycles,
            mutant->error_info, mutant->error_layer, i + 1u < bench.mutants_done ? "," : "");
  }
}

static bool write_result(const char* status, bool passed, uint64_t mismatches, double seconds) {
  char path[PATH_BYTES];
  if (options.result[0] == '\0' ? !path_of(path, "result.json")
                                : !copy_text(path, sizeof path, options.result)) {
    return false;
  }
  FILE* file = fopen(path, "w");
  if (file == NULL) {
    printf("ERROR cannot write %s\n", path);
    return false;
  }
  cw_bench_traffic_t traffic[CW_BENCH_PORTS];
  for (int port = 0; port < CW_BENCH_PORTS; port++) {
    traffic[port] = cw_bench_memory_traffic(port);
  }
  fprintf(file, "{\n  \"status\": \"%s\",\n  \"expected_status\": ", status);
  write_string(file, options.expect_status);
  fprintf(file, ",\n  \"passed\": %s,\n  \"mismatches\": %llu,\n", passed ? "true" : "false",
          (unsigned long long)mismatches);
  fprintf(file, "  \"seed\": %llu,\n  \"stalls\": ", (unsigned long long)options.seed);
  write_string(file, options.stalls);
  fprintf(file, ",\n  \"inject_axi_error\": ");
  write_string(file, options.inject);
  fprintf(file, ",\n  \"batches\": %u,\n", options.batches);
  if (options.event != HAPPENS_NOTHING) {
    fprintf(file,
            "  \"event\": {\"kind\": \"%s\", \"at\": %llu, \"fired\": %s, \"failed\": %s, "
            "\"status\": \"%s\", \"answer_cycles\": %llu},\n",
            happens_names[options.event], (unsigned long long)bench.event.run_cycles,
            bench.event.fired ? "true" : "false", bench.event.failed ? "true" : "false",
            cw_status_string(bench.event.status), (unsigned long long)bench.event.answer);
  }
  fprintf(file, "  \"simulated_cycles\": %llu,\n  \"wall_seconds\": %.3f,\n",
          (unsigned long long)bench.cycle, seconds);
  fprintf(file, "  \"bytes_outside\": %llu,\n  \"bytes\": ",
          (unsigned long long)(cw_bench_memory_outside() * bench.axi_bits / 8u));
  write_traffic(file, traffic);
  fprintf(file, ",\n  \"tensors\": [\n");
  for (size_t i = 0; i < bench.tensors.count; i++) {
    const cw_bench_tensor_t* t = &bench.tensors.items[i];
    fprintf(file, "    {\"layer\": ");
    write_string(file, t->layer);
    fprintf(file, ", \"type\": ");
    write_string(file, t->type);
    fprintf(file, ", \"elements\": %llu, \"mismatches\": %llu}%s\n",
            (unsigned long long)t->batch * t->height * t->width * t->channels,
            (unsigned long long)t->mismatches, i + 1u < bench.tensors.count ? "," : "");
  }
  fprintf(file, "  ],\n  \"runs\": [\n");
  for (uint32_t i = 0; i < bench.run_count; i++) {
    write_run(file, &bench.runs[i]);
    fprintf(file, "%s\n", i + 1u < bench.run_count ? "," : "");
  }
  write_mutants(file);
  fprintf(file, "  ]\n}\n");
  return fclose(file) == 0;
}

static int finish(const char* status) {
  struct timespec now;
  uint64_t mismatches = 0;
  uint64_t cycles = 0;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const double seconds = (double)(now.tv_sec - bench.start.tv_sec) +
                         1e-9 * (double)(now.tv_nsec - bench.start.tv_nsec);
  for (uint32_t i = 0; i < bench.run_count; i++) {
    mismatches += bench.runs[i].mismatches;
    cycles += bench.runs[i].cycles;
  }
  bool passed = strcmp(status, options.expect_status) == 0 && mismatches == 0 &&
                cw_bench_memory_outside() == 0;
  if (passed && strcmp(status, "OK") == 0) {
    passed = bench.completed && (bench.mutant_file != NULL ||
                                 bench.run_count == options.batches + bench.event.repeated);
  }
  if (passed && bench.retried) {
    passed = bench.retried_well;
  }
  bench.finished = true;
  passed = write_result(status, passed, mismatches, seconds) && passed;
  printf("%s status=%s expected=%s runs=%u cycles=%llu mismatches=%llu seed=%llu stalls=%s\n",
         passed ? "PASS" : "FAIL", status, options.expect_status, bench.run_count,
         (unsigned long long)cycles, (unsigned long long)mismatches,
         (unsigned long long)options.seed, options.stalls);
  fflush(stdout);
  return passed ? 0 : 1;
}

void cw_bench_abandon(void) {
  if (!bench.finished) {
    (void)finish(ASSERTION_STATUS);
  }
}

/* ---- for the simulator ---- */

#ifdef __cplusplus
extern "C" {
#endif

void cw_bench_option(const char* name, const char* value);
int cw_bench_setup(int rows, int pixel_bits, int axi_bits, int addr_bits, int max_perf_layers,
                   int hash, long long* program_base, long long* program_bytes,
                   long long* arena_base, long long* arena_bytes);
void cw_bench_step(int reason, int data, long long cycle, int* request, int* address, int* value);
int cw_bench_finish(long long cycle, svBit hung);
void cw_bench_bad_beat(int mem_port);

static bool parse_number(const char* text, unsigned long long most, unsigned long long* value) {
  char* end = NULL;
  *value = strtoull(text, &end, 0);
  return end != text && *end == '\0' && *value <= most;
}

static bool set_event(const char* value) {
  for (int kind = HAPPENS_ABORT; kind <= HAPPENS_AXI_ERROR; kind++) {
    if (strcmp(value, happens_names[kind]) == 0) {
      options.event = (happens_t)kind;
      return true;
    }
  }
  return false;
}

static bool set_option(const char* name, const char* value) {
  unsigned long long number = 0;
  if (strcmp(name, "event") == 0) {
    return set_event(value);
  }
  if (strcmp(name, "dir") == 0) {
    return copy_text(options.dir, sizeof options.dir, value);
  }
  if (strcmp(name, "result") == 0) {
    return copy_text(options.result, sizeof options.result, value);
  }
  if (strcmp(name, "expect_status") == 0) {
    return copy_text(options.expect_status, sizeof options.expect_status, value);
  }
  if (strcmp(name, "inject_axi_error") == 0) {
    return copy_text(options.inject, sizeof options.inject, value);
  }
  if (strcmp(name, "mutants") == 0) {
    return copy_text(options.mutants, sizeof options.mutants, value);
  }
  if (strcmp(name, "stalls") == 0) {
    return (strcmp(value, "none") == 0 || strcmp(value, "light") == 0 ||
            strcmp(value, "heavy") == 0) &&
           copy_text(options.stalls, sizeof options.stalls, value);
  }
  if (strcmp(name, "seed") == 0) {
    const bool good = parse_number(value, UINT64_MAX, &number);
    options.seed = number;
    return good;
  }
  if (!parse_number(value, UINT32_MAX, &number)) {
    return false;
  }
  if (strcmp(name, "batches") == 0) {
    options.batches = (uint32_t)number;
  } else if (strcmp(name, "timeout_us") == 0) {
    options.timeout_us = (uint32_t)number;
  } else if (strcmp(name, "watchdog") == 0) {
    options.watchdog = (uint32_t)number;
    options.has_watchdog = true;
  } else if (strcmp(name, "event_run") == 0) {
    options.event_run = (uint32_t)number;
  } else if (strcmp(name, "event_at") == 0) {
    options.event_at = (uint32_t)number;
  } else if (strcmp(name, "event_port") == 0) {
    options.event_port = (uint32_t)number;
  } else if (strcmp(name, "event_bound") == 0) {
    options.event_bound = (uint32_t)number;
  } else if (strcmp(name, "corrupt_program") == 0) {
    options.corrupt_program = (long)number;
  } else if (strcmp(name, "corrupt_program_late") == 0) {
    options.corrupt_program_late = (long)number;
  } else if (strcmp(name, "wrong_hash") == 0) {
    options.wrong_hash = number != 0;
  } else if (strcmp(name, "wrong_hash_late") == 0) {
    options.wrong_hash_late = number != 0;
  } else if (strcmp(name, "retry") == 0) {
    options.retry = number != 0;
  } else {
    return false;
  }
  return true;
}

void cw_bench_option(const char* name, const char* value) {
  if (!set_option(name, value)) {
    printf("ERROR bad option +%s=%s\n", name, value);
    options.bad_option = true;
  }
}

/* Programs that are as long as the sound one. */
static bool open_mutants(uint32_t program_bytes) {
  if (options.mutants[0] == '\0') {
    return true;
  }
  uint64_t total = 0;
  bench.mutant_file = open_file(options.mutants, &total);
  if (bench.mutant_file == NULL) {
    return false;
  }
  bench.mutant_count = (uint32_t)(total / program_bytes);
  bench.mutants = (mutant_t*)calloc((size_t)bench.mutant_count + 1u, sizeof(mutant_t));
  return bench.mutants != NULL && bench.mutant_count != 0 &&
         has_records(options.mutants, total, bench.mutant_count, program_bytes);
}

/* Program, inputs and what is expected; the regions are created in between. */
static bool load_files(uint32_t addr_bits, uint32_t hash) {
  uint64_t program_bytes = 0;
  uint64_t input_total = 0;
  uint64_t expected_total = 0;
  uint8_t header[CW_HEADER_BYTES];
  FILE* program = open_file("program.bin", &program_bytes);
  if (program == NULL) {
    return false;
  }
  if (program_bytes > UINT32_MAX || fread(header, 1, sizeof header, program) != sizeof header ||
      load_word(header, CW_HEADER_MAGIC_WORD) != CW_PROGRAM_MAGIC) {
    printf("ERROR %s/program.bin is no program\n", options.dir);
    fclose(program);
    return false;
  }
  const uint32_t arena_bytes = load_word(header, CW_HEADER_ARENA_BYTES_WORD);
  bench.input_offset = load_word(header, CW_HEADER_INPUT_OFFSET_WORD);
  bench.input_bytes = load_word(header, CW_HEADER_INPUT_BYTES_WORD);
  bool good =
      (uint64_t)bench.input_offset + bench.input_bytes <= arena_bytes && bench.input_bytes != 0;
  if (load_word(header, CW_HEADER_HARDWARE_HASH_WORD) != hash) {
    /* Not this bench's decision: the firmware will say so. */
    printf("NOTE program is for hardware 0x%08x, this is 0x%08x\n",
           load_word(header, CW_HEADER_HARDWARE_HASH_WORD), hash);
  }
  good = good && cw_bench_memory_create((uint32_t)program_bytes, arena_bytes, bench.axi_bits,
                                        addr_bits, options.seed);
  good = good && read_record(program, 0, (uint32_t)program_bytes, cw_bench_memory_program().data);
  fclose(program);
  bench.inputs = open_file("inputs.bin", &input_total);
  bench.expected = open_file("expected.bin", &expected_total);
  bench.expected_arena = (uint8_t*)malloc(arena_bytes);
  bench.input = (uint8_t*)malloc(bench.input_bytes);
  if (!good || bench.inputs == NULL || bench.expected == NULL || bench.expected_arena == NULL ||
      bench.input == NULL) {
    printf("ERROR %s: cannot load program, inputs and expected arena\n", options.dir);
    return false;
  }
  const uint32_t runs = (uint32_t)(input_total / bench.input_bytes);
  if (!has_records("inputs.bin", input_total, runs, bench.input_bytes) ||
      !has_records("expected.bin", expected_total, runs, arena_bytes)) {
    return false;
  }
  if (options.batches == 0) {
    options.batches = runs;
  }
  if (options.batches == 0 || options.batches > runs) {
    printf("ERROR %s: %u of %u runs are asked for\n", options.dir, options.batches, runs);
    return false;
  }
  char path[PATH_BYTES];
  if (options.event != HAPPENS_NOTHING &&
      (options.event_run == 0 || options.event_run >= options.batches || options.retry ||
       options.event_at > 2000u)) {
    printf("ERROR +event_run=%u, legal is 1 to %u; +event_at=%u, legal is 0 to 2000; no +retry\n",
           options.event_run, options.batches - 1u, options.event_at);
    return false;
  }
  /* One more for a retry, or behind an event. */
  bench.runs = (run_t*)calloc((size_t)options.batches + 1u, sizeof(run_t));
  return bench.runs != NULL && open_mutants((uint32_t)program_bytes) &&
         path_of(path, "tensors.txt") &&
         cw_bench_tensors_read(path, bench.rows, bench.pixel_bits, arena_bytes, &bench.tensors);
}

int cw_bench_setup(int rows, int pixel_bits, int axi_bits, int addr_bits, int max_perf_layers,
                   int hash, long long* program_base, long long* program_bytes,
                   long long* arena_base, long long* arena_bytes) {
  clock_gettime(CLOCK_MONOTONIC, &bench.start);
  bench.rows = (uint32_t)rows;
  bench.pixel_bits = (uint32_t)pixel_bits;
  bench.axi_bits = (uint32_t)axi_bits;
  bench.perf_layers = (uint32_t)max_perf_layers;
  if (options.bad_option || !load_files((uint32_t)addr_bits, (uint32_t)hash)) {
    bench.finished = true; /* there is nothing to write */
    return 1;
  }
  const cw_memory_t program = cw_bench_memory_program();
  const cw_memory_t arena = cw_bench_memory_arena();
  if (options.corrupt_program >= (long)program.bytes ||
      options.corrupt_program_late >= (long)program.bytes) {
    printf("ERROR the program has only %u bytes\n", program.bytes);
    bench.finished = true;
    return 1;
  }
  if (options.corrupt_program >= 0) {
    flip_bit(options.corrupt_program);
  }
  if (options.wrong_hash) {
    flip_hash();
  }
  *program_base = (long long)program.bus_address;
  *program_bytes = (long long)program.bytes;
  *arena_base = (long long)arena.bus_address;
  *arena_bytes = (long long)arena.bytes;
  cw_sim_program_t firmware;
  firmware.entry = firmware_main;
  firmware.on_hang = firmware_hung;
  firmware.on_event = firmware_event;
  firmware.program = program;
  firmware.arena = arena;
  firmware.cycles_per_microsecond = CYCLES_PER_MICROSECOND;
  return cw_sim_prepare(&firmware) ? 0 : 1;
}

void cw_bench_step(int reason, int data, long long cycle, int* request, int* address, int* value) {
  bench.cycle = (uint64_t)cycle;
  const cw_sim_request_t next = cw_sim_step(reason, (uint32_t)data, (uint64_t)cycle);
  *request = next.kind;
  *address = (int)next.address;
  *value = (int)next.data;
}

/* Only of the run that is armed: +inject_axi_error is no event. */
void cw_bench_bad_beat(int mem_port) {
  (void)mem_port;
  bench.event.fired = bench.event.fired || bench.event.armed;
}

int cw_bench_finish(long long cycle, svBit hung) {
  bench.cycle = (uint64_t)cycle;
  return finish(hung || bench.hung   ? HANG_STATUS
                : bench.event.failed ? EVENT_STATUS
                                     : cw_status_string(bench.status));
}

#ifdef __cplusplus
}
#endif
