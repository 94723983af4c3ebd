/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* The files of vectors/ that cw_vectors.S puts into the application; sizes are in config_fw.h. */
#ifndef CW_VECTORS_H
#define CW_VECTORS_H

#include <stdint.h>

extern const uint8_t cw_vectors_program[];
/* One input tensor a run, one after the other. */
extern const uint8_t cw_vectors_inputs[];
/* One output tensor a run, and, once, which of its bits are specified. */
extern const uint8_t cw_vectors_outputs[];
extern const uint8_t cw_vectors_output_mask[];

#endif /* CW_VECTORS_H */
