/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright corewright contributors */
/* Generated from sw/corewright/program/format.py by corewright.program.generate; do not edit. */
#ifndef CW_PROGRAM_H
#define CW_PROGRAM_H

#define CW_PROGRAM_MAGIC 0x50525743u
#define CW_PROGRAM_VERSION 3u
#define CW_HEADER_WORDS 16u
#define CW_HEADER_BYTES 64u
#define CW_DESCRIPTOR_WORDS 64u
#define CW_DESCRIPTOR_BYTES 256u
#define CW_HOST_WORDS 16u
#define CW_HOST_BYTES 64u

/* Opcodes of a descriptor. */
#define CW_OPCODE_CONV 0u
#define CW_OPCODE_MAX_POOL 1u
#define CW_OPCODE_AVERAGE_POOL 2u
#define CW_OPCODE_DEPTHWISE 3u
#define CW_OPCODE_SUM_POOL 4u

/* What a host operation is. */
#define CW_HOST_OPCODE_SOFTMAX 1u

/* STATUS.error_code after a run. */
#define CW_ERROR_NONE 0u /* no error */
#define CW_ERROR_BAD_PROGRAM 1u /* magic, version or number of layers of the header */
#define CW_ERROR_WRONG_HARDWARE 2u /* the program is for other hardware */
#define CW_ERROR_BAD_DESCRIPTOR 3u /* a descriptor's CRC, opcode or sizes; info: its layer_index */
#define CW_ERROR_WINDOW 4u /* an address outside program or arena; info: the offset */
#define CW_ERROR_AXI_READ_PROGRAM 5u /* error response on the program port; info: the response */
#define CW_ERROR_AXI_READ_PIXELS 6u /* error response on the input port; info: the response */
#define CW_ERROR_AXI_WRITE 7u /* error response on the output port; info: the response */
#define CW_ERROR_WATCHDOG 8u /* no byte moved, no tile ended for WATCHDOG cycles; info: state */
#define CW_ERROR_ABORTED 9u /* CTRL.abort was written */

/* Header: field <name> is (words[_WORD] & _MASK) >> _SHIFT. */
/* MAGIC */
#define CW_HEADER_MAGIC_WORD 0u
#define CW_HEADER_MAGIC_SHIFT 0u
#define CW_HEADER_MAGIC_MASK 0xFFFFFFFFu
/* VERSION */
#define CW_HEADER_VERSION_WORD 1u
#define CW_HEADER_VERSION_SHIFT 0u
#define CW_HEADER_VERSION_MASK 0xFFFFFFFFu
/* hash of the hardware parameters that the program is for */
#define CW_HEADER_HARDWARE_HASH_WORD 2u
#define CW_HEADER_HARDWARE_HASH_SHIFT 0u
#define CW_HEADER_HARDWARE_HASH_MASK 0xFFFFFFFFu
/* number of descriptors */
#define CW_HEADER_LAYERS_WORD 3u
#define CW_HEADER_LAYERS_SHIFT 0u
#define CW_HEADER_LAYERS_MASK 0xFFFFFFFFu
/* byte offset of the first descriptor in the program */
#define CW_HEADER_DESCRIPTOR_OFFSET_WORD 4u
#define CW_HEADER_DESCRIPTOR_OFFSET_SHIFT 0u
#define CW_HEADER_DESCRIPTOR_OFFSET_MASK 0xFFFFFFFFu
/* length of the whole program */
#define CW_HEADER_PROGRAM_BYTES_WORD 5u
#define CW_HEADER_PROGRAM_BYTES_SHIFT 0u
#define CW_HEADER_PROGRAM_BYTES_MASK 0xFFFFFFFFu
/* bytes of activation memory that the program needs */
#define CW_HEADER_ARENA_BYTES_WORD 6u
#define CW_HEADER_ARENA_BYTES_SHIFT 0u
#define CW_HEADER_ARENA_BYTES_MASK 0xFFFFFFFFu
/* byte offset of the input tensor in the arena */
#define CW_HEADER_INPUT_OFFSET_WORD 7u
#define CW_HEADER_INPUT_OFFSET_SHIFT 0u
#define CW_HEADER_INPUT_OFFSET_MASK 0xFFFFFFFFu
/* length of the input tensor */
#define CW_HEADER_INPUT_BYTES_WORD 8u
#define CW_HEADER_INPUT_BYTES_SHIFT 0u
#define CW_HEADER_INPUT_BYTES_MASK 0xFFFFFFFFu
/* byte offset of the output tensor in the arena */
#define CW_HEADER_OUTPUT_OFFSET_WORD 9u
#define CW_HEADER_OUTPUT_OFFSET_SHIFT 0u
#define CW_HEADER_OUTPUT_OFFSET_MASK 0xFFFFFFFFu
/* length of the output tensor */
#define CW_HEADER_OUTPUT_BYTES_WORD 10u
#define CW_HEADER_OUTPUT_BYTES_SHIFT 0u
#define CW_HEADER_OUTPUT_BYTES_MASK 0xFFFFFFFFu
/* images that one run processes */
#define CW_HEADER_BATCH_WORD 11u
#define CW_HEADER_BATCH_SHIFT 0u
#define CW_HEADER_BATCH_MASK 0xFFFFFFFFu
/* CRC-32 (zlib) of everything behind the header */
#define CW_HEADER_BODY_CRC_WORD 12u
#define CW_HEADER_BODY_CRC_SHIFT 0u
#define CW_HEADER_BODY_CRC_MASK 0xFFFFFFFFu
/* from this header to the next stage's; 0: the last stage */
#define CW_HEADER_NEXT_OFFSET_WORD 13u
#define CW_HEADER_NEXT_OFFSET_SHIFT 0u
#define CW_HEADER_NEXT_OFFSET_MASK 0xFFFFFFFFu
/* host operations behind this stage, from its header; 0: none */
#define CW_HEADER_HOST_OFFSET_WORD 14u
#define CW_HEADER_HOST_OFFSET_SHIFT 0u
#define CW_HEADER_HOST_OFFSET_MASK 0xFFFFFFFFu
/* CRC-32 (zlib) of header words 0 to 14 */
#define CW_HEADER_HEADER_CRC_WORD 15u
#define CW_HEADER_HEADER_CRC_SHIFT 0u
#define CW_HEADER_HEADER_CRC_MASK 0xFFFFFFFFu

