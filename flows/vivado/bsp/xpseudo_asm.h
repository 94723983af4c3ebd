/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* See xil_types.h. */
#ifndef XPSEUDO_ASM_H
#define XPSEUDO_ASM_H

#define dsb() __asm__ __volatile__("" : : : "memory")

#endif /* XPSEUDO_ASM_H */
