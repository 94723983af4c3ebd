// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors
// Generated from sw/corewright/program/format.py by corewright.program.generate; do not edit.

/// Bit-level format of the program binary and the codes that a run ends with.
package cw_program_pkg;

  // Not every user of the format needs every constant:
  // verilator lint_off UNUSEDPARAM
  localparam logic [31:0] Magic = 32'h50525743;
  localparam logic [31:0] Version = 32'd3;
  localparam int unsigned HeaderWords = 16;
  localparam int unsigned HeaderBytes = 64;
  localparam int unsigned DescriptorWords = 64;
  localparam int unsigned DescriptorBytes = 256;
  // verilator lint_on UNUSEDPARAM

  typedef enum logic [3:0] {
    OpcodeConv = 4'd0,
    OpcodeMaxPool = 4'd1,
    OpcodeAveragePool = 4'd2,
    OpcodeDepthwise = 4'd3,
    OpcodeSumPool = 4'd4
  } opcode_e;

  typedef enum logic [7:0] {
    ErrorNone = 8'd0,  // no error
    ErrorBadProgram = 8'd1,  // magic, version or number of layers of the header
    ErrorWrongHardware = 8'd2,  // the program is for other hardware
    ErrorBadDescriptor = 8'd3,  // a descriptor's CRC, opcode or sizes; info: its layer_index
    ErrorWindow = 8'd4,  // an address outside program or arena; info: the offset
    ErrorAxiReadProgram = 8'd5,  // error response on the program port; info: the response
    ErrorAxiReadPixels = 8'd6,  // error response on the input port; info: the response
    ErrorAxiWrite = 8'd7,  // error response on the output port; info: the response
    ErrorWatchdog = 8'd8,  // no byte moved, no tile ended for WATCHDOG cycles; info: state
    ErrorAborted = 8'd9  // CTRL.abort was written
  } error_e;

  typedef struct packed {
    logic [31:0] magic;                     // MAGIC
    logic [31:0] version;                   // VERSION
    // hash of the hardware parameters that the program is for:
    logic [31:0] hardware_hash;
    logic [31:0] layers;                    // number of descriptors
    logic [31:0] descriptor_offset;         // byte offset of the first descriptor in the program
    logic [31:0] program_bytes;             // length of the whole program
    logic [31:0] arena_bytes;               // bytes of activation memory that the program needs
    logic [31:0] input_offset;              // byte offset of the input tensor in the arena
    logic [31:0] input_bytes;               // length of the input tensor
    logic [31:0] output_offset;             // byte offset of the output tensor in the arena
    logic [31:0] output_bytes;              // length of the output tensor
    logic [31:0] batch;                     // images that one run processes
    logic [31:0] body_crc;                  // CRC-32 (zlib) of everything behind the header
    // from this header to the next stage's; 0: the last stage:
    logic [31:0] next_offset;
    // host operations behind this stage, from its header; 0: none:
    logic [31:0] host_offset;
    logic [31:0] header_crc;                // CRC-32 (zlib) of header words 0 to 14
  } header_t;

  typedef struct packed {
    logic [3:0] opcode;                     // Opcode
    logic last_layer;                       // the program ends after this layer
    logic weights_resident;                 // a pass's weights stay in the ring for all its sets
    // K exceeds the ring: rows are released as they are read:
    logic weights_streamed;
    logic direct_load;                      // words go to the buffer as they come; else scattered
    logic output_contiguous;                // the layer's output is one run of bytes
    logic bias_enable;                      // add the bias table
    logic round_first;                      // average: round to an integer before requantising
    logic add_enable;                       // add a second tensor behind the post-processing
    logic release_rows;                     // plane blocks are released after each kernel row
    logic input_program;                    // the input tensor is a constant in the program
    logic weights_arena;                    // the weights are a tensor in the arena
    logic [15:0] layer_index;               // position in the stage, for status and counters
    logic [15:0] kernel_height;             // KH
    logic [15:0] kernel_width;              // KW
    logic [15:0] channels_in;               // CI, words of an input block
    logic [15:0] groups;                    // G: channel groups, of C channels (conv) or D (pool)
    logic [15:0] group_channels;            // channels of a full group
    logic [15:0] last_group_channels;       // channels of the last group
    logic [23:0] blocks;                    // M: output blocks
    logic [23:0] set_blocks;                // blocks of a set; the last set may be shorter
    logic [15:0] groups_per_pass;           // groups of a pass; the last pass may be shorter
    logic [15:0] tail_lanes;                // live lanes of the last block, 1 to R
    // output pitch * stride_w: w wraps here, h grows by stride_h:
    logic [15:0] wrap_w;
    logic [15:0] wrap_h;                    // output rows of an image * stride_h: h wraps here
    logic [15:0] step_w;                    // (R mod pitch) * stride_w: w grows so a block
    // ((R div pitch) mod image rows) * stride_h: h grows so a block:
    logic [15:0] step_h;
    logic [15:0] stride_h;                  // sh
    logic [15:0] stride_w;                  // sw
    logic signed [15:0] pad_top;            // pt; negative: rows cut off
    logic signed [15:0] pad_left;           // pl; negative: columns cut off
    logic [15:0] height;                    // H of the input: a tap outside reads the fill value
    logic [15:0] width;                     // W of the input
    logic [23:0] gather_row;                // buffer row of the slot of block 0's position
    logic [7:0] gather_lane;                // its lane
    logic signed [23:0] gather_block;       // its absolute plane block (may be negative)
    // BS: buffer rows of a plane block (planes * ceil(CI/D)):
    logic [23:0] block_rows;
    // scatter: further copies of each pixel to its right, at most 3:
    logic [7:0] copies_w;
    logic [23:0] ring_rows;                 // buffer rows of the ring, a multiple of BS
    logic [7:0] copies_h;                   // scatter: further copies of each row below it
    logic [23:0] ring_blocks;               // ring_rows / BS
    logic [23:0] row_blocks;                // output blocks of an image row (row-aligned); 0: flat
    logic [15:0] image_rows;                // output rows of an image (row-aligned)
    logic [7:0] image_step_lane;            // lane part of image_step
    logic [7:0] row_step_lane;              // lane part of row_step
    logic [23:0] row_step_rows;             // last block of an image row -> next row: rows, wrapped
    logic signed [23:0] row_step_blocks;    // the same in blocks
    logic [23:0] image_step_rows;           // last block of an image -> next image: rows, wrapped
    logic signed [23:0] image_step_blocks;  // the same in blocks
    // PS: ceil(CI/D), rows from a phase plane to the next in w:
    logic [23:0] plane_rows;
    logic [23:0] phase_rows;                // PHS: rows from a phase plane to the next in h
    logic [23:0] pitch_rows;                // plane pitch, block part in buffer rows, wrapped
    logic [7:0] pitch_lane;                 // plane pitch, lane part
    logic [23:0] pitch_blocks;              // plane pitch, block part
    logic signed [31:0] position_step;      // lane 0's stream position grows so a block
    logic signed [31:0] position_wrap_w;    // and by this where w wraps
    logic signed [31:0] position_wrap_h;    // and by this where h wraps
    logic signed [31:0] need_offset;        // last needed position, kernel row 0, from lane 0
    logic [31:0] need_step;                 // the last needed position grows so a kernel row
    logic [31:0] input_offset;              // arena offset of the input tensor's first byte to read
    logic [31:0] segment_bytes;             // bytes of a read command
    logic [31:0] segment_stride;            // bytes from a read command's start to the next's
    logic [31:0] segments;                  // read commands a pass
    logic [23:0] stream_blocks;             // input blocks in the stream a pass
    logic [15:0] input_pitch;               // scatter: lanes of an image row in the stream
    logic [15:0] input_rows;                // scatter: rows of an image in the stream
    logic [15:0] load_width;                // scatter: columns w < load_width are stored
    logic [15:0] load_height;               // scatter: rows h < load_height are stored
    logic [15:0] row_advance;               // scatter: h grows so from a stream row to the next
    logic [15:0] start_phase_w;             // scatter: pl mod sw
    logic [15:0] start_phase_h;             // scatter: pt mod sh
    logic [15:0] planes_w;                  // scatter: min(KW, sw), phases w' < planes_w are stored
    logic [15:0] planes_h;                  // scatter: min(KH, sh)
    logic [23:0] scatter_row;               // scatter: buffer row of the slot of w=0, h=0, image 0
    logic [7:0] scatter_lane;               // scatter: its lane
    logic signed [23:0] scatter_block;      // its absolute plane block
    logic [23:0] scatter_image_rows;        // scatter: one image further: rows, wrapped
    logic [7:0] scatter_image_lane;         // scatter: one image further: lane
    logic [23:0] scatter_image_blocks;      // scatter: one image further: blocks
    logic [31:0] output_offset;             // arena offset of the output tensor
    logic [31:0] output_block_bytes;        // bytes from an output block to the next
    logic [31:0] output_group_bytes;        // bytes of a full group of one block
    logic [31:0] output_bytes;              // bytes that the layer writes
    logic [3:0] pre_shift;                  // v = (sum << pre_shift) + bias
    logic [5:0] shift;                      // right shift, half to even, where v >= 0
    logic [5:0] negative_shift;             // right shift where v < 0
    // stride_w 2: lanes by which planes w' = 1 are stored further:
    logic [7:0] phase_skew;
    logic signed [15:0] clip_low;           // smallest result
    logic signed [15:0] clip_high;          // largest result
    logic [31:0] bias_offset;               // program offset of the bias table
    logic [31:0] bias_bytes;                // its length, 0: none
    // program offset of group 0's rows; weights_arena: arena:
    logic [31:0] weight_offset;
    logic [23:0] weight_rows;               // K: rows of a group, 0: the layer has no weights
    logic [15:0] row_bytes;                 // bytes of a weight row of a full group
    logic [15:0] last_row_bytes;            // bytes of a weight row of the last group
    // K * row_bytes; weights_arena: from a block to the next:
    logic [31:0] group_bytes;
    logic [31:0] last_group_bytes;          // K * last_row_bytes
    logic [31:0] add_offset;                // arena offset of the second operand's first word
    logic [31:0] add_block_bytes;           // bytes from a block of the second operand to the next
    logic [3:0] add_own_shift;              // v = (y << add_own_shift) + (x << add_other_shift)
    logic [3:0] add_other_shift;            // left shift of the second operand
    logic [5:0] add_shift;                  // right shift of v, half to even, where v >= 0
    logic [5:0] add_negative_shift;         // right shift where v < 0
    logic signed [15:0] add_clip_low;       // smallest sum
    logic signed [15:0] add_clip_high;      // largest sum
    logic [31:0] crc;                       // CRC-32 (zlib) of words 0 to 62
  } descriptor_t;

  /// Splits the words, word 0 in the lowest bits, into fields; checks nothing.
  // The reserved bits of a format are nobody's:
  // verilator lint_off UNUSEDSIGNAL
  function automatic header_t decode_header(input logic [511:0] words);
    header_t fields;
    fields.magic = words[0 +: 32];
    fields.version = words[32 +: 32];
    fields.hardware_hash = words[64 +: 32];
    fields.layers = words[96 +: 32];
    fields.descriptor_offset = words[128 +: 32];
    fields.program_bytes = words[160 +: 32];
    fields.arena_bytes = words[192 +: 32];
    fields.input_offset = words[224 +: 32];
    fields.input_bytes = words[256 +: 32];
    fields.output_offset = words[288 +: 32];
    fields.output_bytes = words[320 +: 32];
    fields.batch = words[352 +: 32];
    fields.body_crc = words[384 +: 32];
    fields.next_offset = words[416 +: 32];
    fields.host_offset = words[448 +: 32];
    fields.header_crc = words[480 +: 32];
    return fields;
  endfunction
  // verilator lint_on UNUSEDSIGNAL

  /// Splits the words, word 0 in the lowest bits, into fields; checks nothing.
  // The reserved bits of a format are nobody's:
  // verilator lint_off UNUSEDSIGNAL
  function automatic descriptor_t decode_descriptor(input logic [2047:0] words);
    descriptor_t fields;
    fields.opcode = words[0 +: 4];
    fields.last_layer = words[8];
    fields.weights_resident = words[9];
    fields.weights_streamed = words[10];
    fields.direct_load = words[11];
    fields.output_contiguous = words[12];
    fields.bias_enable = words[13];
    fields.round_first = words[14];
    fields.add_enable = words[15];
    fields.release_rows = words[4];
    fields.input_program = words[5];
    fields.weights_arena = words[6];
    fields.layer_index = words[16 +: 16];
    fields.kernel_height = words[32 +: 16];
    fields.kernel_width = words[48 +: 16];
    fields.channels_in = words[64 +: 16];
    fields.groups = words[80 +: 16];
    fields.group_channels = words[96 +: 16];
    fields.last_group_channels = words[112 +: 16];
    fields.blocks = words[128 +: 24];
    fields.set_blocks = words[160 +: 24];
    fields.groups_per_pass = words[192 +: 16];
    fields.tail_lanes = words[208 +: 16];
    fields.wrap_w = words[224 +: 16];
    fields.wrap_h = words[240 +: 16];
    fields.step_w = words[256 +: 16];
    fields.step_h = words[272 +: 16];
    fields.stride_h = words[288 +: 16];
    fields.stride_w = words[304 +: 16];
    fields.pad_top = words[320 +: 16];
    fields.pad_left = words[336 +: 16];
    fields.height = words[352 +: 16];
    fields.width = words[368 +: 16];
    fields.gather_row = words[384 +: 24];
    fields.gather_lane = words[408 +: 8];
    fields.gather_block = words[416 +: 24];
    fields.block_rows = words[448 +: 24];
    fields.copies_w = words[472 +: 8];
    fields.ring_rows = words[480 +: 24];
    fields.copies_h = words[504 +: 8];
    fields.ring_blocks = words[512 +: 24];
    fields.row_blocks = words[544 +: 24];
    fields.image_rows = words[576 +: 16];
    fields.image_step_lane = words[592 +: 8];
    fields.row_step_lane = words[600 +: 8];
    fields.row_step_rows = words[608 +: 24];
    fields.row_step_blocks = words[640 +: 24];
    fields.image_step_rows = words[672 +: 24];
    fields.image_step_blocks = words[704 +: 24];
    fields.plane_rows = words[736 +: 24];
    fields.phase_rows = words[768 +: 24];
    fields.pitch_rows = words[800 +: 24];
    fields.pitch_lane = words[824 +: 8];
    fields.pitch_blocks = words[832 +: 24];
    fields.position_step = words[864 +: 32];
    fields.position_wrap_w = words[896 +: 32];
    fields.position_wrap_h = words[928 +: 32];
    fields.need_offset = words[960 +: 32];
    fields.need_step = words[992 +: 32];
    fields.input_offset = words[1024 +: 32];
    fields.segment_bytes = words[1056 +: 32];
    fields.segment_stride = words[1088 +: 32];
    fields.segments = words[1120 +: 32];
    fields.stream_blocks = words[1152 +: 24];
    fields.input_pitch = words[1184 +: 16];
    fields.input_rows = words[1200 +: 16];
    fields.load_width = words[1216 +: 16];
    fields.load_height = words[1232 +: 16];
    fields.row_advance = words[1248 +: 16];
    fields.start_phase_w = words[1280 +: 16];
    fields.start_phase_h = words[1296 +: 16];
    fields.planes_w = words[1312 +: 16];
    fields.planes_h = words[1328 +: 16];
    fields.scatter_row = words[1344 +: 24];
    fields.scatter_lane = words[1368 +: 8];
    fields.scatter_block = words[1376 +: 24];
    fields.scatter_image_rows = words[1408 +: 24];
    fields.scatter_image_lane = words[1432 +: 8];
    fields.scatter_image_blocks = words[1440 +: 24];
    fields.output_offset = words[1472 +: 32];
    fields.output_block_bytes = words[1504 +: 32];
    fields.output_group_bytes = words[1536 +: 32];
    fields.output_bytes = words[1568 +: 32];
    fields.pre_shift = words[1600 +: 4];
    fields.shift = words[1608 +: 6];
    fields.negative_shift = words[1616 +: 6];
    fields.phase_skew = words[1624 +: 8];
    fields.clip_low = words[1632 +: 16];
    fields.clip_high = words[1648 +: 16];
    fields.bias_offset = words[1664 +: 32];
    fields.bias_bytes = words[1696 +: 32];
    fields.weight_offset = words[1728 +: 32];
    fields.weight_rows = words[1760 +: 24];
    fields.row_bytes = words[1792 +: 16];
    fields.last_row_bytes = words[1808 +: 16];
    fields.group_bytes = words[1824 +: 32];
    fields.last_group_bytes = words[1856 +: 32];
    fields.add_offset = words[1888 +: 32];
    fields.add_block_bytes = words[1920 +: 32];
    fields.add_own_shift = words[1952 +: 4];
    fields.add_other_shift = words[1956 +: 4];
    fields.add_shift = words[1960 +: 6];
    fields.add_negative_shift = words[1968 +: 6];
    fields.add_clip_low = words[1984 +: 16];
    fields.add_clip_high = words[2000 +: 16];
    fields.crc = words[2016 +: 32];
    return fields;
  endfunction
  // verilator lint_on UNUSEDSIGNAL

endpackage
