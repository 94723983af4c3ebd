/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* Loads a compiled program into a corewright accelerator and runs it.
 *
 *   cw_t cw;
 *   cw_init(&cw, hal);                      checks that an accelerator is there
 *   cw_load(&cw, &program, &arena);         checks the program, once
 *   memcpy(cw_input(&cw), images, cw_input_bytes(&cw));
 *   cw_run(&cw);                            as often as wanted
 *   ... cw_output(&cw) ...
 *
 * A program may have several stages: the accelerator runs one, the processor works on the arena,
 * the accelerator runs the next. cw_run does all of them.
 *
 * No globals, no dynamic memory; a cw_t is for one accelerator and is not thread-safe. */
#ifndef CW_RUNTIME_H
#define CW_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include "cw_hal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 1 to 9 are the accelerator's own codes (STATUS.error_code), the rest is this software's. */
typedef enum cw_status {
  CW_OK = 0,
  CW_BAD_PROGRAM = 1,      /* magic, version, lengths, stages or host operations */
  CW_WRONG_HARDWARE = 2,   /* compiled for other hardware */
  CW_BAD_DESCRIPTOR = 3,   /* a layer descriptor is broken; error_info is its layer_index */
  CW_WINDOW = 4,           /* an access outside program or arena */
  CW_AXI_READ_PROGRAM = 5, /* the bus answered an error on the program port */
  CW_AXI_READ_PIXELS = 6,  /* ... on the input port */
  CW_AXI_WRITE = 7,        /* ... on the output port */
  CW_WATCHDOG = 8,         /* the accelerator moved no byte and ended no tile */
  CW_ABORTED = 9,
  CW_TIMEOUT = 16,       /* neither done nor error in the given time; the run was aborted */
  CW_ARGUMENT = 17,      /* a null pointer, a misaligned address, a number out of range */
  CW_MEMORY = 18,        /* the arena or the program's memory is missing or too small */
  CW_NO_DEVICE = 19,     /* ID, VERSION or CAPS: no accelerator that this runtime knows */
  CW_CORRUPTED = 20,     /* a CRC of the program is wrong */
  CW_NOT_LOADED = 21,    /* cw_run before a successful cw_load */
  CW_BUSY = 22,          /* the accelerator is running, or did not stop */
  CW_UNKNOWN_ERROR = 23, /* the accelerator reported a code that this runtime does not know */
  CW_RESET = 24          /* the accelerator was reset while it ran: the run is lost */
} cw_status_t;

/* Begin: written by corewright.facts.generate, do not edit. */
/* Meaning of the performance words of a layer; they sum to the last one. */
enum {
  CW_CYCLES_COMPUTE = 0,
  CW_CYCLES_WAIT_WEIGHTS = 1,
  CW_CYCLES_WAIT_PIXELS = 2,
  CW_CYCLES_WAIT_OUTPUT = 3,
  CW_CYCLES_LAYER_START = 4,
  CW_CYCLES_LAYER_END = 5,
  CW_CYCLES_CONTROL = 6,
  CW_CYCLES_TOTAL = 7,
  CW_CYCLES_WORDS = 8
};

/* Bytes of a word: the R lanes of one channel. */
#define CW_WORD_BYTES(rows, bits_input) (((rows) * (bits_input) + 7u) / 8u)
/* End. */

typedef struct cw cw_t;

/* Called by cw_run behind each stage that ended well, before the processor's part: cw->stage and
 * the other results are those so far, and cw_layer_cycles gives this stage's layers. It must not
 * call cw_load or cw_run. */
typedef void (*cw_stage_hook_t)(void* context, cw_t* cw);

/* A stage; offsets count from the program's start, `next_offset` and `host_offset` from the
 * stage's. Private. */
typedef struct cw_stage {
  uint32_t offset;
  uint32_t bytes;
  uint32_t layers;
  uint32_t next_offset;
  uint32_t host_offset;
} cw_stage_t;

