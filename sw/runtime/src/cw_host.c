/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

#include "cw_host.h"

#include "cw_program.h"

/* A weight of 32 bits shifted so far still fits 64 bits with its sign. */
#define MAX_SHIFT 31u

#define HOST_FIELD(data, name) \
  ((cw_load_word((data) + 4u * name##_WORD) & name##_MASK) >> name##_SHIFT)

/* The format is little-endian whatever the processor is. */
uint32_t cw_load_word(const uint8_t* bytes) {
  return (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) |
         ((uint32_t)bytes[3] << 24);
}

/* ---- decoding ---- */

static int32_t signed16(uint32_t value) { return (int32_t)(value ^ 0x8000u) - 0x8000; }

/* Fills `tensor`, of which `used` of the `stored` words of a block belong to the operation; false
 * where it is not inside the arena or its raster cannot hold the pixels. */
static bool place_tensor(const cw_softmax_t* softmax, cw_host_tensor_t* tensor, uint32_t used,
                         uint32_t stored, uint32_t arena_bytes) {
  if (tensor->pitch < softmax->width || tensor->image_rows < softmax->height || used > stored ||
      tensor->offset > arena_bytes) {
    return false;
  }
  const uint32_t room = arena_bytes - tensor->offset;
  const uint32_t used_bytes = used * softmax->words.bytes;
  /* (2^32 - 1) * (2^16 - 1)^2 is less than 2^64. */
  const uint64_t positions = (uint64_t)softmax->batch * tensor->image_rows * tensor->pitch;
  const uint64_t steps = (positions - 1u) / softmax->words.rows;
  tensor->block_bytes = stored * softmax->words.bytes;
  if (used_bytes > room || steps > (room - used_bytes) / tensor->block_bytes) {
    return false;
  }
  tensor->blocks = (uint32_t)steps + 1u;
  tensor->bytes = (uint32_t)steps * tensor->block_bytes + used_bytes;
  return true;
}

/* What a lane can hold. */
static bool clips_to_pixels(const cw_softmax_t* softmax) {
  const uint32_t bits = softmax->words.pixel_bits;
  const int32_t high = bits == 1u ? 1 : (int32_t)(UINT32_C(1) << (bits - 1u)) - 1;
  const int32_t low = bits == 1u ? -1 : -high - 1;
  return low <= softmax->clip_low && softmax->clip_low <= softmax->clip_high &&
         softmax->clip_high <= high;
}

static bool table_is_good(const cw_softmax_t* softmax, const cw_memory_t* stage, uint32_t offset) {
  return offset >= CW_HEADER_BYTES && offset <= stage->bytes && softmax->table_entries != 0 &&
         softmax->table_entries <= (stage->bytes - offset) / 4u &&
         cw_load_word(stage->data + offset) != 0;
}

cw_status_t cw_softmax_decode(cw_softmax_t* softmax, const cw_memory_t* stage, uint32_t offset,
                              uint32_t batch, uint32_t arena_bytes, const cw_words_t* words) {
  if (offset < CW_HEADER_BYTES || offset > stage->bytes || CW_HOST_BYTES > stage->bytes - offset) {
    return CW_BAD_PROGRAM;
  }
  const uint8_t* data = stage->data + offset;
  if (HOST_FIELD(data, CW_HOST_HOST_OPCODE) != CW_HOST_OPCODE_SOFTMAX) {
    return CW_BAD_PROGRAM;
  }
  softmax->words = *words;
  softmax->batch = batch;
  softmax->height = HOST_FIELD(data, CW_HOST_HEIGHT);
  softmax->width = HOST_FIELD(data, CW_HOST_WIDTH);
  softmax->channels = HOST_FIELD(data, CW_HOST_CHANNELS);
  softmax->runs = HOST_FIELD(data, CW_HOST_RUNS);
  softmax->table_entries = HOST_FIELD(data, CW_HOST_TABLE_ENTRIES);
  softmax->shift = HOST_FIELD(data, CW_HOST_SHIFT);
  softmax->clip_low = signed16(HOST_FIELD(data, CW_HOST_CLIP_LOW));
  softmax->clip_high = signed16(HOST_FIELD(data, CW_HOST_CLIP_HIGH));
  softmax->last = HOST_FIELD(data, CW_HOST_LAST_OPERATION) != 0;
  softmax->input.offset = HOST_FIELD(data, CW_HOST_INPUT_OFFSET);
  softmax->input.pitch = HOST_FIELD(data, CW_HOST_INPUT_PITCH);
  softmax->input.image_rows = HOST_FIELD(data, CW_HOST_INPUT_ROWS);
  softmax->output.offset = HOST_FIELD(data, CW_HOST_OUTPUT_OFFSET);
  softmax->output.pitch = HOST_FIELD(data, CW_HOST_OUTPUT_PITCH);
  softmax->output.image_rows = HOST_FIELD(data, CW_HOST_OUTPUT_ROWS);
  if (batch == 0 || softmax->height == 0 || softmax->width == 0 || softmax->channels == 0 ||
      softmax->runs == 0 || softmax->shift > MAX_SHIFT || !clips_to_pixels(softmax)) {
    return CW_BAD_PROGRAM;
  }
  const uint32_t table_offset = HOST_FIELD(data, CW_HOST_TABLE_OFFSET);
  if (!table_is_good(softmax, stage, table_offset)) {
    return CW_BAD_PROGRAM;
  }
  softmax->table = stage->data + table_offset;
  /* Both have 16 bits. */
  const uint32_t used = softmax->channels * softmax->runs;
  if (!place_tensor(softmax, &softmax->input, used, HOST_FIELD(data, CW_HOST_INPUT_CHANNELS),
                    arena_bytes) ||
      !place_tensor(softmax, &softmax->output, used, HOST_FIELD(data, CW_HOST_OUTPUT_CHANNELS),
                    arena_bytes)) {
    return CW_BAD_PROGRAM;
  }
  const bool same_raster = softmax->input.pitch == softmax->output.pitch &&
                           softmax->input.image_rows == softmax->output.image_rows &&
                           softmax->input.block_bytes == softmax->output.block_bytes;
  return softmax->input.offset == softmax->output.offset && !same_raster ? CW_BAD_PROGRAM : CW_OK;
}

/* ---- computing ---- */

/* A pixel of a tensor: the word of its first channel, and its lane in this and all others. */
typedef struct pixel {
  uint8_t* word;
  uint32_t lane;
} pixel_t;

static pixel_t find_pixel(const cw_softmax_t* softmax, const cw_host_tensor_t* tensor,
                          uint8_t* arena, uint32_t image, uint32_t h, uint32_t w) {
  const uint64_t row = (uint64_t)image * tensor->image_rows + h;
  const uint64_t position = row * tensor->pitch + w;
  /* Inside the arena, so that 32 bits hold it. */
  const uint32_t block = (uint32_t)(position / softmax->words.rows);
  pixel_t pixel;
  pixel.word = arena + tensor->offset + (size_t)block * tensor->block_bytes;
  pixel.lane = (uint32_t)(position % softmax->words.rows);
  return pixel;
}

static int32_t load_lane(const uint8_t* word, uint32_t lane, uint32_t bits) {
  const uint32_t shift = lane * bits % 8u;
  const uint8_t* byte = word + lane * bits / 8u;
  uint32_t value = 0;
  /* At most three bytes, and none behind the lane's last bit. */
  for (uint32_t i = 0; 8u * i < shift + bits; i++) {
    value |= (uint32_t)byte[i] << (8u * i);
  }
  value = (value >> shift) & ((UINT32_C(1) << bits) - 1u);
  if (bits == 1u) {
    return value == 0 ? 1 : -1;
  }
  const uint32_t sign = UINT32_C(1) << (bits - 1u);
  return (int32_t)(value ^ sign) - (int32_t)sign;
}

static void store_lane(uint8_t* word, uint32_t lane, uint32_t bits, int32_t value) {
  const uint32_t shift = lane * bits % 8u;
  uint8_t* byte = word + lane * bits / 8u;
  const uint32_t mask = (UINT32_C(1) << bits) - 1u;
  const uint32_t stored = bits == 1u ? (uint32_t)(value < 0) : (uint32_t)value & mask;
  for (uint32_t i = 0; 8u * i < shift + bits; i++) {
    const uint32_t keep = ~(mask << shift >> (8u * i));
    byte[i] = (uint8_t)((byte[i] & keep) | (stored << shift >> (8u * i)));
  }
}

static uint32_t weight_of(const cw_softmax_t* softmax, int32_t distance) {
  const uint32_t index = (uint32_t)distance;
  return index < softmax->table_entries ? cw_load_word(softmax->table + (size_t)index * 4u) : 0;
}

/* weight * 2^shift / sum, rounded half to even and clipped. */
static int32_t share_of(const cw_softmax_t* softmax, uint32_t weight, uint64_t sum) {
  const uint64_t scaled = (uint64_t)weight << softmax->shift;
  uint64_t quotient = scaled / sum;
  const uint64_t twice = 2u * (scaled - quotient * sum);
  if (twice > sum || (twice == sum && (quotient & 1u) != 0)) {
    quotient++;
  }
  const int32_t result = quotient > (uint64_t)INT32_MAX ? INT32_MAX : (int32_t)quotient;
  if (result < softmax->clip_low) {
    return softmax->clip_low;
  }
  return result > softmax->clip_high ? softmax->clip_high : result;
}

/* One run of one pixel. */
static void compute_run(const cw_softmax_t* softmax, pixel_t input, pixel_t output) {
  const uint32_t bits = softmax->words.pixel_bits;
  const uint32_t step = softmax->words.bytes;
  int32_t largest = load_lane(input.word, input.lane, bits);
  for (uint32_t c = 1; c < softmax->channels; c++) {
    const int32_t x = load_lane(input.word + (size_t)c * step, input.lane, bits);
    largest = x > largest ? x : largest;
  }
  uint64_t sum = 0;
  for (uint32_t c = 0; c < softmax->channels; c++) {
    const int32_t x = load_lane(input.word + (size_t)c * step, input.lane, bits);
    sum += weight_of(softmax, largest - x);
  }
  for (uint32_t c = 0; c < softmax->channels; c++) {
    /* Read before the write: they may be one lane. */
    const int32_t x = load_lane(input.word + (size_t)c * step, input.lane, bits);
    const int32_t y = share_of(softmax, weight_of(softmax, largest - x), sum);
    store_lane(output.word + (size_t)c * step, output.lane, bits, y);
  }
}

/* Zeros in all words of the output, so that their padding bits are. */
static void clear_output(const cw_softmax_t* softmax, uint8_t* arena) {
  const cw_host_tensor_t* output = &softmax->output;
  const uint32_t bytes = softmax->runs * softmax->channels * softmax->words.bytes;
  for (uint32_t block = 0; block < output->blocks; block++) {
    uint8_t* target = arena + output->offset + (size_t)block * output->block_bytes;
    for (uint32_t i = 0; i < bytes; i++) {
      target[i] = 0;
    }
  }
}

void cw_softmax_run(const cw_softmax_t* softmax, uint8_t* arena) {
  if (softmax->input.offset != softmax->output.offset) {
    clear_output(softmax, arena);
  }
  const size_t run_bytes = (size_t)softmax->channels * softmax->words.bytes;
  for (uint32_t image = 0; image < softmax->batch; image++) {
    for (uint32_t h = 0; h < softmax->height; h++) {
      for (uint32_t w = 0; w < softmax->width; w++) {
        pixel_t input = find_pixel(softmax, &softmax->input, arena, image, h, w);
        pixel_t output = find_pixel(softmax, &softmax->output, arena, image, h, w);
        for (uint32_t run = 0; run < softmax->runs; run++) {
          compute_run(softmax, input, output);
          input.word += run_bytes;
          output.word += run_bytes;
        }
      }
    }
  }
}
