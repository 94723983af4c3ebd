// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// One lane of requantisation: shift with a single rounding (half to even) and clipping.
///
///   result = clip(round_half_even(value / 2^(value < 0 ? negative_shift : shift)), clip_low, clip_high)
///
/// exact for every value and shift. A value a cycle, four cycles from `value_i` to `result_o`. A stage's
/// registers take what is in front of them in the cycles with `stage_i[k]`, for k = 0 .. 2; `result_o` with
/// `stage_i[3]`, where it is zero with `blank_i`, and `load_i` if `shift_in_i`.
/// The caller guarantees: shifts and clips are stable while a value is inside; clips fit ResultBits.
///
///   value ---> coarse: by whole bytes, ---> fine: by bits; ---> round ---> clip ---> result
///              a window of them             half, rest
///
/// The window holds what the fine shift can still bring into the result. What lies below it is not zero, or
/// what lies above it is no sign extension: two bits say so, found a byte at a time.
module cw_requantise_lane
  import cw_postproc_pkg::ShiftBits;
#(
  parameter int unsigned ValueBits  = 55,
  parameter int unsigned ResultBits = 8
) (
  input  logic                         clk_i,
  input  logic [3:0]                   stage_i,
  input  logic signed [ValueBits-1:0]  value_i,
  input  logic [ShiftBits-1:0]         shift_i,
  input  logic [ShiftBits-1:0]         negative_shift_i,
  input  logic signed [ResultBits-1:0] clip_low_i,
  input  logic signed [ResultBits-1:0] clip_high_i,
  input  logic                         blank_i,
  input  logic                         shift_in_i,
  input  logic signed [ResultBits-1:0] load_i,
  output logic signed [ResultBits-1:0] result_o
);

  // The value with a bit below it, so that a shift brings the half to bit 0.
  localparam int unsigned Bytes = (ValueBits + 1 + 7) / 8;
  localparam int unsigned WindowBytes = (ResultBits + 8 + 7) / 8;
  localparam int unsigned WindowBits = 8 * WindowBytes;
  // Shifts by more bytes than there are leave the sign.
  localparam int unsigned ByteBits = $clog2(Bytes + 1);
  typedef logic [8*Bytes-1:0] bytes_t;
  typedef logic [ByteBits-1:0] byte_index_t;

  function automatic byte_index_t whole_bytes(logic [ShiftBits-1:3] eighths);
    return 32'(eighths) > Bytes ? byte_index_t'(Bytes) : byte_index_t'(eighths);
  endfunction

  // Bytes below index.
  function automatic logic [Bytes-1:0] below(byte_index_t index);
    for (int unsigned k = 0; k < Bytes; k++) below[k] = k < 32'(index);
  endfunction

  // ---------------------------------------------------------------- by whole bytes
  typedef struct packed {
    logic                  negative;
    logic                  outside;  // above the window is no sign extension
    logic                  rest;     // below the window is something
    logic [WindowBits-1:0] window;
  } coarse_t;

  function automatic coarse_t by_bytes(bytes_t value, byte_index_t positive_index,
                                       byte_index_t negative_index);
    automatic logic negative = value[8*Bytes-1];
    automatic byte_index_t index = negative ? negative_index : positive_index;
    automatic logic [8*(Bytes+WindowBytes)-1:0] extended = {{WindowBits{negative}}, value};
    automatic logic [Bytes:0][WindowBits-1:0] windows;
    automatic logic [Bytes-1:0] zero, sign;
    for (int unsigned k = 0; k < Bytes; k++) begin
      zero[k] = value[8*k+:8] == '0;
      sign[k] = value[8*k+:8] == {8{negative}};
    end
    for (int unsigned k = 0; k <= Bytes; k++) windows[k] = extended[8*k+:WindowBits];
    return '{
        negative: negative,
        outside: (~sign & ~(below(index) << WindowBytes | Bytes'((1 << WindowBytes) - 1))) != '0,
        rest: (~zero & below(index)) != '0,
        window: windows[index]
    };
  endfunction

  // ---------------------------------------------------------------- by bits
  typedef struct packed {
    logic                  negative;
    logic                  outside;
    logic                  rest;
    logic [ResultBits-1:0] floor;
    logic                  half;
  } fine_t;

  function automatic fine_t by_bits(coarse_t coarse, logic [2:0] positive_bits,
                                    logic [2:0] negative_bits);
    automatic logic [2:0] bits = coarse.negative ? negative_bits : positive_bits;
    automatic logic [7:0][ResultBits:0] shifted;
    automatic logic [7:0] outside, rest;
    for (int unsigned k = 0; k < 8; k++) begin
      shifted[k] = coarse.window[k+:ResultBits+1];
      rest[k]    = (coarse.window & WindowBits'((1 << k) - 1)) != '0;
      // The floor's own sign, and all above it.
      outside[k] = ((coarse.window ^ {WindowBits{coarse.negative}}) >> (k + ResultBits)) != '0;
    end
    return '{
        negative: coarse.negative,
        outside: coarse.outside || outside[bits],
        rest: coarse.rest || rest[bits],
        floor: shifted[bits][ResultBits:1],
        half: shifted[bits][0]
    };
  endfunction

  // ---------------------------------------------------------------- round and clip
  typedef struct packed {
    logic                       negative;
    logic                       outside;
    logic signed [ResultBits:0] value;
  } rounded_t;

  function automatic rounded_t round(fine_t fine);
    automatic logic up = fine.half && (fine.floor[0] || fine.rest);
    return '{
        negative: fine.negative,
        outside: fine.outside,
        value: $signed({fine.floor[ResultBits-1], fine.floor}) + $signed({{ResultBits{1'b0}}, up})
    };
  endfunction

  function automatic logic signed [ResultBits-1:0] clip(rounded_t rounded);
    clip = rounded.value[ResultBits-1:0];
    if (rounded.outside) clip = rounded.negative ? clip_low_i : clip_high_i;
    else if ($signed(rounded.value) > (ResultBits + 1)'(clip_high_i)) clip = clip_high_i;
    else if ($signed(rounded.value) < (ResultBits + 1)'(clip_low_i)) clip = clip_low_i;
  endfunction

  coarse_t coarse_q;
  fine_t fine_q;
  rounded_t rounded_q;
  always_ff @(posedge clk_i) begin
    if (stage_i[0]) begin
      coarse_q <= by_bytes(bytes_t'(signed'({value_i, 1'b0})), whole_bytes(shift_i[ShiftBits-1:3]),
                           whole_bytes(negative_shift_i[ShiftBits-1:3]));
    end
    if (stage_i[1]) fine_q <= by_bits(coarse_q, shift_i[2:0], negative_shift_i[2:0]);
    if (stage_i[2]) rounded_q <= round(fine_q);
    if (stage_i[3]) result_o <= blank_i ? '0 : shift_in_i ? load_i : clip(rounded_q);
  end

endmodule
