/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

#include <stdlib.h>
#include <string.h>

#include "cw_bench.h"
#include "cw_runtime.h"

#define MAX_SHOWN 5u
#define MAX_WORD_BYTES 256u
#define CHUNK_BYTES 4096u

static uint32_t word_bytes(uint32_t rows, uint32_t pixel_bits) {
  return CW_WORD_BYTES(rows, pixel_bits);
}

static uint64_t tensor_blocks(const cw_bench_tensor_t* t, uint32_t rows) {
  const uint64_t positions = (uint64_t)t->batch * t->image_rows * t->pitch;
  return (positions + rows - 1u) / rows;
}

static uint64_t tensor_bytes(const cw_bench_tensor_t* t, uint32_t rows, uint32_t pixel_bits) {
  return tensor_blocks(t, rows) * t->channels * word_bytes(rows, pixel_bits);
}

static int compare_ranges(const void* left, const void* right) {
  const cw_bench_range_t* a = (const cw_bench_range_t*)left;
  const cw_bench_range_t* b = (const cw_bench_range_t*)right;
  return (a->begin > b->begin) - (a->begin < b->begin);
}

/* What is between the tensors, in front of and behind them. */
static bool find_untouched(cw_bench_tensors_t* tensors, uint32_t rows, uint32_t pixel_bits) {
  const size_t count = tensors->count;
  const uint64_t arena_end = cw_bench_memory_arena_size();
  cw_bench_range_t* ranges = (cw_bench_range_t*)calloc(count, sizeof(cw_bench_range_t));
  tensors->untouched = (cw_bench_range_t*)calloc(count + 1u, sizeof(cw_bench_range_t));
  if (ranges == NULL || tensors->untouched == NULL) {
    free(ranges);
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    const cw_bench_tensor_t* t = &tensors->items[i];
    ranges[i].begin = t->offset;
    ranges[i].end = t->offset + tensor_bytes(t, rows, pixel_bits);
  }
  qsort(ranges, count, sizeof(cw_bench_range_t), compare_ranges);
  uint64_t end = 0;
  for (size_t i = 0; i <= count; i++) {
    const uint64_t begin = i < count ? ranges[i].begin : arena_end;
    if (end < begin) {
      tensors->untouched[tensors->untouched_count].begin = end;
      tensors->untouched[tensors->untouched_count].end = begin;
      tensors->untouched_count++;
    }
    if (i < count && ranges[i].end > end) {
      end = ranges[i].end;
    }
  }
  free(ranges);
  return true;
}

bool cw_bench_tensors_read(const char* path, uint32_t rows, uint32_t pixel_bits,
                           uint32_t arena_bytes, cw_bench_tensors_t* tensors) {
  FILE* file = fopen(path, "r");
  char line[512];
  unsigned number = 0;
  memset(tensors, 0, sizeof *tensors);
  if (file == NULL || word_bytes(rows, pixel_bits) > MAX_WORD_BYTES) {
    printf("ERROR %s: %s\n", path, file == NULL ? "cannot open" : "words are too wide");
    if (file != NULL) {
      fclose(file);
    }
    return false;
  }
  while (fgets(line, (int)sizeof line, file) != NULL) {
    cw_bench_tensor_t t;
    number++;
    if (line[0] == '#' || line[0] == '\n') {
      continue;
    }
    memset(&t, 0, sizeof t);
    const int fields =
        sscanf(line, "%95s %31s %u %u %u %u %u %u %u %u", t.layer, t.type, &t.offset, &t.batch,
               &t.height, &t.width, &t.channels, &t.pitch, &t.image_rows, &t.bits);
    bool good = fields == 10 && t.batch != 0 && t.width != 0 && t.height != 0 &&
                t.pitch >= t.width && t.image_rows >= t.height && t.bits <= pixel_bits;
    if (good) {
      good = t.offset + tensor_bytes(&t, rows, pixel_bits) <= arena_bytes;
    }
    cw_bench_tensor_t* items =
        good ? (cw_bench_tensor_t*)realloc(tensors->items, (tensors->count + 1u) * sizeof t) : NULL;
    if (items == NULL) {
      printf("ERROR %s:%u: not a tensor inside the arena of %u bytes\n", path, number, arena_bytes);
      fclose(file);
      return false;
    }
    tensors->items = items;
    tensors->items[tensors->count++] = t;
  }
  fclose(file);
  if (tensors->count == 0) {
    printf("ERROR %s: no tensor, so that nothing would be checked\n", path);
    return false;
  }
  if (!find_untouched(tensors, rows, pixel_bits)) {
    printf("ERROR %s: no memory for %zu tensors\n", path, tensors->count);
    return false;
  }
  return true;
}