/* Layer descriptor. */
/* Opcode */
#define CW_DESCRIPTOR_OPCODE_WORD 0u
#define CW_DESCRIPTOR_OPCODE_SHIFT 0u
#define CW_DESCRIPTOR_OPCODE_MASK 0x0000000Fu
/* the program ends after this layer */
#define CW_DESCRIPTOR_LAST_LAYER_WORD 0u
#define CW_DESCRIPTOR_LAST_LAYER_SHIFT 8u
#define CW_DESCRIPTOR_LAST_LAYER_MASK 0x00000100u
/* a pass's weights stay in the ring for all its sets */
#define CW_DESCRIPTOR_WEIGHTS_RESIDENT_WORD 0u
#define CW_DESCRIPTOR_WEIGHTS_RESIDENT_SHIFT 9u
#define CW_DESCRIPTOR_WEIGHTS_RESIDENT_MASK 0x00000200u
/* K exceeds the ring: rows are released as they are read */
#define CW_DESCRIPTOR_WEIGHTS_STREAMED_WORD 0u
#define CW_DESCRIPTOR_WEIGHTS_STREAMED_SHIFT 10u
#define CW_DESCRIPTOR_WEIGHTS_STREAMED_MASK 0x00000400u
/* words go to the buffer as they come; else scattered */
#define CW_DESCRIPTOR_DIRECT_LOAD_WORD 0u
#define CW_DESCRIPTOR_DIRECT_LOAD_SHIFT 11u
#define CW_DESCRIPTOR_DIRECT_LOAD_MASK 0x00000800u
/* the layer's output is one run of bytes */
#define CW_DESCRIPTOR_OUTPUT_CONTIGUOUS_WORD 0u
#define CW_DESCRIPTOR_OUTPUT_CONTIGUOUS_SHIFT 12u
#define CW_DESCRIPTOR_OUTPUT_CONTIGUOUS_MASK 0x00001000u
/* add the bias table */
#define CW_DESCRIPTOR_BIAS_ENABLE_WORD 0u
#define CW_DESCRIPTOR_BIAS_ENABLE_SHIFT 13u
#define CW_DESCRIPTOR_BIAS_ENABLE_MASK 0x00002000u
/* average: round to an integer before requantising */
#define CW_DESCRIPTOR_ROUND_FIRST_WORD 0u
#define CW_DESCRIPTOR_ROUND_FIRST_SHIFT 14u
#define CW_DESCRIPTOR_ROUND_FIRST_MASK 0x00004000u
/* add a second tensor behind the post-processing */
#define CW_DESCRIPTOR_ADD_ENABLE_WORD 0u
#define CW_DESCRIPTOR_ADD_ENABLE_SHIFT 15u
#define CW_DESCRIPTOR_ADD_ENABLE_MASK 0x00008000u
/* plane blocks are released after each kernel row */
#define CW_DESCRIPTOR_RELEASE_ROWS_WORD 0u
#define CW_DESCRIPTOR_RELEASE_ROWS_SHIFT 4u
#define CW_DESCRIPTOR_RELEASE_ROWS_MASK 0x00000010u
/* the input tensor is a constant in the program */
#define CW_DESCRIPTOR_INPUT_PROGRAM_WORD 0u
#define CW_DESCRIPTOR_INPUT_PROGRAM_SHIFT 5u
#define CW_DESCRIPTOR_INPUT_PROGRAM_MASK 0x00000020u
/* the weights are a tensor in the arena */
#define CW_DESCRIPTOR_WEIGHTS_ARENA_WORD 0u
#define CW_DESCRIPTOR_WEIGHTS_ARENA_SHIFT 6u
#define CW_DESCRIPTOR_WEIGHTS_ARENA_MASK 0x00000040u
/* position in the stage, for status and counters */
#define CW_DESCRIPTOR_LAYER_INDEX_WORD 0u
#define CW_DESCRIPTOR_LAYER_INDEX_SHIFT 16u
#define CW_DESCRIPTOR_LAYER_INDEX_MASK 0xFFFF0000u
/* KH */
#define CW_DESCRIPTOR_KERNEL_HEIGHT_WORD 1u
#define CW_DESCRIPTOR_KERNEL_HEIGHT_SHIFT 0u
#define CW_DESCRIPTOR_KERNEL_HEIGHT_MASK 0x0000FFFFu
/* KW */
#define CW_DESCRIPTOR_KERNEL_WIDTH_WORD 1u
#define CW_DESCRIPTOR_KERNEL_WIDTH_SHIFT 16u
#define CW_DESCRIPTOR_KERNEL_WIDTH_MASK 0xFFFF0000u
/* CI, words of an input block */
#define CW_DESCRIPTOR_CHANNELS_IN_WORD 2u
#define CW_DESCRIPTOR_CHANNELS_IN_SHIFT 0u
#define CW_DESCRIPTOR_CHANNELS_IN_MASK 0x0000FFFFu
/* G: channel groups, of C channels (conv) or D (pool) */
#define CW_DESCRIPTOR_GROUPS_WORD 2u
#define CW_DESCRIPTOR_GROUPS_SHIFT 16u
#define CW_DESCRIPTOR_GROUPS_MASK 0xFFFF0000u
/* channels of a full group */
#define CW_DESCRIPTOR_GROUP_CHANNELS_WORD 3u
#define CW_DESCRIPTOR_GROUP_CHANNELS_SHIFT 0u
#define CW_DESCRIPTOR_GROUP_CHANNELS_MASK 0x0000FFFFu
/* channels of the last group */
#define CW_DESCRIPTOR_LAST_GROUP_CHANNELS_WORD 3u
#define CW_DESCRIPTOR_LAST_GROUP_CHANNELS_SHIFT 16u
#define CW_DESCRIPTOR_LAST_GROUP_CHANNELS_MASK 0xFFFF0000u
/* M: output blocks */
#define CW_DESCRIPTOR_BLOCKS_WORD 4u
#define CW_DESCRIPTOR_BLOCKS_SHIFT 0u
#define CW_DESCRIPTOR_BLOCKS_MASK 0x00FFFFFFu
/* blocks of a set; the last set may be shorter */
#define CW_DESCRIPTOR_SET_BLOCKS_WORD 5u
#define CW_DESCRIPTOR_SET_BLOCKS_SHIFT 0u
#define CW_DESCRIPTOR_SET_BLOCKS_MASK 0x00FFFFFFu
/* groups of a pass; the last pass may be shorter */
#define CW_DESCRIPTOR_GROUPS_PER_PASS_WORD 6u
#define CW_DESCRIPTOR_GROUPS_PER_PASS_SHIFT 0u
#define CW_DESCRIPTOR_GROUPS_PER_PASS_MASK 0x0000FFFFu
/* live lanes of the last block, 1 to R */
#define CW_DESCRIPTOR_TAIL_LANES_WORD 6u
#define CW_DESCRIPTOR_TAIL_LANES_SHIFT 16u
#define CW_DESCRIPTOR_TAIL_LANES_MASK 0xFFFF0000u
/* output pitch * stride_w: w wraps here, h grows by stride_h */
#define CW_DESCRIPTOR_WRAP_W_WORD 7u
#define CW_DESCRIPTOR_WRAP_W_SHIFT 0u
#define CW_DESCRIPTOR_WRAP_W_MASK 0x0000FFFFu
/* output rows of an image * stride_h: h wraps here */
#define CW_DESCRIPTOR_WRAP_H_WORD 7u
#define CW_DESCRIPTOR_WRAP_H_SHIFT 16u
#define CW_DESCRIPTOR_WRAP_H_MASK 0xFFFF0000u
/* (R mod pitch) * stride_w: w grows so a block */
#define CW_DESCRIPTOR_STEP_W_WORD 8u
#define CW_DESCRIPTOR_STEP_W_SHIFT 0u
#define CW_DESCRIPTOR_STEP_W_MASK 0x0000FFFFu
/* ((R div pitch) mod image rows) * stride_h: h grows so a block */
#define CW_DESCRIPTOR_STEP_H_WORD 8u
#define CW_DESCRIPTOR_STEP_H_SHIFT 16u
#define CW_DESCRIPTOR_STEP_H_MASK 0xFFFF0000u
/* sh */
#define CW_DESCRIPTOR_STRIDE_H_WORD 9u
#define CW_DESCRIPTOR_STRIDE_H_SHIFT 0u
#define CW_DESCRIPTOR_STRIDE_H_MASK 0x0000FFFFu
/* sw */
#define CW_DESCRIPTOR_STRIDE_W_WORD 9u
#define CW_DESCRIPTOR_STRIDE_W_SHIFT 16u
#define CW_DESCRIPTOR_STRIDE_W_MASK 0xFFFF0000u
/* pt; negative: rows cut off (signed) */
#define CW_DESCRIPTOR_PAD_TOP_WORD 10u
#define CW_DESCRIPTOR_PAD_TOP_SHIFT 0u
#define CW_DESCRIPTOR_PAD_TOP_MASK 0x0000FFFFu
/* pl; negative: columns cut off (signed) */
#define CW_DESCRIPTOR_PAD_LEFT_WORD 10u
#define CW_DESCRIPTOR_PAD_LEFT_SHIFT 16u
#define CW_DESCRIPTOR_PAD_LEFT_MASK 0xFFFF0000u
/* H of the input: a tap outside reads the fill value */
#define CW_DESCRIPTOR_HEIGHT_WORD 11u
#define CW_DESCRIPTOR_HEIGHT_SHIFT 0u
#define CW_DESCRIPTOR_HEIGHT_MASK 0x0000FFFFu
/* W of the input */
#define CW_DESCRIPTOR_WIDTH_WORD 11u
#define CW_DESCRIPTOR_WIDTH_SHIFT 16u
#define CW_DESCRIPTOR_WIDTH_MASK 0xFFFF0000u
/* buffer row of the slot of block 0's position */
#define CW_DESCRIPTOR_GATHER_ROW_WORD 12u
#define CW_DESCRIPTOR_GATHER_ROW_SHIFT 0u
#define CW_DESCRIPTOR_GATHER_ROW_MASK 0x00FFFFFFu
/* its lane */
#define CW_DESCRIPTOR_GATHER_LANE_WORD 12u
#define CW_DESCRIPTOR_GATHER_LANE_SHIFT 24u
#define CW_DESCRIPTOR_GATHER_LANE_MASK 0xFF000000u
/* its absolute plane block (may be negative) (signed) */
#define CW_DESCRIPTOR_GATHER_BLOCK_WORD 13u
#define CW_DESCRIPTOR_GATHER_BLOCK_SHIFT 0u
#define CW_DESCRIPTOR_GATHER_BLOCK_MASK 0x00FFFFFFu
/* BS: buffer rows of a plane block (planes * ceil(CI/D)) */
#define CW_DESCRIPTOR_BLOCK_ROWS_WORD 14u
#define CW_DESCRIPTOR_BLOCK_ROWS_SHIFT 0u
#define CW_DESCRIPTOR_BLOCK_ROWS_MASK 0x00FFFFFFu
/* scatter: further copies of each pixel to its right, at most 3 */
#define CW_DESCRIPTOR_COPIES_W_WORD 14u
#define CW_DESCRIPTOR_COPIES_W_SHIFT 24u
#define CW_DESCRIPTOR_COPIES_W_MASK 0xFF000000u
/* buffer rows of the ring, a multiple of BS */
#define CW_DESCRIPTOR_RING_ROWS_WORD 15u
#define CW_DESCRIPTOR_RING_ROWS_SHIFT 0u
#define CW_DESCRIPTOR_RING_ROWS_MASK 0x00FFFFFFu
/* scatter: further copies of each row below it */
#define CW_DESCRIPTOR_COPIES_H_WORD 15u
#define CW_DESCRIPTOR_COPIES_H_SHIFT 24u
#define CW_DESCRIPTOR_COPIES_H_MASK 0xFF000000u
/* ring_rows / BS */
#define CW_DESCRIPTOR_RING_BLOCKS_WORD 16u
#define CW_DESCRIPTOR_RING_BLOCKS_SHIFT 0u
#define CW_DESCRIPTOR_RING_BLOCKS_MASK 0x00FFFFFFu
/* output blocks of an image row (row-aligned); 0: flat */
#define CW_DESCRIPTOR_ROW_BLOCKS_WORD 17u
#define CW_DESCRIPTOR_ROW_BLOCKS_SHIFT 0u
#define CW_DESCRIPTOR_ROW_BLOCKS_MASK 0x00FFFFFFu
/* output rows of an image (row-aligned) */
#define CW_DESCRIPTOR_IMAGE_ROWS_WORD 18u
#define CW_DESCRIPTOR_IMAGE_ROWS_SHIFT 0u
#define CW_DESCRIPTOR_IMAGE_ROWS_MASK 0x0000FFFFu
/* lane part of image_step */
#define CW_DESCRIPTOR_IMAGE_STEP_LANE_WORD 18u
#define CW_DESCRIPTOR_IMAGE_STEP_LANE_SHIFT 16u
#define CW_DESCRIPTOR_IMAGE_STEP_LANE_MASK 0x00FF0000u
/* lane part of row_step */
#define CW_DESCRIPTOR_ROW_STEP_LANE_WORD 18u
#define CW_DESCRIPTOR_ROW_STEP_LANE_SHIFT 24u
#define CW_DESCRIPTOR_ROW_STEP_LANE_MASK 0xFF000000u
/* last block of an image row -> next row: rows, wrapped */
#define CW_DESCRIPTOR_ROW_STEP_ROWS_WORD 19u
#define CW_DESCRIPTOR_ROW_STEP_ROWS_SHIFT 0u
#define CW_DESCRIPTOR_ROW_STEP_ROWS_MASK 0x00FFFFFFu
/* the same in blocks (signed) */
#define CW_DESCRIPTOR_ROW_STEP_BLOCKS_WORD 20u
#define CW_DESCRIPTOR_ROW_STEP_BLOCKS_SHIFT 0u
#define CW_DESCRIPTOR_ROW_STEP_BLOCKS_MASK 0x00FFFFFFu
/* last block of an image -> next image: rows, wrapped */
#define CW_DESCRIPTOR_IMAGE_STEP_ROWS_WORD 21u
#define CW_DESCRIPTOR_IMAGE_STEP_ROWS_SHIFT 0u
#define CW_DESCRIPTOR_IMAGE_STEP_ROWS_MASK 0x00FFFFFFu
/* the same in blocks (signed) */
#define CW_DESCRIPTOR_IMAGE_STEP_BLOCKS_WORD 22u
#define CW_DESCRIPTOR_IMAGE_STEP_BLOCKS_SHIFT 0u
#define CW_DESCRIPTOR_IMAGE_STEP_BLOCKS_MASK 0x00FFFFFFu
/* PS: ceil(CI/D), rows from a phase plane to the next in w */
#define CW_DESCRIPTOR_PLANE_ROWS_WORD 23u
#define CW_DESCRIPTOR_PLANE_ROWS_SHIFT 0u
#define CW_DESCRIPTOR_PLANE_ROWS_MASK 0x00FFFFFFu
/* PHS: rows from a phase plane to the next in h */
#define CW_DESCRIPTOR_PHASE_ROWS_WORD 24u
#define CW_DESCRIPTOR_PHASE_ROWS_SHIFT 0u
#define CW_DESCRIPTOR_PHASE_ROWS_MASK 0x00FFFFFFu
/* plane pitch, block part in buffer rows, wrapped */
#define CW_DESCRIPTOR_PITCH_ROWS_WORD 25u
#define CW_DESCRIPTOR_PITCH_ROWS_SHIFT 0u
#define CW_DESCRIPTOR_PITCH_ROWS_MASK 0x00FFFFFFu
/* plane pitch, lane part */
#define CW_DESCRIPTOR_PITCH_LANE_WORD 25u
#define CW_DESCRIPTOR_PITCH_LANE_SHIFT 24u
#define CW_DESCRIPTOR_PITCH_LANE_MASK 0xFF000000u
/* plane pitch, block part */
#define CW_DESCRIPTOR_PITCH_BLOCKS_WORD 26u
#define CW_DESCRIPTOR_PITCH_BLOCKS_SHIFT 0u
#define CW_DESCRIPTOR_PITCH_BLOCKS_MASK 0x00FFFFFFu
/* lane 0's stream position grows so a block (signed) */
#define CW_DESCRIPTOR_POSITION_STEP_WORD 27u
#define CW_DESCRIPTOR_POSITION_STEP_SHIFT 0u
#define CW_DESCRIPTOR_POSITION_STEP_MASK 0xFFFFFFFFu
/* and by this where w wraps (signed) */
#define CW_DESCRIPTOR_POSITION_WRAP_W_WORD 28u
#define CW_DESCRIPTOR_POSITION_WRAP_W_SHIFT 0u
#define CW_DESCRIPTOR_POSITION_WRAP_W_MASK 0xFFFFFFFFu
/* and by this where h wraps (signed) */
#define CW_DESCRIPTOR_POSITION_WRAP_H_WORD 29u
#define CW_DESCRIPTOR_POSITION_WRAP_H_SHIFT 0u
#define CW_DESCRIPTOR_POSITION_WRAP_H_MASK 0xFFFFFFFFu
/* last needed position, kernel row 0, from lane 0 (signed) */
#define CW_DESCRIPTOR_NEED_OFFSET_WORD 30u
#define CW_DESCRIPTOR_NEED_OFFSET_SHIFT 0u
#define CW_DESCRIPTOR_NEED_OFFSET_MASK 0xFFFFFFFFu
/* the last needed position grows so a kernel row */
#define CW_DESCRIPTOR_NEED_STEP_WORD 31u
#define CW_DESCRIPTOR_NEED_STEP_SHIFT 0u
#define CW_DESCRIPTOR_NEED_STEP_MASK 0xFFFFFFFFu
/* arena offset of the input tensor's first byte to read */
#define CW_DESCRIPTOR_INPUT_OFFSET_WORD 32u
#define CW_DESCRIPTOR_INPUT_OFFSET_SHIFT 0u
#define CW_DESCRIPTOR_INPUT_OFFSET_MASK 0xFFFFFFFFu
/* bytes of a read command */
#define CW_DESCRIPTOR_SEGMENT_BYTES_WORD 33u
#define CW_DESCRIPTOR_SEGMENT_BYTES_SHIFT 0u
#define CW_DESCRIPTOR_SEGMENT_BYTES_MASK 0xFFFFFFFFu
/* bytes from a read command's start to the next's */
#define CW_DESCRIPTOR_SEGMENT_STRIDE_WORD 34u
#define CW_DESCRIPTOR_SEGMENT_STRIDE_SHIFT 0u
#define CW_DESCRIPTOR_SEGMENT_STRIDE_MASK 0xFFFFFFFFu
/* read commands a pass */
#define CW_DESCRIPTOR_SEGMENTS_WORD 35u
#define CW_DESCRIPTOR_SEGMENTS_SHIFT 0u
#define CW_DESCRIPTOR_SEGMENTS_MASK 0xFFFFFFFFu
/* input blocks in the stream a pass */
#define CW_DESCRIPTOR_STREAM_BLOCKS_WORD 36u
#define CW_DESCRIPTOR_STREAM_BLOCKS_SHIFT 0u
#define CW_DESCRIPTOR_STREAM_BLOCKS_MASK 0x00FFFFFFu
/* scatter: lanes of an image row in the stream */
#define CW_DESCRIPTOR_INPUT_PITCH_WORD 37u
#define CW_DESCRIPTOR_INPUT_PITCH_SHIFT 0u
#define CW_DESCRIPTOR_INPUT_PITCH_MASK 0x0000FFFFu
/* scatter: rows of an image in the stream */
#define CW_DESCRIPTOR_INPUT_ROWS_WORD 37u
#define CW_DESCRIPTOR_INPUT_ROWS_SHIFT 16u
#define CW_DESCRIPTOR_INPUT_ROWS_MASK 0xFFFF0000u
/* scatter: columns w < load_width are stored */
#define CW_DESCRIPTOR_LOAD_WIDTH_WORD 38u
#define CW_DESCRIPTOR_LOAD_WIDTH_SHIFT 0u
#define CW_DESCRIPTOR_LOAD_WIDTH_MASK 0x0000FFFFu
/* scatter: rows h < load_height are stored */
#define CW_DESCRIPTOR_LOAD_HEIGHT_WORD 38u
#define CW_DESCRIPTOR_LOAD_HEIGHT_SHIFT 16u
#define CW_DESCRIPTOR_LOAD_HEIGHT_MASK 0xFFFF0000u
/* scatter: h grows so from a stream row to the next */
#define CW_DESCRIPTOR_ROW_ADVANCE_WORD 39u
#define CW_DESCRIPTOR_ROW_ADVANCE_SHIFT 0u
#define CW_DESCRIPTOR_ROW_ADVANCE_MASK 0x0000FFFFu
/* scatter: pl mod sw */
#define CW_DESCRIPTOR_START_PHASE_W_WORD 40u
#define CW_DESCRIPTOR_START_PHASE_W_SHIFT 0u
#define CW_DESCRIPTOR_START_PHASE_W_MASK 0x0000FFFFu
/* scatter: pt mod sh */
#define CW_DESCRIPTOR_START_PHASE_H_WORD 40u
#define CW_DESCRIPTOR_START_PHASE_H_SHIFT 16u
#define CW_DESCRIPTOR_START_PHASE_H_MASK 0xFFFF0000u
/* scatter: min(KW, sw), phases w' < planes_w are stored */
#define CW_DESCRIPTOR_PLANES_W_WORD 41u
#define CW_DESCRIPTOR_PLANES_W_SHIFT 0u
#define CW_DESCRIPTOR_PLANES_W_MASK 0x0000FFFFu
/* scatter: min(KH, sh) */
#define CW_DESCRIPTOR_PLANES_H_WORD 41u
#define CW_DESCRIPTOR_PLANES_H_SHIFT 16u
#define CW_DESCRIPTOR_PLANES_H_MASK 0xFFFF0000u
/* scatter: buffer row of the slot of w=0, h=0, image 0 */
#define CW_DESCRIPTOR_SCATTER_ROW_WORD 42u
#define CW_DESCRIPTOR_SCATTER_ROW_SHIFT 0u
#define CW_DESCRIPTOR_SCATTER_ROW_MASK 0x00FFFFFFu
/* scatter: its lane */
#define CW_DESCRIPTOR_SCATTER_LANE_WORD 42u
#define CW_DESCRIPTOR_SCATTER_LANE_SHIFT 24u
#define CW_DESCRIPTOR_SCATTER_LANE_MASK 0xFF000000u
/* its absolute plane block (signed) */
#define CW_DESCRIPTOR_SCATTER_BLOCK_WORD 43u
#define CW_DESCRIPTOR_SCATTER_BLOCK_SHIFT 0u
#define CW_DESCRIPTOR_SCATTER_BLOCK_MASK 0x00FFFFFFu
/* scatter: one image further: rows, wrapped */
#define CW_DESCRIPTOR_SCATTER_IMAGE_ROWS_WORD 44u
#define CW_DESCRIPTOR_SCATTER_IMAGE_ROWS_SHIFT 0u
#define CW_DESCRIPTOR_SCATTER_IMAGE_ROWS_MASK 0x00FFFFFFu
/* scatter: one image further: lane */
#define CW_DESCRIPTOR_SCATTER_IMAGE_LANE_WORD 44u
#define CW_DESCRIPTOR_SCATTER_IMAGE_LANE_SHIFT 24u
#define CW_DESCRIPTOR_SCATTER_IMAGE_LANE_MASK 0xFF000000u
/* scatter: one image further: blocks */
#define CW_DESCRIPTOR_SCATTER_IMAGE_BLOCKS_WORD 45u
#define CW_DESCRIPTOR_SCATTER_IMAGE_BLOCKS_SHIFT 0u
#define CW_DESCRIPTOR_SCATTER_IMAGE_BLOCKS_MASK 0x00FFFFFFu
/* arena offset of the output tensor */
#define CW_DESCRIPTOR_OUTPUT_OFFSET_WORD 46u
#define CW_DESCRIPTOR_OUTPUT_OFFSET_SHIFT 0u
#define CW_DESCRIPTOR_OUTPUT_OFFSET_MASK 0xFFFFFFFFu
/* bytes from an output block to the next */
#define CW_DESCRIPTOR_OUTPUT_BLOCK_BYTES_WORD 47u
#define CW_DESCRIPTOR_OUTPUT_BLOCK_BYTES_SHIFT 0u
#define CW_DESCRIPTOR_OUTPUT_BLOCK_BYTES_MASK 0xFFFFFFFFu
/* bytes of a full group of one block */
#define CW_DESCRIPTOR_OUTPUT_GROUP_BYTES_WORD 48u
#define CW_DESCRIPTOR_OUTPUT_GROUP_BYTES_SHIFT 0u
#define CW_DESCRIPTOR_OUTPUT_GROUP_BYTES_MASK 0xFFFFFFFFu
/* bytes that the layer writes */
#define CW_DESCRIPTOR_OUTPUT_BYTES_WORD 49u
#define CW_DESCRIPTOR_OUTPUT_BYTES_SHIFT 0u
#define CW_DESCRIPTOR_OUTPUT_BYTES_MASK 0xFFFFFFFFu
/* v = (sum << pre_shift) + bias */
#define CW_DESCRIPTOR_PRE_SHIFT_WORD 50u
#define CW_DESCRIPTOR_PRE_SHIFT_SHIFT 0u
#define CW_DESCRIPTOR_PRE_SHIFT_MASK 0x0000000Fu
/* right shift, half to even, where v >= 0 */
#define CW_DESCRIPTOR_SHIFT_WORD 50u
#define CW_DESCRIPTOR_SHIFT_SHIFT 8u
#define CW_DESCRIPTOR_SHIFT_MASK 0x00003F00u
/* right shift where v < 0 */
#define CW_DESCRIPTOR_NEGATIVE_SHIFT_WORD 50u
#define CW_DESCRIPTOR_NEGATIVE_SHIFT_SHIFT 16u
#define CW_DESCRIPTOR_NEGATIVE_SHIFT_MASK 0x003F0000u
/* stride_w 2: lanes by which planes w' = 1 are stored further */
#define CW_DESCRIPTOR_PHASE_SKEW_WORD 50u
#define CW_DESCRIPTOR_PHASE_SKEW_SHIFT 24u
#define CW_DESCRIPTOR_PHASE_SKEW_MASK 0xFF000000u
/* smallest result (signed) */
#define CW_DESCRIPTOR_CLIP_LOW_WORD 51u
#define CW_DESCRIPTOR_CLIP_LOW_SHIFT 0u
#define CW_DESCRIPTOR_CLIP_LOW_MASK 0x0000FFFFu
/* largest result (signed) */
#define CW_DESCRIPTOR_CLIP_HIGH_WORD 51u
#define CW_DESCRIPTOR_CLIP_HIGH_SHIFT 16u
#define CW_DESCRIPTOR_CLIP_HIGH_MASK 0xFFFF0000u
/* program offset of the bias table */
#define CW_DESCRIPTOR_BIAS_OFFSET_WORD 52u
#define CW_DESCRIPTOR_BIAS_OFFSET_SHIFT 0u
#define CW_DESCRIPTOR_BIAS_OFFSET_MASK 0xFFFFFFFFu
/* its length, 0: none */
#define CW_DESCRIPTOR_BIAS_BYTES_WORD 53u
#define CW_DESCRIPTOR_BIAS_BYTES_SHIFT 0u
#define CW_DESCRIPTOR_BIAS_BYTES_MASK 0xFFFFFFFFu
/* program offset of group 0's rows; weights_arena: arena */
#define CW_DESCRIPTOR_WEIGHT_OFFSET_WORD 54u
#define CW_DESCRIPTOR_WEIGHT_OFFSET_SHIFT 0u
#define CW_DESCRIPTOR_WEIGHT_OFFSET_MASK 0xFFFFFFFFu
/* K: rows of a group, 0: the layer has no weights */
#define CW_DESCRIPTOR_WEIGHT_ROWS_WORD 55u
#define CW_DESCRIPTOR_WEIGHT_ROWS_SHIFT 0u
#define CW_DESCRIPTOR_WEIGHT_ROWS_MASK 0x00FFFFFFu
/* bytes of a weight row of a full group */
#define CW_DESCRIPTOR_ROW_BYTES_WORD 56u
#define CW_DESCRIPTOR_ROW_BYTES_SHIFT 0u
#define CW_DESCRIPTOR_ROW_BYTES_MASK 0x0000FFFFu
/* bytes of a weight row of the last group */
#define CW_DESCRIPTOR_LAST_ROW_BYTES_WORD 56u
#define CW_DESCRIPTOR_LAST_ROW_BYTES_SHIFT 16u
#define CW_DESCRIPTOR_LAST_ROW_BYTES_MASK 0xFFFF0000u
/* K * row_bytes; weights_arena: from a block to the next */
#define CW_DESCRIPTOR_GROUP_BYTES_WORD 57u
#define CW_DESCRIPTOR_GROUP_BYTES_SHIFT 0u
#define CW_DESCRIPTOR_GROUP_BYTES_MASK 0xFFFFFFFFu
/* K * last_row_bytes */
#define CW_DESCRIPTOR_LAST_GROUP_BYTES_WORD 58u
#define CW_DESCRIPTOR_LAST_GROUP_BYTES_SHIFT 0u
#define CW_DESCRIPTOR_LAST_GROUP_BYTES_MASK 0xFFFFFFFFu
/* arena offset of the second operand's first word */
#define CW_DESCRIPTOR_ADD_OFFSET_WORD 59u
#define CW_DESCRIPTOR_ADD_OFFSET_SHIFT 0u
#define CW_DESCRIPTOR_ADD_OFFSET_MASK 0xFFFFFFFFu
/* bytes from a block of the second operand to the next */
#define CW_DESCRIPTOR_ADD_BLOCK_BYTES_WORD 60u
#define CW_DESCRIPTOR_ADD_BLOCK_BYTES_SHIFT 0u
#define CW_DESCRIPTOR_ADD_BLOCK_BYTES_MASK 0xFFFFFFFFu
/* v = (y << add_own_shift) + (x << add_other_shift) */
#define CW_DESCRIPTOR_ADD_OWN_SHIFT_WORD 61u
#define CW_DESCRIPTOR_ADD_OWN_SHIFT_SHIFT 0u
#define CW_DESCRIPTOR_ADD_OWN_SHIFT_MASK 0x0000000Fu
/* left shift of the second operand */
#define CW_DESCRIPTOR_ADD_OTHER_SHIFT_WORD 61u
#define CW_DESCRIPTOR_ADD_OTHER_SHIFT_SHIFT 4u
#define CW_DESCRIPTOR_ADD_OTHER_SHIFT_MASK 0x000000F0u
/* right shift of v, half to even, where v >= 0 */
#define CW_DESCRIPTOR_ADD_SHIFT_WORD 61u
#define CW_DESCRIPTOR_ADD_SHIFT_SHIFT 8u
#define CW_DESCRIPTOR_ADD_SHIFT_MASK 0x00003F00u
/* right shift where v < 0 */
#define CW_DESCRIPTOR_ADD_NEGATIVE_SHIFT_WORD 61u
#define CW_DESCRIPTOR_ADD_NEGATIVE_SHIFT_SHIFT 16u
#define CW_DESCRIPTOR_ADD_NEGATIVE_SHIFT_MASK 0x003F0000u
/* smallest sum (signed) */
#define CW_DESCRIPTOR_ADD_CLIP_LOW_WORD 62u
#define CW_DESCRIPTOR_ADD_CLIP_LOW_SHIFT 0u
#define CW_DESCRIPTOR_ADD_CLIP_LOW_MASK 0x0000FFFFu
/* largest sum (signed) */
#define CW_DESCRIPTOR_ADD_CLIP_HIGH_WORD 62u
#define CW_DESCRIPTOR_ADD_CLIP_HIGH_SHIFT 16u
#define CW_DESCRIPTOR_ADD_CLIP_HIGH_MASK 0xFFFF0000u
/* CRC-32 (zlib) of words 0 to 62 */
#define CW_DESCRIPTOR_CRC_WORD 63u
#define CW_DESCRIPTOR_CRC_SHIFT 0u
#define CW_DESCRIPTOR_CRC_MASK 0xFFFFFFFFu

