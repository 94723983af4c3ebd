# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
# Generated from data/cw_regs.rdl by generate.py; do not edit.

# For packagers of IP; the words are IP-XACT's. A register is name, byte offset, bits, access, reset
# value ({}: hardware gives some of it), description and fields; a field is name, lowest bit, bits,
# access, what a write does ({}: it is stored or ignored) and description.
set TITLE {corewright accelerator registers}
set WINDOW_BYTES 0x1000
set REGISTERS {
  {ID 0x000 32 read-only 0x43575247 {Identification. Reads 0x43575247, ASCII CWRG: tells that a corewright accelerator answers here.} {
    {value 0 32 read-only {} {The constant 0x43575247.}}
  }}
  {VERSION 0x004 32 read-only 0x00010000 {Version of this register map. Software must refuse a major version that it does not know.} {
    {minor 0 16 read-only {} {Grows with compatible additions.}}
    {major 16 16 read-only {} {Grows with incompatible changes.}}
  }}
  {HW_HASH 0x008 32 read-only {} {Hardware hash. Hash of the hardware configuration. A program compiled for another one is refused.} {
    {value 0 32 read-only {} {The low 32 bits of the configuration's hash.}}
  }}
  {CAPS 0x00C 32 read-only {} {Capabilities. The hardware's main dimensions, for information; HW_HASH is what decides.} {
    {rows 0 8 read-only {} {Pixel lanes.}}
    {cols 8 8 read-only {} {Output channels computed at once.}}
    {pixel_bits 16 5 read-only {} {Bits of a pixel.}}
    {weight_bits 21 5 read-only {} {Bits of a weight.}}
    {drain 26 6 read-only {} {Channels drained a cycle.}}
  }}
  {CTRL 0x010 32 read-write 0x00000000 {Control.} {
    {start 0 1 read-write modify {Write 1 to run the program; reads 0.}}
    {abort 1 1 read-write modify {Write 1 to stop the run at once; reads 0.}}
    {irq_enable 2 1 read-write {} {Drive the interrupt line from IRQ_STATUS.}}
  }}
  {STATUS 0x014 32 read-only {} {Status.} {
    {busy 0 1 read-only {} {A program runs or an abort is not finished yet.}}
    {done 1 1 read-only {} {The last run ended well.}}
    {error 2 1 read-only {} {The last run ended with an error.}}
    {error_code 8 8 read-only {} {What the error was; 0 is none.}}
    {layer 16 16 read-only {} {The layer at work, or the one at fault.}}
  }}
  {IRQ_STATUS 0x018 32 read-write 0x00000000 {Interrupt status. Sticky; write 1 to clear. A cause that comes while it is cleared is not lost.} {
    {done 0 1 read-write oneToClear {A run ended well.}}
    {error 1 1 read-write oneToClear {A run ended with an error.}}
  }}
  {ERROR_INFO 0x01C 32 read-only {} {Error information. Details of the error, by its code: an address, a response or a count.} {
    {value 0 32 read-only {} {Meaning depends on STATUS.error_code.}}
  }}
  {PROGRAM_ADDR_LO 0x020 32 read-write 0x00000000 {Program address, low word.} {
    {value 0 32 read-write {} {Bits 31:0 of the byte address of the program binary.}}
  }}
  {PROGRAM_ADDR_HI 0x024 32 read-write 0x00000000 {Program address, high word.} {
    {value 0 32 read-write {} {Bits 63:32 of the byte address of the program binary.}}
  }}
  {PROGRAM_BYTES 0x028 32 read-write 0x00000000 {Program size.} {
    {value 0 32 read-write {} {Size of the program's window in bytes.}}
  }}
  {ARENA_ADDR_LO 0x02C 32 read-write 0x00000000 {Arena address, low word.} {
    {value 0 32 read-write {} {Bits 31:0 of the byte address of the activations' window.}}
  }}
  {ARENA_ADDR_HI 0x030 32 read-write 0x00000000 {Arena address, high word.} {
    {value 0 32 read-write {} {Bits 63:32 of the byte address of the activations' window.}}
  }}
  {ARENA_BYTES 0x034 32 read-write 0x00000000 {Arena size.} {
    {value 0 32 read-write {} {Size of the activations' window in bytes.}}
  }}
  {CYCLES_LO 0x038 32 read-only {} {Cycle counter, low word.} {
    {value 0 32 read-only {} {Bits 31:0 of the clock cycles of the last run.}}
  }}
  {CYCLES_HI 0x03C 32 read-only {} {Cycle counter, high word. Read after the run, or read high, low, high again: the two are not latched together.} {
    {value 0 32 read-only {} {Bits 63:32 of the clock cycles of the last run.}}
  }}
  {PERF_INDEX 0x040 32 read-write 0x00000000 {Performance memory index.} {
    {value 0 16 read-write {} {Which word of the performance memory PERF_DATA shows.}}
  }}
  {PERF_DATA 0x044 32 read-only {} {Performance memory data.} {
    {value 0 32 read-only {} {The word that PERF_INDEX selects.}}
  }}
  {PERF_LAYERS 0x048 32 read-only {} {Performance memory layers.} {
    {value 0 32 read-only {} {How many layers have been recorded.}}
  }}
  {WATCHDOG 0x04C 32 read-write 0x00100000 {Watchdog. Makes a run that stands still end with an error.} {
    {value 0 32 read-write {} {Clock cycles without a moved byte or an ended tile that are an error; 0: off.}}
  }}
  {DEBUG_STATE 0x050 32 read-only {} {Debug state. The state of the internal machines, for a bug report. No stable meaning.} {
    {value 0 32 read-only {} {Raw state bits.}}
  }}
}