/* Lane `lane` of a word as a signed number; a single bit is +1 or -1. */
static int32_t lane_value(const uint8_t* word, uint32_t lane, uint32_t bits) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < bits; i++) {
    const uint32_t bit = lane * bits + i;
    value |= (uint32_t)(word[bit / 8u] >> (bit % 8u) & 1u) << i;
  }
  if (bits == 1u) {
    return 1 - 2 * (int32_t)value;
  }
  const uint32_t sign = UINT32_C(1) << (bits - 1u);
  return (int32_t)(value ^ sign) - (int32_t)sign;
}

/* A tensor's pixel that lane `lane` of `block` holds; false for a lane that is none. */
static bool locate(const cw_bench_tensor_t* t, uint32_t rows, uint64_t block, uint32_t lane,
                   uint32_t* image, uint32_t* h, uint32_t* w) {
  const uint64_t position = block * rows + lane;
  const uint64_t row = position / t->pitch;
  *w = (uint32_t)(position % t->pitch);
  *h = (uint32_t)(row % t->image_rows);
  *image = (uint32_t)(row / t->image_rows);
  return *w < t->width && *h < t->height && *image < t->batch;
}

static uint64_t compare_word(const cw_bench_tensor_t* t, uint32_t rows, uint32_t pixel_bits,
                             uint32_t run, uint64_t block, uint32_t channel, uint64_t shown,
                             const uint8_t* expected, const uint8_t* got) {
  uint64_t wrong = 0;
  for (uint32_t lane = 0; lane < rows; lane++) {
    uint32_t image;
    uint32_t h;
    uint32_t w;
    if (!locate(t, rows, block, lane, &image, &h, &w)) {
      continue;
    }
    const int32_t want = lane_value(expected, lane, pixel_bits);
    const int32_t have = lane_value(got, lane, pixel_bits);
    if (want != have) {
      if (shown + wrong < MAX_SHOWN) {
        printf("MISMATCH layer=%s run=%u image=%u h=%u w=%u c=%u expected=%d got=%d\n", t->layer,
               run, image, h, w, channel, want, have);
      }
      wrong++;
    }
  }
  return wrong;
}

static uint64_t compare_tensor(const cw_bench_tensor_t* t, uint32_t rows, uint32_t pixel_bits,
                               uint32_t run, const uint8_t* expected, const uint8_t* got) {
  const uint32_t bytes = word_bytes(rows, pixel_bits);
  const uint64_t blocks = tensor_blocks(t, rows);
  uint64_t wrong = 0;
  for (uint64_t block = 0; block < blocks; block++) {
    const uint64_t start = t->offset + block * t->channels * bytes;
    if (memcmp(expected + start, got + start, (size_t)t->channels * bytes) == 0) {
      continue;
    }
    uint8_t mask[MAX_WORD_BYTES];
    memset(mask, 0, sizeof mask);
    /* The padding bits, behind the last lane, are specified, too. */
    mask[bytes - 1u] = (uint8_t)(UINT32_C(0xFF00) >> (bytes * 8u - rows * pixel_bits));
    const uint8_t padding = mask[bytes - 1u];
    for (uint32_t lane = 0; lane < rows; lane++) {
      uint32_t image;
      uint32_t h;
      uint32_t w;
      if (locate(t, rows, block, lane, &image, &h, &w)) {
        for (uint32_t bit = lane * pixel_bits; bit < (lane + 1u) * pixel_bits; bit++) {
          mask[bit / 8u] = (uint8_t)(mask[bit / 8u] | 1u << (bit % 8u));
        }
      }
    }
    for (uint32_t channel = 0; channel < t->channels; channel++) {
      const uint8_t* want = expected + start + (uint64_t)channel * bytes;
      const uint8_t* have = got + start + (uint64_t)channel * bytes;
      uint32_t difference = 0;
      for (uint32_t i = 0; i < bytes; i++) {
        difference |= (uint32_t)(want[i] ^ have[i]) & mask[i];
      }
      if (difference != 0) {
        wrong += compare_word(t, rows, pixel_bits, run, block, channel, wrong, want, have);
      }
      const uint32_t last = bytes - 1u;
      if (((want[last] ^ have[last]) & padding) != 0) {
        if (wrong < MAX_SHOWN) {
          printf("PADDING layer=%s run=%u block=%llu c=%u expected=0x%02x got=0x%02x\n", t->layer,
                 run, (unsigned long long)block, channel, (unsigned)(want[last] & padding),
                 (unsigned)(have[last] & padding));
        }
        wrong++;
      }
    }
  }
  return wrong;
}

