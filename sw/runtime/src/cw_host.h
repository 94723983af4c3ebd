/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* What the processor computes between two stages: "Stages and host operations" in
 * docs/architecture.md. Of the runtime only; applications use cw_runtime.h. */
#ifndef CW_HOST_H
#define CW_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "cw_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The accelerator's words: lanes of a word and bits of a lane, 1 to 16. */
typedef struct cw_words {
  uint32_t rows;
  uint32_t pixel_bits;
  uint32_t bytes; /* of a word */
} cw_words_t;

/* One tensor of an operation; offsets count from the arena's start. */
typedef struct cw_host_tensor {
  uint32_t offset;      /* first word */
  uint32_t bytes;       /* to the end of the last word that the operation touches */
  uint32_t block_bytes; /* from a block to the next */
  uint32_t blocks;
  uint32_t pitch;
  uint32_t image_rows;
} cw_host_tensor_t;

typedef struct cw_softmax {
  cw_words_t words;
  cw_host_tensor_t input;
  cw_host_tensor_t output;
  uint32_t batch;
  uint32_t height;
  uint32_t width;
  uint32_t channels; /* of a run */
  uint32_t runs;
  const uint8_t* table; /* little-endian words */
  uint32_t table_entries;
  uint32_t shift;
  int32_t clip_low;
  int32_t clip_high;
  bool last; /* no operation follows */
} cw_softmax_t;

/* The little-endian word at `bytes`, which need not be aligned. */
uint32_t cw_load_word(const uint8_t* bytes);

/* Decodes the operation at `offset` of the stage in `stage` and checks it: opcode, that it and its
 * table lie in the stage and its tensors in an arena of `arena_bytes`, and that its results are
 * pixels. CW_BAD_PROGRAM where one of these is not so. */
cw_status_t cw_softmax_decode(cw_softmax_t* softmax, const cw_memory_t* stage, uint32_t offset,
                              uint32_t batch, uint32_t arena_bytes, const cw_words_t* words);

/* Computes an operation that cw_softmax_decode has accepted. Input and output may be one tensor;
 * otherwise they have no word in common. */
void cw_softmax_run(const cw_softmax_t* softmax, uint8_t* arena);

#ifdef __cplusplus
}
#endif

#endif /* CW_HOST_H */