/* One accelerator. Members are private except those below "results". */
struct cw {
  const cw_hal_t* hal;
  cw_memory_t program;
  cw_memory_t arena;
  cw_stage_t first_stage;
  uint32_t rows;
  uint32_t pixel_bits;
  uint32_t stages;
  uint32_t layers;
  uint32_t input_offset;
  uint32_t input_bytes;
  uint32_t output_offset;
  uint32_t output_bytes;
  uint32_t batch;
  uint32_t timeout_us;
  cw_stage_hook_t stage_hook;
  void* stage_hook_context;
  bool loaded;
  volatile bool abort_requested; /* written by cw_abort, also in an interrupt handler */
  /* results of the last cw_run; layers count through all stages */
  uint64_t cycles;       /* from start to done or error, the sum over all stages */
  uint32_t stage;        /* the last one that was begun */
  uint32_t first_layer;  /* its first layer */
  uint32_t stage_layers; /* its layers */
  uint64_t stage_cycles; /* its cycles */
  uint32_t error_code;   /* STATUS.error_code as the accelerator gave it */
  uint32_t error_info;   /* ERROR_INFO */
  uint32_t error_layer;  /* the layer at which it stopped */
};

/* Static text such as "WRONG_HARDWARE"; "INVALID_STATUS" for anything that is no status. */
const char* cw_status_string(cw_status_t status);

/* CRC-32 as in zlib of `bytes` bytes, continued from `crc` (0 at the start). */
uint32_t cw_crc32(uint32_t crc, const void* data, size_t bytes);

/* Binds `cw` to the accelerator behind `hal` and checks its ID, register version and words. Both
 * must outlive the cw_t. */
cw_status_t cw_init(cw_t* cw, const cw_hal_t* hal);

/* Arena bytes that the program at `program` needs, or why it is no program. For platforms that
 * allocate the arena after they have seen the program. */
cw_status_t cw_program_arena_bytes(const cw_memory_t* program, uint32_t* bytes);

/* Checks the whole program (of each stage magic, version, lengths, both CRCs, hardware hash and
 * host operations) and the arena's size, makes both visible to the accelerator, and keeps both
 * pointers. `program->bytes` may be more than the program's length. */
cw_status_t cw_load(cw_t* cw, const cw_memory_t* program, const cw_memory_t* arena);

/* Input and output tensors of the loaded program in the arena; NULL before cw_load. */
uint8_t* cw_input(const cw_t* cw);
const uint8_t* cw_output(const cw_t* cw);
uint32_t cw_input_bytes(const cw_t* cw);
uint32_t cw_output_bytes(const cw_t* cw);
/* Images that one run processes; 0 before cw_load. */
uint32_t cw_batch(const cw_t* cw);
uint32_t cw_layers(const cw_t* cw);
uint32_t cw_stages(const cw_t* cw);

/* NULL: no hook, as at first. */
cw_status_t cw_set_stage_hook(cw_t* cw, cw_stage_hook_t hook, void* context);

/* Longest time that cw_run waits for a stage; 10 s at first. */
cw_status_t cw_set_timeout(cw_t* cw, uint32_t microseconds);

/* The accelerator reports WATCHDOG after so many cycles in which no byte moved and no tile, all
 * steps of a block of output channels, ended; 0: never. */
cw_status_t cw_set_watchdog(cw_t* cw, uint32_t cycles);

/* Runs all stages of the loaded program on the input in the arena and waits for its end. */
cw_status_t cw_run(cw_t* cw);

/* Ends a cw_run that is on its way, which then returns CW_ABORTED, or CW_OK where its last stage
 * had ended before; all bursts on the bus end first. For an interrupt handler, a timer or another
 * thread. Without a run it does nothing. */
cw_status_t cw_abort(cw_t* cw);

/* Cycles of layer `layer` of the last run by cause; see CW_CYCLES_*. The accelerator keeps those of
 * the last stage: a hook sees all. CW_ARGUMENT for an earlier layer and where the accelerator
 * recorded fewer. */
cw_status_t cw_layer_cycles(cw_t* cw, uint32_t layer, uint32_t cycles[CW_CYCLES_WORDS]);

#ifdef __cplusplus
}
#endif

#endif /* CW_RUNTIME_H */
