/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

#include <stdlib.h>
#include <string.h>

#include "cw_bench.h"
#include "svdpi.h"

/* Beats may reach beyond a region's last byte, to the end of a bus word. */
#define SLACK_BYTES 64u

static struct {
  cw_memory_t program;
  cw_memory_t arena;
  uint32_t beat_bytes;
  uint64_t fill; /* where the sequence begins that fills the arena */
  const uint8_t* input;
  uint32_t input_offset;
  uint32_t input_bytes;
  cw_bench_traffic_t traffic[CW_BENCH_PORTS];
  uint64_t outside;
} memory;

#define SPLITMIX_STEP UINT64_C(0x9E3779B97F4A7C15)

/* splitmix64 */
static uint64_t mix(uint64_t x) {
  x += SPLITMIX_STEP;
  x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
  return x ^ (x >> 31);
}

static uint64_t padded(uint32_t bytes) {
  return ((uint64_t)bytes + SLACK_BYTES - 1u) / SLACK_BYTES * SLACK_BYTES;
}

static bool create(cw_memory_t* region, uint64_t bus_address, uint32_t bytes) {
  region->data = (uint8_t*)calloc(1, (size_t)padded(bytes) + SLACK_BYTES);
  region->bus_address = bus_address;
  region->bytes = bytes;
  return region->data != NULL;
}

bool cw_bench_memory_create(uint32_t program_bytes, uint32_t arena_bytes, uint32_t axi_bits,
                            uint32_t addr_bits, uint64_t seed) {
  const uint64_t quarter = UINT64_C(1) << (addr_bits - 2u);
  const uint64_t shift = mix(seed);
  memory.beat_bytes = axi_bits / 8u;
  if (padded(program_bytes) + 8192u > quarter || padded(arena_bytes) + 8192u > quarter) {
    return false;
  }
  return create(&memory.program, quarter + (shift & 63u) * 64u, program_bytes) &&
         create(&memory.arena, 2u * quarter + ((shift >> 6) & 63u) * 64u, arena_bytes);
}

cw_memory_t cw_bench_memory_program(void) { return memory.program; }

cw_memory_t cw_bench_memory_arena(void) { return memory.arena; }

cw_bench_traffic_t cw_bench_memory_traffic(int port) { return memory.traffic[port]; }

uint64_t cw_bench_memory_outside(void) { return memory.outside; }

uint64_t cw_bench_memory_arena_size(void) { return padded(memory.arena.bytes); }

/* Any 64-bit word of the filling without those before it, so that nobody needs a copy of it. */
static uint64_t filling(uint64_t word) { return mix(memory.fill + word * SPLITMIX_STEP); }

void cw_bench_memory_prepare_arena(uint64_t seed, const uint8_t* input, uint32_t offset,
                                   uint32_t bytes) {
  memory.fill = mix(seed);
  memory.input = input;
  memory.input_offset = offset;
  memory.input_bytes = bytes;
  cw_bench_memory_prepared(0, (size_t)padded(memory.arena.bytes), memory.arena.data);
}

void cw_bench_memory_prepared(uint64_t offset, size_t bytes, uint8_t* target) {
  uint64_t value = filling(offset / sizeof value);
  const size_t skipped = (size_t)(offset % sizeof value);
  size_t done = sizeof value - skipped < bytes ? sizeof value - skipped : bytes;
  memcpy(target, (const uint8_t*)&value + skipped, done);
  while (bytes - done >= sizeof value) {
    value = filling((offset + done) / sizeof value);
    memcpy(target + done, &value, sizeof value);
    done += sizeof value;
  }
  if (done < bytes) {
    value = filling((offset + done) / sizeof value);
    memcpy(target + done, &value, bytes - done);
  }
  const uint64_t input_end = (uint64_t)memory.input_offset + memory.input_bytes;
  const uint64_t begin = offset > memory.input_offset ? offset : memory.input_offset;
  const uint64_t end = offset + bytes < input_end ? offset + bytes : input_end;
  if (begin < end) {
    memcpy(target + (begin - offset), memory.input + (begin - memory.input_offset),
           (size_t)(end - begin));
  }
}

