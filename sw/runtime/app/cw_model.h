/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* The four calls of a bare application, for one accelerator with one model:
 *
 *   hardware_setup(); model_setup(); model_run(); hardware_cleanup();
 *
 * Outputs are in memory and the time is printed. The platform gives its HAL by cw_platform_hal();
 * its `map` finds program and arena. An application with more than one accelerator, or with a HAL
 * of its own, uses cw_runtime.h instead: this is a thin layer on it. */
#ifndef CW_MODEL_H
#define CW_MODEL_H

#include "cw_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Given by the platform's HAL (hal/<platform>); never NULL, valid until the program ends. */
const cw_hal_t* cw_platform_hal(void);

/* Finds the accelerator. */
cw_status_t hardware_setup(void);
/* Finds program and arena and checks the program. */
cw_status_t model_setup(void);
/* Runs the model on the images at cw_input(model_context()) and prints how long it took. */
cw_status_t model_run(void);
/* Gives program and arena back. */
void hardware_cleanup(void);

/* For input, output, cycles and errors. */
cw_t* model_context(void);

#ifdef __cplusplus
}
#endif

#endif /* CW_MODEL_H */
