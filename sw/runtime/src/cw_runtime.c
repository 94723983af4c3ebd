/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

#include "cw_runtime.h"

#include "cw_program.h"
#include "cw_regs.h"

#define CW_ADDRESS_ALIGNMENT 64u
#define CW_DEFAULT_TIMEOUT_US 10000000u
/* After an abort the accelerator only completes the bursts that it has issued. */
#define CW_ABORT_TIMEOUT_US 100000u

#define CW_IRQ_MASK (CW_REGS_IRQ_STATUS_DONE_MASK | CW_REGS_IRQ_STATUS_ERROR_MASK)

/* The format is little-endian whatever the processor is. */
static uint32_t load_word(const uint8_t* bytes) {
  return (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) |
         ((uint32_t)bytes[3] << 24);
}

static uint32_t header_word(const uint8_t* program, uint32_t word) {
  return load_word(program + 4u * word);
}

static uint32_t read_register(const cw_t* cw, uint32_t offset) {
  return cw->hal->read32(cw->hal->context, offset);
}

static void write_register(const cw_t* cw, uint32_t offset, uint32_t value) {
  cw->hal->write32(cw->hal->context, offset, value);
}

static void flush(const cw_t* cw, const void* data, size_t bytes) {
  cw->hal->flush(cw->hal->context, data, bytes);
}

static void invalidate(const cw_t* cw, void* data, size_t bytes) {
  cw->hal->invalidate(cw->hal->context, data, bytes);
}

static uint64_t now_us(const cw_t* cw) { return cw->hal->microseconds(cw->hal->context); }

const char* cw_status_string(cw_status_t status) {
  switch (status) {
    case CW_OK:
      return "OK";
    case CW_BAD_PROGRAM:
      return "BAD_PROGRAM";
    case CW_WRONG_HARDWARE:
      return "WRONG_HARDWARE";
    case CW_BAD_DESCRIPTOR:
      return "BAD_DESCRIPTOR";
    case CW_WINDOW:
      return "WINDOW";
    case CW_AXI_READ_PROGRAM:
      return "AXI_READ_PROGRAM";
    case CW_AXI_READ_PIXELS:
      return "AXI_READ_PIXELS";
    case CW_AXI_WRITE:
      return "AXI_WRITE";
    case CW_WATCHDOG:
      return "WATCHDOG";
    case CW_ABORTED:
      return "ABORTED";
    case CW_TIMEOUT:
      return "TIMEOUT";
    case CW_ARGUMENT:
      return "ARGUMENT";
    case CW_MEMORY:
      return "MEMORY";
    case CW_NO_DEVICE:
      return "NO_DEVICE";
    case CW_CORRUPTED:
      return "CORRUPTED";
    case CW_NOT_LOADED:
      return "NOT_LOADED";
    case CW_BUSY:
      return "BUSY";
    case CW_UNKNOWN_ERROR:
      return "UNKNOWN_ERROR";
  }
  return "INVALID_STATUS";
}

static cw_status_t status_of_error(uint32_t code) {
  switch (code) {
    case CW_ERROR_BAD_PROGRAM:
      return CW_BAD_PROGRAM;
    case CW_ERROR_WRONG_HARDWARE:
      return CW_WRONG_HARDWARE;
    case CW_ERROR_BAD_DESCRIPTOR:
      return CW_BAD_DESCRIPTOR;
    case CW_ERROR_WINDOW:
      return CW_WINDOW;
    case CW_ERROR_AXI_READ_PROGRAM:
      return CW_AXI_READ_PROGRAM;
    case CW_ERROR_AXI_READ_PIXELS:
      return CW_AXI_READ_PIXELS;
    case CW_ERROR_AXI_WRITE:
      return CW_AXI_WRITE;
    case CW_ERROR_WATCHDOG:
      return CW_WATCHDOG;
    case CW_ERROR_ABORTED:
      return CW_ABORTED;
    default:
      /* An error without a code is one too. */
      return CW_UNKNOWN_ERROR;
  }
}

