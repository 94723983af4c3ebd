/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* What the runtime needs of a platform. A port fills one cw_hal_t; nothing else of the runtime
 * knows where it runs. Functions get `context` back; it is the platform's own. */
#ifndef CW_HAL_H
#define CW_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A piece of physically contiguous memory as the processor and the accelerator see it. */
typedef struct cw_memory {
  uint8_t* data;        /* the processor's pointer */
  uint64_t bus_address; /* the accelerator's address, a multiple of 64 */
  uint32_t bytes;
} cw_memory_t;

typedef enum cw_region {
  CW_REGION_PROGRAM = 0, /* the program binary, already in memory */
  CW_REGION_ARENA = 1    /* activations */
} cw_region_t;

typedef struct cw_hal {
  void* context;

  /* Registers of the accelerator, at byte `offset` of its window. Ordered with each other and
   * behind earlier memory writes of this processor. */
  uint32_t (*read32)(void* context, uint32_t offset);
  void (*write32)(void* context, uint32_t offset, uint32_t value);

  /* Cache maintenance; may do nothing where the accelerator's ports are coherent.
   * flush: memory gets the processor's writes. invalidate: the processor's next reads see memory;
   * the runtime never invalidates bytes that it has written and not flushed. */
  void (*flush)(void* context, const void* data, size_t bytes);
  void (*invalidate)(void* context, void* data, size_t bytes);

  /* Waits until the accelerator's interrupt is pending; false when `timeout_us` passed without.
   * May return true too early, the runtime looks. NULL: no interrupt, the runtime polls. */
  bool (*wait_interrupt)(void* context, uint32_t timeout_us);

  /* A clock that never runs backwards. */
  uint64_t (*microseconds)(void* context);

  /* Finds `region` and fills `memory`; false where there is none. For the arena `bytes` is what
   * the program needs: a platform that allocates gives at least that. NULL: the application
   * passes memory to cw_load itself. */
  bool (*map)(void* context, cw_region_t region, uint32_t bytes, cw_memory_t* memory);
  /* Gives back what `map` found. May be NULL. */
  void (*unmap)(void* context, cw_region_t region, const cw_memory_t* memory);

  /* Text for a human; may be NULL. */
  void (*print)(void* context, const char* text);
} cw_hal_t;

#ifdef __cplusplus
}
#endif

#endif /* CW_HAL_H */
