/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* See xil_types.h. */
#ifndef XIL_PRINTF_H
#define XIL_PRINTF_H

void xil_printf(const char* ctrl1, ...);

#endif /* XIL_PRINTF_H */
