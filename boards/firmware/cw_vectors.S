/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */

/* Program, inputs and expected outputs as read-only data; see cw_vectors.h. The folder that holds
 * vectors/ is the current one, or one of the assembler's include folders (-I). */

  .section .rodata
  .global cw_vectors_program
  .global cw_vectors_inputs
  .global cw_vectors_outputs
  .global cw_vectors_output_mask
  .balign 64
cw_vectors_program:
  .incbin "vectors/program.bin"
  .balign 64
cw_vectors_inputs:
  .incbin "vectors/inputs.bin"
  .balign 64
cw_vectors_outputs:
  .incbin "vectors/outputs.bin"
  .balign 64
cw_vectors_output_mask:
  .incbin "vectors/output_mask.bin"
  .balign 64

  .section .note.GNU-stack, "", %progbits
