/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

#include "cw_runtime.h"

#include "cw_host.h"
#include "cw_program.h"
#include "cw_regs.h"

#define CW_ADDRESS_ALIGNMENT 64u
#define CW_MAX_PIXEL_BITS 16u
#define CW_DEFAULT_TIMEOUT_US 10000000u
/* After an abort the accelerator only completes the bursts that it has issued. */
#define CW_ABORT_TIMEOUT_US 100000u

#define CW_IRQ_MASK (CW_REGS_IRQ_STATUS_DONE_MASK | CW_REGS_IRQ_STATUS_ERROR_MASK)

static uint32_t header_word(const uint8_t* header, uint32_t word) {
  return cw_load_word(header + 4u * word);
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
    case CW_RESET:
      return "RESET";
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

static void clear_results(cw_t* cw) {
  cw->cycles = 0;
  cw->stage = 0;
  cw->stage_layers = 0;
  cw->stage_cycles = 0;
  cw->first_layer = 0;
  cw->error_code = CW_ERROR_NONE;
  cw->error_info = 0;
  cw->error_layer = 0;
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
  cw->stages = 0;
  cw->input_offset = 0;
  cw->input_bytes = 0;
  cw->output_offset = 0;
  cw->output_bytes = 0;
  cw->batch = 0;
  cw->timeout_us = CW_DEFAULT_TIMEOUT_US;
  cw->stage_hook = NULL;
  cw->stage_hook_context = NULL;
  cw->loaded = false;
  clear_results(cw);
  if (read_register(cw, CW_REGS_ID_OFFSET) != CW_REGS_ID_RESET) {
    return CW_NO_DEVICE;
  }
  /* A newer minor version only adds registers. */
  const uint32_t version = read_register(cw, CW_REGS_VERSION_OFFSET);
  if ((version & CW_REGS_VERSION_MAJOR_MASK) !=
      (CW_REGS_VERSION_RESET & CW_REGS_VERSION_MAJOR_MASK)) {
    return CW_NO_DEVICE;
  }
  const uint32_t caps = read_register(cw, CW_REGS_CAPS_OFFSET);
  cw->rows = (caps & CW_REGS_CAPS_ROWS_MASK) >> CW_REGS_CAPS_ROWS_SHIFT;
  cw->pixel_bits = (caps & CW_REGS_CAPS_PIXEL_BITS_MASK) >> CW_REGS_CAPS_PIXEL_BITS_SHIFT;
  return cw->rows == 0 || cw->pixel_bits == 0 || cw->pixel_bits > CW_MAX_PIXEL_BITS ? CW_NO_DEVICE
                                                                                    : CW_OK;
}

static bool region_is_inside(uint32_t offset, uint32_t bytes, uint32_t total) {
  return offset <= total && bytes <= total - offset;
}

/* Everything about the stage at `offset` of `program` that can be checked without its hardware, but
 * for the body's CRC and the host operations. */
static cw_status_t read_stage(const cw_memory_t* program, uint32_t offset, cw_stage_t* stage) {
  if (!region_is_inside(offset, CW_HEADER_BYTES, program->bytes)) {
    return CW_BAD_PROGRAM;
  }
  const uint8_t* data = program->data + offset;
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
  const uint32_t room = program->bytes - offset;
  const uint32_t total = header_word(data, CW_HEADER_PROGRAM_BYTES_WORD);
  const uint32_t layers = header_word(data, CW_HEADER_LAYERS_WORD);
  const uint32_t descriptors = header_word(data, CW_HEADER_DESCRIPTOR_OFFSET_WORD);
  if (total < CW_HEADER_BYTES || total > room) {
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
  stage->offset = offset;
  stage->bytes = total;
  stage->layers = layers;
  stage->next_offset = header_word(data, CW_HEADER_NEXT_OFFSET_WORD);
  stage->host_offset = header_word(data, CW_HEADER_HOST_OFFSET_WORD);
  /* The accelerator reads each stage as a program of its own. */
  if (stage->next_offset != 0 &&
      (stage->next_offset % CW_ADDRESS_ALIGNMENT != 0 || stage->next_offset < total ||
       !region_is_inside(stage->next_offset, CW_HEADER_BYTES, room))) {
    return CW_BAD_PROGRAM;
  }
  return CW_OK;
}

/* What the headers of all stages have in common. */
static bool same_model(const uint8_t* first, const uint8_t* other) {
  static const uint32_t words[] = {CW_HEADER_ARENA_BYTES_WORD,  CW_HEADER_INPUT_OFFSET_WORD,
                                   CW_HEADER_INPUT_BYTES_WORD,  CW_HEADER_OUTPUT_OFFSET_WORD,
                                   CW_HEADER_OUTPUT_BYTES_WORD, CW_HEADER_BATCH_WORD,
                                   CW_HEADER_HARDWARE_HASH_WORD};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (header_word(first, words[i]) != header_word(other, words[i])) {
      return false;
    }
  }
  return true;
}

/* Checks the host operations behind `stage` and, with `execute`, does them. */
static cw_status_t host_operations(const cw_t* cw, const cw_stage_t* stage, bool execute) {
  const cw_memory_t part = {cw->program.data + stage->offset, 0, stage->bytes};
  const cw_words_t words = {cw->rows, cw->pixel_bits, CW_WORD_BYTES(cw->rows, cw->pixel_bits)};
  for (uint32_t offset = stage->host_offset; offset != 0;) {
    cw_softmax_t softmax;
    const cw_status_t status =
        cw_softmax_decode(&softmax, &part, offset, cw->batch, cw->arena.bytes, &words);
    if (status != CW_OK) {
      return status;
    }
    if (execute) {
      uint8_t* output = cw->arena.data + softmax.output.offset;
      invalidate(cw, cw->arena.data + softmax.input.offset, softmax.input.bytes);
      /* Lines that are only written in part are flushed as a whole. */
      invalidate(cw, output, softmax.output.bytes);
      cw_softmax_run(&softmax, cw->arena.data);
      flush(cw, output, softmax.output.bytes);
    }
    offset = softmax.last ? 0 : offset + CW_HOST_BYTES;
  }
  return CW_OK;
}

cw_status_t cw_program_arena_bytes(const cw_memory_t* program, uint32_t* bytes) {
  if (program == NULL || program->data == NULL || bytes == NULL) {
    return CW_ARGUMENT;
  }
  cw_stage_t stage;
  const cw_status_t status = read_stage(program, 0, &stage);
  if (status == CW_OK) {
    *bytes = header_word(program->data, CW_HEADER_ARENA_BYTES_WORD);
  }
  return status;
}

/* Checks the stage behind `stage`, or the first where `cw->stages` is 0, and counts it. */
static cw_status_t load_stage(cw_t* cw, const cw_memory_t* program, cw_stage_t* stage) {
  const uint32_t offset = cw->stages == 0 ? 0 : stage->offset + stage->next_offset;
  cw_status_t status = read_stage(program, offset, stage);
  if (status != CW_OK) {
    return status;
  }
  const uint8_t* data = program->data + offset;
  if (header_word(data, CW_HEADER_HARDWARE_HASH_WORD) !=
      read_register(cw, CW_REGS_HW_HASH_OFFSET)) {
    return CW_WRONG_HARDWARE;
  }
  if (header_word(data, CW_HEADER_BODY_CRC_WORD) !=
      cw_crc32(0, data + CW_HEADER_BYTES, stage->bytes - CW_HEADER_BYTES)) {
    return CW_CORRUPTED;
  }
  if (!same_model(program->data, data)) {
    return CW_BAD_PROGRAM;
  }
  status = host_operations(cw, stage, false);
  cw->program.bytes = offset + stage->bytes;
  cw->layers += stage->layers;
  cw->stages++;
  return status;
}

cw_status_t cw_load(cw_t* cw, const cw_memory_t* program, const cw_memory_t* arena) {
  if (cw == NULL || program == NULL || program->data == NULL || arena == NULL ||
      arena->data == NULL || program->bus_address % CW_ADDRESS_ALIGNMENT != 0 ||
      arena->bus_address % CW_ADDRESS_ALIGNMENT != 0) {
    return CW_ARGUMENT;
  }
  cw->loaded = false;
  const cw_status_t first = read_stage(program, 0, &cw->first_stage);
  if (first != CW_OK) {
    return first;
  }
  const uint8_t* data = program->data;
  cw->program = *program;
  cw->arena = *arena;
  cw->arena.bytes = header_word(data, CW_HEADER_ARENA_BYTES_WORD);
  cw->batch = header_word(data, CW_HEADER_BATCH_WORD);
  cw->layers = 0;
  cw->stages = 0;
  cw_stage_t stage = cw->first_stage;
  do {
    const cw_status_t status = load_stage(cw, program, &stage);
    if (status != CW_OK) {
      return status;
    }
  } while (stage.next_offset != 0);
  if (arena->bytes < cw->arena.bytes) {
    return CW_MEMORY;
  }
  cw->input_offset = header_word(data, CW_HEADER_INPUT_OFFSET_WORD);
  cw->input_bytes = header_word(data, CW_HEADER_INPUT_BYTES_WORD);
  cw->output_offset = header_word(data, CW_HEADER_OUTPUT_OFFSET_WORD);
  cw->output_bytes = header_word(data, CW_HEADER_OUTPUT_BYTES_WORD);
  /* All of the arena once: a dirty line written back later would destroy a tensor. */
  flush(cw, cw->program.data, cw->program.bytes);
  flush(cw, cw->arena.data, cw->arena.bytes);
  clear_results(cw);
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

uint32_t cw_stages(const cw_t* cw) { return cw != NULL && cw->loaded ? cw->stages : 0; }

cw_status_t cw_set_stage_hook(cw_t* cw, cw_stage_hook_t hook, void* context) {
  if (cw == NULL) {
    return CW_ARGUMENT;
  }
  cw->stage_hook = hook;
  cw->stage_hook_context = context;
  return CW_OK;
}

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

static uint32_t interrupt_enable(const cw_t* cw) {
  return cw->hal->wait_interrupt != NULL ? CW_REGS_CTRL_IRQ_ENABLE_MASK : 0u;
}

/* Waits for done or error in IRQ_STATUS, which is sticky, so that neither can be missed. CW_OK:
 * there is one of them. */
static cw_status_t wait_for_end(const cw_t* cw) {
  const uint64_t start = now_us(cw);
  bool aborted = false;
  for (;;) {
    /* STATUS first: the cause of a run that ends between the two reads is there by the second. */
    const uint32_t status = read_register(cw, CW_REGS_STATUS_OFFSET);
    if ((read_register(cw, CW_REGS_IRQ_STATUS_OFFSET) & CW_IRQ_MASK) != 0) {
      return CW_OK;
    }
    if ((status & CW_REGS_STATUS_BUSY_MASK) == 0) {
      return CW_RESET;
    }
    if (cw->abort_requested && !aborted) {
      /* The accelerator may not have seen it: it came before the start. */
      write_register(cw, CW_REGS_CTRL_OFFSET, CW_REGS_CTRL_ABORT_MASK | interrupt_enable(cw));
      aborted = true;
    }
    const uint64_t passed = now_us(cw) - start;
    if (passed >= cw->timeout_us) {
      return CW_TIMEOUT;
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
  cw->error_layer =
      cw->first_layer + ((status & CW_REGS_STATUS_LAYER_MASK) >> CW_REGS_STATUS_LAYER_SHIFT);
  cw->error_info = read_register(cw, CW_REGS_ERROR_INFO_OFFSET);
  const uint32_t low = read_register(cw, CW_REGS_CYCLES_LO_OFFSET);
  cw->stage_cycles = ((uint64_t)read_register(cw, CW_REGS_CYCLES_HI_OFFSET) << 32) | low;
  cw->cycles += cw->stage_cycles;
}

/* Runs one stage on the accelerator and waits for its end. */
static cw_status_t run_stage(cw_t* cw, const cw_stage_t* stage) {
  const uint64_t address = cw->program.bus_address + stage->offset;
  write_register(cw, CW_REGS_PROGRAM_ADDR_LO_OFFSET, (uint32_t)address);
  write_register(cw, CW_REGS_PROGRAM_ADDR_HI_OFFSET, (uint32_t)(address >> 32));
  write_register(cw, CW_REGS_PROGRAM_BYTES_OFFSET, stage->bytes);
  write_register(cw, CW_REGS_IRQ_STATUS_OFFSET, CW_IRQ_MASK);
  write_register(cw, CW_REGS_CTRL_OFFSET, CW_REGS_CTRL_START_MASK | interrupt_enable(cw));
  const cw_status_t ended = wait_for_end(cw);
  if (ended != CW_OK) {
    read_result(cw, read_register(cw, CW_REGS_STATUS_OFFSET));
    if (ended == CW_TIMEOUT) {
      abort_run(cw);
    }
    return ended;
  }
  write_register(cw, CW_REGS_CTRL_OFFSET, 0);
  const uint32_t causes = read_register(cw, CW_REGS_IRQ_STATUS_OFFSET);
  write_register(cw, CW_REGS_IRQ_STATUS_OFFSET, CW_IRQ_MASK);
  const uint32_t status = read_register(cw, CW_REGS_STATUS_OFFSET);
  read_result(cw, status);
  if ((causes & CW_REGS_IRQ_STATUS_ERROR_MASK) != 0 || (status & CW_REGS_STATUS_ERROR_MASK) != 0) {
    return status_of_error(cw->error_code);
  }
  return CW_OK;
}

/* `stage` and what the processor does behind it. */
static cw_status_t run_stage_and_host(cw_t* cw, const cw_stage_t* stage) {
  cw->stage_layers = stage->layers;
  const cw_status_t status = run_stage(cw, stage);
  if (status != CW_OK) {
    return status;
  }
  if (cw->stage_hook != NULL) {
    cw->stage_hook(cw->stage_hook_context, cw);
  }
  /* Checked once more: it is memory that others write, too. */
  return host_operations(cw, stage, true);
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
  clear_results(cw);
  cw->abort_requested = false;
  write_register(cw, CW_REGS_ARENA_ADDR_LO_OFFSET, (uint32_t)cw->arena.bus_address);
  write_register(cw, CW_REGS_ARENA_ADDR_HI_OFFSET, (uint32_t)(cw->arena.bus_address >> 32));
  write_register(cw, CW_REGS_ARENA_BYTES_OFFSET, cw->arena.bytes);
  flush(cw, cw->arena.data + cw->input_offset, cw->input_bytes);
  /* The application may have written there; such a line must not be evicted over the result. */
  flush(cw, cw->arena.data + cw->output_offset, cw->output_bytes);
  cw_stage_t stage = cw->first_stage;
  cw_status_t status = run_stage_and_host(cw, &stage);
  while (status == CW_OK && stage.next_offset != 0) {
    if (cw->abort_requested) {
      return CW_ABORTED;
    }
    cw->stage++;
    cw->first_layer += stage.layers;
    status = read_stage(&cw->program, stage.offset + stage.next_offset, &stage);
    if (status == CW_OK) {
      status = run_stage_and_host(cw, &stage);
    }
  }
  if (status == CW_OK) {
    /* Lines that the processor fetched ahead while the accelerator wrote. */
    invalidate(cw, cw->arena.data + cw->output_offset, cw->output_bytes);
  }
  return status;
}

cw_status_t cw_abort(cw_t* cw) {
  if (cw == NULL || cw->hal == NULL) {
    return CW_ARGUMENT;
  }
  cw->abort_requested = true;
  write_register(cw, CW_REGS_CTRL_OFFSET, CW_REGS_CTRL_ABORT_MASK | interrupt_enable(cw));
  return CW_OK;
}

cw_status_t cw_layer_cycles(cw_t* cw, uint32_t layer, uint32_t cycles[CW_CYCLES_WORDS]) {
  if (cw == NULL || cw->hal == NULL || cycles == NULL || layer < cw->first_layer ||
      layer - cw->first_layer >= read_register(cw, CW_REGS_PERF_LAYERS_OFFSET)) {
    return CW_ARGUMENT;
  }
  const uint32_t first = (layer - cw->first_layer) * CW_CYCLES_WORDS;
  for (uint32_t i = 0; i < CW_CYCLES_WORDS; i++) {
    write_register(cw, CW_REGS_PERF_INDEX_OFFSET, first + i);
    cycles[i] = read_register(cw, CW_REGS_PERF_DATA_OFFSET);
  }
  return CW_OK;
}
