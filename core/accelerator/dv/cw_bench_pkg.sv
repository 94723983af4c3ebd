// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// What the bench's parts share: the random stalls of the memory model and the DPI functions.
package cw_bench_pkg;

  /// How a memory port behaves. Chances are out of 65536 a cycle.
  typedef struct packed {
    logic        random;       // 0: the fixed latencies below and nothing else
    logic [15:0] latency;      // cycles from a request to its first data, or last data to response
    logic [15:0] spread;       // mask of what is added to the latency at random
    logic [15:0] ready_stall;  // chance that a channel that takes is not ready
    logic [15:0] valid_stall;  // chance that a channel that gives has nothing yet
    logic [15:0] long_stall;   // chance that the whole port stops for a while
    logic [15:0] long_mask;    // mask of how many cycles it stops
  } stalls_t;

  /// What the firmware asks for; the numbers of cw_hal_sim.h.
  localparam int RequestRead = 0;
  localparam int RequestWrite = 1;
  localparam int RequestWaitInterrupt = 2;
  localparam int RequestFinished = 3;
  localparam int RequestArm = 4;

  /// Why the firmware is stepped; the numbers of cw_hal_sim.h.
  localparam int EventStart = 0;
  localparam int EventCompleted = 1;
  localparam int EventInterrupt = 2;
  localparam int EventTimeout = 3;
  localparam int EventHang = 4;
  localparam int EventEvent = 5;

  /// Ports as the C side numbers them.
  localparam int PortProgram = 0;
  localparam int PortPixels = 1;
  localparam int PortOutput = 2;
  localparam int PortResidual = 3;

  /// What may happen in the middle of a run.
  typedef enum int {HappensNothing, HappensAbort, HappensReset, HappensAxiError} happens_e;

  /// Which beats of a burst carry an error response; a write has one response.
  typedef enum logic [1:0] {BadBeatsAll, BadBeatsFirst, BadBeatsLast} bad_beats_e;

  /// A burst that answers an error.
  typedef struct packed {
    logic [31:0] burst;  // from 1; 0: none
    logic [1:0]  resp;
    bad_beats_e  beats;
  } bad_burst_t;

  /// Gives the bench's C side one +name=value; unknown names are its error.
  import "DPI-C" function void cw_bench_option(input string name, input string value);
  /// Loads the files and prepares memory; 0 when that worked.
  import "DPI-C" function int cw_bench_setup(
    input int rows, input int pixel_bits, input int axi_bits, input int addr_bits,
    input int max_perf_layers, input int hash,
    output longint program_base, output longint program_bytes,
    output longint arena_base, output longint arena_bytes
  );
  /// Runs the firmware until its next request.
  import "DPI-C" function void cw_bench_step(
    input int reason, input int data, input longint cycle,
    output int request, output int address, output int value
  );
  /// Writes the results; the exit status, 0 when all is as expected.
  import "DPI-C" function int cw_bench_finish(input longint cycle, input bit hung);
  /// An error response is given.
  import "DPI-C" function void cw_bench_bad_beat(input int mem_port);
  /// One beat of at most 64 bits; the address is a multiple of the bus width.
  import "DPI-C" function longint cw_bench_read64(input int mem_port, input longint address);
  import "DPI-C" function void cw_bench_write64(
    input int mem_port, input longint address, input longint data, input int strobe
  );
  /// One beat of more than 64 bits.
  import "DPI-C" function void cw_bench_read512(
    input int mem_port, input longint address, output bit [511:0] data
  );
  import "DPI-C" function void cw_bench_write512(
    input int mem_port, input longint address, input bit [511:0] data, input bit [63:0] strobe
  );

  /// The named profiles of +stalls; an unknown name gives `none`.
  function automatic stalls_t stalls_of(input string profile);
    case (profile)
      "light": return '{
        random: 1'b1, latency: 16'd8, spread: 16'd31, ready_stall: 16'd4096,
        valid_stall: 16'd4096, long_stall: 16'd32, long_mask: 16'd31
      };
      "heavy": return '{
        random: 1'b1, latency: 16'd1, spread: 16'd127, ready_stall: 16'd32768,
        valid_stall: 16'd32768, long_stall: 16'd256, long_mask: 16'd127
      };
      default: return '{
        random: 1'b0, latency: 16'd20, spread: 16'd0, ready_stall: 16'd0,
        valid_stall: 16'd0, long_stall: 16'd0, long_mask: 16'd0
      };
    endcase
  endfunction

  /// Stalls of one port in numbers, the fields of stalls_t in their order; 0 when `text` is
  /// something else. A channel that never moves is a hang, not a stall: chances are 65000 at most.
  function automatic bit stalls_from(input string text, output stalls_t stalls);
    int latency, spread, ready_stall, valid_stall, long_stall, long_mask;
    stalls = '0;
    if ($sscanf(text, "%d,%d,%d,%d,%d,%d", latency, spread, ready_stall, valid_stall, long_stall,
                long_mask) != 6) return 1'b0;
    // Nothing may stand behind them.
    if ($sformatf("%0d,%0d,%0d,%0d,%0d,%0d", latency, spread, ready_stall, valid_stall, long_stall,
                  long_mask) != text) return 1'b0;
    if (latency < 1 || latency > 4095 || spread < 0 || spread > 4095 || ready_stall < 0 ||
        ready_stall > 65000 || valid_stall < 0 || valid_stall > 65000 || long_stall < 0 ||
        long_stall > 65000 || long_mask < 0 || long_mask > 4095) return 1'b0;
    stalls = '{
      random: 1'b1, latency: 16'(latency), spread: 16'(spread), ready_stall: 16'(ready_stall),
      valid_stall: 16'(valid_stall), long_stall: 16'(long_stall), long_mask: 16'(long_mask)
    };
    return 1'b1;
  endfunction

  /// xorshift64: the same stalls for the same seed in every simulator.
  function automatic logic [63:0] next_random(input logic [63:0] state);
    logic [63:0] x;
    x = state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
  endfunction

  /// A start state for one user of the seed; never the one state that xorshift cannot leave.
  function automatic logic [63:0] random_start(input logic [63:0] seed, input int unsigned user);
    logic [63:0] x;
    x = (seed + 64'd1) * 64'h9e3779b97f4a7c15 ^ (64'(user) + 64'd1) * 64'hd1342543de82ef95;
    x ^= x >> 29;
    return x == 64'd0 ? 64'd1 : x;
  endfunction

endpackage