uint32_t cw_crc32(uint32_t crc, const void* data, size_t bytes) {
  /* A nibble a step: 64 bytes of table for half the speed of the usual 1 KiB. */
  static const uint32_t table[16] = {0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu,
                                     0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
                                     0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
                                     0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
  const uint8_t* byte = (const uint8_t*)data;
  crc = ~crc;
  for (size_t i = 0; i < bytes; i++) {
    crc ^= byte[i];
    crc = (crc >> 4) ^ table[crc & 15u];
    crc = (crc >> 4) ^ table[crc & 15u];
  }
  return ~crc;
}

cw_status_t cw_init(cw_t* cw, const cw_hal_t* hal) {
  if (cw == NULL || hal == NULL || hal->read32 == NULL || hal->write32 == NULL ||
      hal->flush == NULL || hal->invalidate == NULL || hal->microseconds == NULL) {
    return CW_ARGUMENT;
  }
  const cw_memory_t nothing = {NULL, 0, 0};
  cw->hal = hal;
  cw->program = nothing;
  cw->arena = nothing;
  cw->layers = 0;
  cw->input_offset = 0;
  cw->input_bytes = 0;
  cw->output_offset = 0;
  cw->output_bytes = 0;
  cw->batch = 0;
  cw->timeout_us = CW_DEFAULT_TIMEOUT_US;
  cw->loaded = false;
  cw->cycles = 0;
  cw->error_code = CW_ERROR_NONE;
  cw->error_info = 0;
  cw->error_layer = 0;
  if (read_register(cw, CW_REGS_ID_OFFSET) != CW_REGS_ID_RESET) {
    return CW_NO_DEVICE;
  }
  /* A newer minor version only adds registers. */
  const uint32_t version = read_register(cw, CW_REGS_VERSION_OFFSET);
  if ((version & CW_REGS_VERSION_MAJOR_MASK) !=
      (CW_REGS_VERSION_RESET & CW_REGS_VERSION_MAJOR_MASK)) {
    return CW_NO_DEVICE;
  }
  return CW_OK;
}

static bool region_is_inside(uint32_t offset, uint32_t bytes, uint32_t total) {
  return offset <= total && bytes <= total - offset;
}

/* Everything about a program that can be checked without its hardware, but for the body's CRC. */
static cw_status_t check_header(const cw_memory_t* program) {
  const uint8_t* data = program->data;
  if (program->bytes < CW_HEADER_BYTES) {
    return CW_BAD_PROGRAM;
  }
  if (header_word(data, CW_HEADER_MAGIC_WORD) != CW_PROGRAM_MAGIC) {
    return CW_BAD_PROGRAM;
  }
  /* Before the version: a flipped bit in it is no other version. */
  if (header_word(data, CW_HEADER_HEADER_CRC_WORD) !=
      cw_crc32(0, data, CW_HEADER_HEADER_CRC_WORD * 4u)) {
    return CW_CORRUPTED;
  }
  if (header_word(data, CW_HEADER_VERSION_WORD) != CW_PROGRAM_VERSION) {
    return CW_BAD_PROGRAM;
  }
  const uint32_t total = header_word(data, CW_HEADER_PROGRAM_BYTES_WORD);
  const uint32_t layers = header_word(data, CW_HEADER_LAYERS_WORD);
  const uint32_t descriptors = header_word(data, CW_HEADER_DESCRIPTOR_OFFSET_WORD);
  if (total < CW_HEADER_BYTES || total > program->bytes) {
    return CW_BAD_PROGRAM;
  }
  if (layers == 0 || layers > total / CW_DESCRIPTOR_BYTES || descriptors < CW_HEADER_BYTES ||
      !region_is_inside(descriptors, layers * CW_DESCRIPTOR_BYTES, total)) {
    return CW_BAD_PROGRAM;
  }
  const uint32_t arena = header_word(data, CW_HEADER_ARENA_BYTES_WORD);
  if (!region_is_inside(header_word(data, CW_HEADER_INPUT_OFFSET_WORD),
                        header_word(data, CW_HEADER_INPUT_BYTES_WORD), arena) ||
      !region_is_inside(header_word(data, CW_HEADER_OUTPUT_OFFSET_WORD),
                        header_word(data, CW_HEADER_OUTPUT_BYTES_WORD), arena)) {
    return CW_BAD_PROGRAM;
  }
  return CW_OK;
}

cw_status_t cw_program_arena_bytes(const cw_memory_t* program, uint32_t* bytes) {
  if (program == NULL || program->data == NULL || bytes == NULL) {
    return CW_ARGUMENT;
  }
  const cw_status_t status = check_header(program);
  if (status == CW_OK) {
    *bytes = header_word(program->data, CW_HEADER_ARENA_BYTES_WORD);
  }
  return status;
}

cw_status_t cw_load(cw_t* cw, const cw_memory_t* program, const cw_memory_t* arena) {
  if (cw == NULL || program == NULL || program->data == NULL || arena == NULL ||
      arena->data == NULL || program->bus_address % CW_ADDRESS_ALIGNMENT != 0 ||
      arena->bus_address % CW_ADDRESS_ALIGNMENT != 0) {
    return CW_ARGUMENT;
  }
  cw->loaded = false;
  const cw_status_t status = check_header(program);
  if (status != CW_OK) {
    return status;
  }
  const uint8_t* data = program->data;
  if (header_word(data, CW_HEADER_HARDWARE_HASH_WORD) !=
      read_register(cw, CW_REGS_HW_HASH_OFFSET)) {
    return CW_WRONG_HARDWARE;
  }
  const uint32_t total = header_word(data, CW_HEADER_PROGRAM_BYTES_WORD);
  if (header_word(data, CW_HEADER_BODY_CRC_WORD) !=
      cw_crc32(0, data + CW_HEADER_BYTES, total - CW_HEADER_BYTES)) {
    return CW_CORRUPTED;
  }
  const uint32_t arena_bytes = header_word(data, CW_HEADER_ARENA_BYTES_WORD);
  if (arena->bytes < arena_bytes) {
    return CW_MEMORY;
  }
  cw->program = *program;
  cw->program.bytes = total;
  cw->arena = *arena;
  cw->arena.bytes = arena_bytes;
  cw->layers = header_word(data, CW_HEADER_LAYERS_WORD);
  cw->input_offset = header_word(data, CW_HEADER_INPUT_OFFSET_WORD);
  cw->input_bytes = header_word(data, CW_HEADER_INPUT_BYTES_WORD);
  cw->output_offset = header_word(data, CW_HEADER_OUTPUT_OFFSET_WORD);
  cw->output_bytes = header_word(data, CW_HEADER_OUTPUT_BYTES_WORD);
  cw->batch = header_word(data, CW_HEADER_BATCH_WORD);
  /* All of the arena once: a dirty line written back later would destroy a tensor. */
  flush(cw, cw->program.data, total);
  flush(cw, cw->arena.data, arena_bytes);
  cw->loaded = true;
  return CW_OK;
}

uint8_t* cw_input(const cw_t* cw) {
  return cw != NULL && cw->loaded ? cw->arena.data + cw->input_offset : NULL;
}

const uint8_t* cw_output(const cw_t* cw) {
  return cw != NULL && cw->loaded ? cw->arena.data + cw->output_offset : NULL;
}

uint32_t cw_input_bytes(const cw_t* cw) { return cw != NULL && cw->loaded ? cw->input_bytes : 0; }

uint32_t cw_output_bytes(const cw_t* cw) { return cw != NULL && cw->loaded ? cw->output_bytes : 0; }

uint32_t cw_batch(const cw_t* cw) { return cw != NULL && cw->loaded ? cw->batch : 0; }

uint32_t cw_layers(const cw_t* cw) { return cw != NULL && cw->loaded ? cw->layers : 0; }

cw_status_t cw_set_timeout(cw_t* cw, uint32_t microseconds) {
  if (cw == NULL || microseconds == 0) {
    return CW_ARGUMENT;
  }
  cw->timeout_us = microseconds;
  return CW_OK;
}

cw_status_t cw_set_watchdog(cw_t* cw, uint32_t cycles) {
  if (cw == NULL || cw->hal == NULL) {
    return CW_ARGUMENT;
  }
  write_register(cw, CW_REGS_WATCHDOG_OFFSET, cycles);
  return CW_OK;
}

/* Waits for done or error in IRQ_STATUS, which is sticky, so that neither can be missed. */
static bool wait_for_end(const cw_t* cw) {
  const uint64_t start = now_us(cw);
  for (;;) {
    if ((read_register(cw, CW_REGS_IRQ_STATUS_OFFSET) & CW_IRQ_MASK) != 0) {
      return true;
    }
    const uint64_t passed = now_us(cw) - start;
    if (passed >= cw->timeout_us) {
      return false;
    }
    if (cw->hal->wait_interrupt != NULL) {
      /* Whatever it says, the loop looks once more before it gives up. */
      (void)cw->hal->wait_interrupt(cw->hal->context, cw->timeout_us - (uint32_t)passed);
    }
  }
}

static void abort_run(const cw_t* cw) {
  write_register(cw, CW_REGS_CTRL_OFFSET, CW_REGS_CTRL_ABORT_MASK);
  const uint64_t start = now_us(cw);
  while ((read_register(cw, CW_REGS_STATUS_OFFSET) & CW_REGS_STATUS_BUSY_MASK) != 0 &&
         now_us(cw) - start < CW_ABORT_TIMEOUT_US) {
  }
  write_register(cw, CW_REGS_IRQ_STATUS_OFFSET, CW_IRQ_MASK);
}

static void read_result(cw_t* cw, uint32_t status) {
  cw->error_code = (status & CW_REGS_STATUS_ERROR_CODE_MASK) >> CW_REGS_STATUS_ERROR_CODE_SHIFT;
  cw->error_layer = (status & CW_REGS_STATUS_LAYER_MASK) >> CW_REGS_STATUS_LAYER_SHIFT;
  cw->error_info = read_register(cw, CW_REGS_ERROR_INFO_OFFSET);
  const uint32_t low = read_register(cw, CW_REGS_CYCLES_LO_OFFSET);
  cw->cycles = ((uint64_t)read_register(cw, CW_REGS_CYCLES_HI_OFFSET) << 32) | low;
}

cw_status_t cw_run(cw_t* cw) {
  if (cw == NULL) {
    return CW_ARGUMENT;
  }
  if (!cw->loaded) {
    return CW_NOT_LOADED;
  }
  if ((read_register(cw, CW_REGS_STATUS_OFFSET) & CW_REGS_STATUS_BUSY_MASK) != 0) {
    return CW_BUSY;
  }
  write_register(cw, CW_REGS_PROGRAM_ADDR_LO_OFFSET, (uint32_t)cw->program.bus_address);
  write_register(cw, CW_REGS_PROGRAM_ADDR_HI_OFFSET, (uint32_t)(cw->program.bus_address >> 32));
  write_register(cw, CW_REGS_PROGRAM_BYTES_OFFSET, cw->program.bytes);
  write_register(cw, CW_REGS_ARENA_ADDR_LO_OFFSET, (uint32_t)cw->arena.bus_address);
  write_register(cw, CW_REGS_ARENA_ADDR_HI_OFFSET, (uint32_t)(cw->arena.bus_address >> 32));
  write_register(cw, CW_REGS_ARENA_BYTES_OFFSET, cw->arena.bytes);
  flush(cw, cw->arena.data + cw->input_offset, cw->input_bytes);
  /* The application may have written there; such a line must not be evicted over the result. */
  flush(cw, cw->arena.data + cw->output_offset, cw->output_bytes);
  write_register(cw, CW_REGS_IRQ_STATUS_OFFSET, CW_IRQ_MASK);
  const uint32_t enable = cw->hal->wait_interrupt != NULL ? CW_REGS_CTRL_IRQ_ENABLE_MASK : 0u;
  write_register(cw, CW_REGS_CTRL_OFFSET, CW_REGS_CTRL_START_MASK | enable);
  const bool ended = wait_for_end(cw);
  if (!ended) {
    read_result(cw, read_register(cw, CW_REGS_STATUS_OFFSET));
    abort_run(cw);
    return CW_TIMEOUT;
  }
  write_register(cw, CW_REGS_CTRL_OFFSET, 0);
  const uint32_t causes = read_register(cw, CW_REGS_IRQ_STATUS_OFFSET);
  write_register(cw, CW_REGS_IRQ_STATUS_OFFSET, CW_IRQ_MASK);
  const uint32_t status = read_register(cw, CW_REGS_STATUS_OFFSET);
  read_result(cw, status);
  if ((causes & CW_REGS_IRQ_STATUS_ERROR_MASK) != 0 || (status & CW_REGS_STATUS_ERROR_MASK) != 0) {
    return status_of_error(cw->error_code);
  }
  /* Lines that the processor fetched ahead while the accelerator wrote. */
  invalidate(cw, cw->arena.data + cw->output_offset, cw->output_bytes);
  return CW_OK;
}

cw_status_t cw_layer_cycles(cw_t* cw, uint32_t layer, uint32_t cycles[CW_CYCLES_WORDS]) {
  if (cw == NULL || cw->hal == NULL || cycles == NULL ||
      layer >= read_register(cw, CW_REGS_PERF_LAYERS_OFFSET)) {
    return CW_ARGUMENT;
  }
  for (uint32_t i = 0; i < CW_CYCLES_WORDS; i++) {
    write_register(cw, CW_REGS_PERF_INDEX_OFFSET, layer * CW_CYCLES_WORDS + i);
    cycles[i] = read_register(cw, CW_REGS_PERF_DATA_OFFSET);
  }
  return CW_OK;
}
