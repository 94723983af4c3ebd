# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# Avnet Ultra96-V2 (XCZU3EG), 2 GB of LPDDR4. Read by boards/tcl/cw_vivado.tcl and by corewright.export.
set BOARD ultra96v2
set TITLE {Avnet Ultra96-V2}
set PART xczu3eg-sbva484-1-i
# What the part has (AMD DS891); BRAM36 are of 36 kbit, URAM of 288. What does not fit is refused.
set RESOURCES {LUT 70560 FF 141120 DSP 360 BRAM36 216 URAM 0}
# Without the version: the newest that is installed, of the first name that there is. The maker's
# name changed with version 1.3.
set BOARD_PART {avnet-tria:ultra96v2:part0 avnet.com:ultra96v2:part0}
set PS zynq_ultra_ps_e
# Clock of the accelerator in MHz, unless it aims lower or another is asked for, and the highest
# that may be asked for: of the PS-PL AXI interfaces. No promise of timing.
set CLOCK_MHZ 250
set MAX_MHZ 333
# The accelerator's AXI4 managers and the PS ports that they reach the memory by.
set MEMORY_PORTS {program HP0 pixels HP1 residual HP2 output HP3}
# Segments of each of these ports: name, address, bytes.
set MEMORY {DDR_LOW 0x0 0x80000000}
# The PS port that reaches the registers, their address and bytes.
set CONTROL_PORT HPM0_FPD
set REGISTERS {0xA0000000 0x1000}