uint64_t cw_bench_tensors_compare(cw_bench_tensors_t* tensors, uint32_t rows, uint32_t pixel_bits,
                                  uint32_t run, const uint8_t* expected, const uint8_t* got) {
  uint64_t total = 0;
  for (size_t i = 0; i < tensors->count; i++) {
    cw_bench_tensor_t* t = &tensors->items[i];
    const uint64_t wrong = compare_tensor(t, rows, pixel_bits, run, expected, got);
    if (wrong != 0) {
      printf("MISMATCH layer=%s run=%u count=%llu of %llu\n", t->layer, run,
             (unsigned long long)wrong,
             (unsigned long long)t->batch * t->height * t->width * t->channels);
    }
    t->mismatches += wrong;
    total += wrong;
  }
  return total;
}

/* Bytes that have changed one behind the other although nobody may write them. */
static void show_stray(const cw_bench_tensors_t* tensors, uint32_t run, cw_bench_range_t stray) {
  const cw_bench_tensor_t* before = NULL;
  for (size_t i = 0; i < tensors->count; i++) {
    const cw_bench_tensor_t* t = &tensors->items[i];
    if (t->offset <= stray.begin && (before == NULL || t->offset > before->offset)) {
      before = t;
    }
  }
  printf("STRAY run=%u offset=%llu bytes=%llu ", run, (unsigned long long)stray.begin,
         (unsigned long long)(stray.end - stray.begin));
  if (cw_bench_memory_is_input(stray.begin)) {
    printf("in the input\n");
  } else if (before != NULL) {
    printf("behind layer=%s\n", before->layer);
  } else {
    printf("in front of all layers\n");
  }
}

uint64_t cw_bench_untouched_compare(const cw_bench_tensors_t* tensors, uint32_t run,
                                    const uint8_t* got) {
  uint8_t before[CHUNK_BYTES];
  uint64_t wrong = 0;
  uint32_t shown = 0;
  for (size_t i = 0; i < tensors->untouched_count; i++) {
    const cw_bench_range_t range = tensors->untouched[i];
    cw_bench_range_t stray = {0, 0}; /* the one that may still grow */
    for (uint64_t chunk = range.begin; chunk < range.end; chunk += CHUNK_BYTES) {
      const uint64_t left = range.end - chunk;
      const size_t bytes = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
      cw_bench_memory_prepared(chunk, bytes, before);
      if (memcmp(before, got + chunk, bytes) == 0) {
        continue;
      }
      for (size_t byte = 0; byte < bytes; byte++) {
        const uint64_t offset = chunk + byte;
        if (before[byte] == got[offset]) {
          continue;
        }
        if (stray.end != offset) {
          if (stray.end != 0 && shown++ < MAX_SHOWN) {
            show_stray(tensors, run, stray);
          }
          stray.begin = offset;
        }
        stray.end = offset + 1u;
        wrong++;
      }
    }
    if (stray.end != 0 && shown++ < MAX_SHOWN) {
      show_stray(tensors, run, stray);
    }
  }
  return wrong;
}