/* Host operation. */
/* HostOpcode */
#define CW_HOST_HOST_OPCODE_WORD 0u
#define CW_HOST_HOST_OPCODE_SHIFT 0u
#define CW_HOST_HOST_OPCODE_MASK 0x000000FFu
/* no other operation follows before the next stage */
#define CW_HOST_LAST_OPERATION_WORD 0u
#define CW_HOST_LAST_OPERATION_SHIFT 8u
#define CW_HOST_LAST_OPERATION_MASK 0x00000100u
/* arena offset of the input's first word */
#define CW_HOST_INPUT_OFFSET_WORD 1u
#define CW_HOST_INPUT_OFFSET_SHIFT 0u
#define CW_HOST_INPUT_OFFSET_MASK 0xFFFFFFFFu
/* arena offset of the output's first word */
#define CW_HOST_OUTPUT_OFFSET_WORD 2u
#define CW_HOST_OUTPUT_OFFSET_SHIFT 0u
#define CW_HOST_OUTPUT_OFFSET_MASK 0xFFFFFFFFu
/* H of both tensors */
#define CW_HOST_HEIGHT_WORD 3u
#define CW_HOST_HEIGHT_SHIFT 0u
#define CW_HOST_HEIGHT_MASK 0x0000FFFFu
/* W of both tensors */
#define CW_HOST_WIDTH_WORD 3u
#define CW_HOST_WIDTH_SHIFT 16u
#define CW_HOST_WIDTH_MASK 0xFFFF0000u
/* channels that one softmax runs over */
#define CW_HOST_CHANNELS_WORD 4u
#define CW_HOST_CHANNELS_SHIFT 0u
#define CW_HOST_CHANNELS_MASK 0x0000FFFFu
/* softmaxes of a pixel */
#define CW_HOST_RUNS_WORD 4u
#define CW_HOST_RUNS_SHIFT 16u
#define CW_HOST_RUNS_MASK 0xFFFF0000u
/* P of the input */
#define CW_HOST_INPUT_PITCH_WORD 5u
#define CW_HOST_INPUT_PITCH_SHIFT 0u
#define CW_HOST_INPUT_PITCH_MASK 0x0000FFFFu
/* HS of the input */
#define CW_HOST_INPUT_ROWS_WORD 5u
#define CW_HOST_INPUT_ROWS_SHIFT 16u
#define CW_HOST_INPUT_ROWS_MASK 0xFFFF0000u
/* P of the output */
#define CW_HOST_OUTPUT_PITCH_WORD 6u
#define CW_HOST_OUTPUT_PITCH_SHIFT 0u
#define CW_HOST_OUTPUT_PITCH_MASK 0x0000FFFFu
/* HS of the output */
#define CW_HOST_OUTPUT_ROWS_WORD 6u
#define CW_HOST_OUTPUT_ROWS_SHIFT 16u
#define CW_HOST_OUTPUT_ROWS_MASK 0xFFFF0000u
/* words of a block of the stored input */
#define CW_HOST_INPUT_CHANNELS_WORD 7u
#define CW_HOST_INPUT_CHANNELS_SHIFT 0u
#define CW_HOST_INPUT_CHANNELS_MASK 0x0000FFFFu
/* words of a block of the stored output */
#define CW_HOST_OUTPUT_CHANNELS_WORD 7u
#define CW_HOST_OUTPUT_CHANNELS_SHIFT 16u
#define CW_HOST_OUTPUT_CHANNELS_MASK 0xFFFF0000u
/* the table of 32-bit weights, from the stage's header */
#define CW_HOST_TABLE_OFFSET_WORD 8u
#define CW_HOST_TABLE_OFFSET_SHIFT 0u
#define CW_HOST_TABLE_OFFSET_MASK 0xFFFFFFFFu
/* its length; weights behind it are 0 */
#define CW_HOST_TABLE_ENTRIES_WORD 9u
#define CW_HOST_TABLE_ENTRIES_SHIFT 0u
#define CW_HOST_TABLE_ENTRIES_MASK 0xFFFFFFFFu
/* fraction of the output */
#define CW_HOST_SHIFT_WORD 10u
#define CW_HOST_SHIFT_SHIFT 0u
#define CW_HOST_SHIFT_MASK 0x0000003Fu
/* smallest result (signed) */
#define CW_HOST_CLIP_LOW_WORD 11u
#define CW_HOST_CLIP_LOW_SHIFT 0u
#define CW_HOST_CLIP_LOW_MASK 0x0000FFFFu
/* largest result (signed) */
#define CW_HOST_CLIP_HIGH_WORD 11u
#define CW_HOST_CLIP_HIGH_SHIFT 16u
#define CW_HOST_CLIP_HIGH_MASK 0xFFFF0000u

#endif /* CW_PROGRAM_H */
