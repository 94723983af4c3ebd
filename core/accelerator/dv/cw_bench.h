/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* The bench's C side: memory, files, the firmware that runs, and what is checked of it. One bench
 * a process, so its state is static. */
#ifndef CW_BENCH_H
#define CW_BENCH_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cw_hal.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CW_BENCH_PORTS = 4 };
enum { CW_BENCH_PROGRAM = 0, CW_BENCH_PIXELS = 1, CW_BENCH_OUTPUT = 2, CW_BENCH_RESIDUAL = 3 };

/* What a port has moved: whole beats, and for writes the bytes with a strobe. */
typedef struct cw_bench_traffic {
  uint64_t beats;
  uint64_t strobed_bytes;
} cw_bench_traffic_t;

/* ---- memory: cw_bench_memory.c ---- */

/* Allocates both regions; `bus` addresses differ with the seed, so that 4 KiB pages begin in other
 * places. False when there is no memory or the address width cannot hold it. */
bool cw_bench_memory_create(uint32_t program_bytes, uint32_t arena_bytes, uint32_t axi_bits,
                            uint32_t addr_bits, uint64_t seed);
cw_memory_t cw_bench_memory_program(void);
cw_memory_t cw_bench_memory_arena(void);
/* The arena's bytes with those that fill up its last beat. */
uint64_t cw_bench_memory_arena_size(void);
/* What the arena holds before a run: bytes that depend on `seed`, so that what nobody wrote shows,
 * and the input tensor, which has to stay as it is until the next call. */
void cw_bench_memory_prepare_arena(uint64_t seed, const uint8_t* input, uint32_t offset,
                                   uint32_t bytes);
/* What the last cw_bench_memory_prepare_arena wrote at `offset`: `bytes` bytes to `target`. */
void cw_bench_memory_prepared(uint64_t offset, size_t bytes, uint8_t* target);
/* Whether it wrote a byte of the input tensor at `offset`. */
bool cw_bench_memory_is_input(uint64_t offset);
cw_bench_traffic_t cw_bench_memory_traffic(int port);
/* Beats outside of both regions. */
uint64_t cw_bench_memory_outside(void);

/* ---- checking: cw_bench_check.c ---- */

/* A tensor that a layer or the host writes, as a line of tensors.txt says. */
typedef struct cw_bench_tensor {
  char layer[96];
  char type[32];
  uint32_t offset;
  uint32_t batch;
  uint32_t height;
  uint32_t width;
  uint32_t channels;
  uint32_t pitch;
  uint32_t image_rows;
  uint32_t bits;
  uint64_t mismatches; /* over all batches */
} cw_bench_tensor_t;

/* Bytes of the arena. */
typedef struct cw_bench_range {
  uint64_t begin;
  uint64_t end;
} cw_bench_range_t;

typedef struct cw_bench_tensors {
  cw_bench_tensor_t* items;
  size_t count;
  cw_bench_range_t* untouched; /* what belongs to no tensor, in order */
  size_t untouched_count;
} cw_bench_tensors_t;

/* Reads tensors.txt; false, with a message, when the file is missing, has a line that is no tensor
 * or one that does not fit in `arena_bytes`. The arena exists already. */
bool cw_bench_tensors_read(const char* path, uint32_t rows, uint32_t pixel_bits,
                           uint32_t arena_bytes, cw_bench_tensors_t* tensors);
/* Compares all tensors with the expected arena, lanes that are no pixel left out. Prints the first
 * differences of each layer. Returns the number of wrong elements and of words whose padding bits
 * are not zero. */
uint64_t cw_bench_tensors_compare(cw_bench_tensors_t* tensors, uint32_t rows, uint32_t pixel_bits,
                                  uint32_t run, const uint8_t* expected, const uint8_t* got);
/* Compares all that belongs to no tensor, the input included, with what the arena held before the
 * run. Prints the first places. Returns the number of bytes that have changed. */
uint64_t cw_bench_untouched_compare(const cw_bench_tensors_t* tensors, uint32_t run,
                                    const uint8_t* got);

/* ---- for main.cpp: cw_bench_firmware.c ---- */

/* Writes the results if the simulation stopped before the bench's end: a failed assertion. */
void cw_bench_abandon(void);

#ifdef __cplusplus
}
#endif

#endif /* CW_BENCH_H */