bool cw_bench_memory_is_input(uint64_t offset) {
  return offset >= memory.input_offset && offset - memory.input_offset < memory.input_bytes;
}

static bool is_inside(const cw_memory_t* region, uint64_t address) {
  return address >= region->bus_address && address - region->bus_address < padded(region->bytes);
}

/* The memory behind a beat, or NULL where the port has none: constants in the program may be read
 * as pixels, activations as weights. */
static uint8_t* locate(int port, uint64_t address) {
  memory.traffic[port].beats++;
  if (is_inside(&memory.arena, address)) {
    return memory.arena.data + (address - memory.arena.bus_address);
  }
  if ((port == CW_BENCH_PROGRAM || port == CW_BENCH_PIXELS) &&
      is_inside(&memory.program, address)) {
    return memory.program.data + (address - memory.program.bus_address);
  }
  if (memory.outside == 0) {
    printf("OUTSIDE port=%d address=0x%llx\n", port, (unsigned long long)address);
  }
  memory.outside++;
  return NULL;
}

/* The same for a beat that is written: the bytes with a strobe have to be in the arena, whose last
 * beat may be longer than it is. */
static uint8_t* locate_written(int port, uint64_t address, uint64_t strobe) {
  uint8_t* target = locate(port, address);
  memory.traffic[port].strobed_bytes += (uint64_t)__builtin_popcountll(strobe);
  if (target == NULL) {
    return NULL;
  }
  const uint64_t offset = address - memory.arena.bus_address;
  const uint64_t left = offset < memory.arena.bytes ? memory.arena.bytes - offset : 0;
  if (left < 64u && strobe >> left != 0) {
    printf("OUTSIDE port=%d address=0x%llx strobe=0x%llx\n", port, (unsigned long long)address,
           (unsigned long long)strobe);
    memory.outside++;
  }
  return target;
}

#ifdef __cplusplus
extern "C" {
#endif

long long cw_bench_read64(int mem_port, long long address);
void cw_bench_write64(int mem_port, long long address, long long data, int strobe);
void cw_bench_read512(int mem_port, long long address, svBitVecVal* data);
void cw_bench_write512(int mem_port, long long address, const svBitVecVal* data,
                       const svBitVecVal* strobe);

long long cw_bench_read64(int mem_port, long long address) {
  const uint8_t* source = locate(mem_port, (uint64_t)address);
  uint64_t data = UINT64_C(0xDEADDEADDEADDEAD);
  if (source != NULL) {
    /* Never beyond the region: it is padded by more than a beat. */
    memcpy(&data, source, sizeof data);
  }
  return (long long)data;
}

void cw_bench_write64(int mem_port, long long address, long long data, int strobe) {
  uint8_t* target = locate_written(mem_port, (uint64_t)address, (unsigned)strobe);
  const uint64_t value = (uint64_t)data;
  if (target == NULL) {
    return;
  }
  if (strobe == 0xFF) {
    memcpy(target, &value, sizeof value);
    return;
  }
  for (uint32_t i = 0; i < memory.beat_bytes; i++) {
    if (((unsigned)strobe >> i & 1u) != 0) {
      target[i] = (uint8_t)(value >> (8u * i));
    }
  }
}

void cw_bench_read512(int mem_port, long long address, svBitVecVal* data) {
  const uint8_t* source = locate(mem_port, (uint64_t)address);
  memset(data, 0xDE, 64);
  if (source != NULL) {
    memcpy(data, source, memory.beat_bytes);
  }
}

void cw_bench_write512(int mem_port, long long address, const svBitVecVal* data,
                       const svBitVecVal* strobe) {
  const uint64_t mask = (uint64_t)strobe[1] << 32 | strobe[0];
  uint8_t* target = locate_written(mem_port, (uint64_t)address, mask);
  const uint8_t* bytes = (const uint8_t*)data;
  if (target == NULL) {
    return;
  }
  for (uint32_t i = 0; i < memory.beat_bytes; i++) {
    if ((mask >> i & 1u) != 0) {
      target[i] = bytes[i];
    }
  }
}

#ifdef __cplusplus
}
#endif
