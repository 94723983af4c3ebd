# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# AMD ZCU106 (XCZU7EV), 4 GB of DDR4. Read by boards/tcl/cw_vivado.tcl and by corewright.export.
set BOARD zcu106
set TITLE {AMD ZCU106}
set PART xczu7ev-ffvc1156-2-e
# What the part has (AMD DS891); BRAM36 are of 36 kbit, URAM of 288. What does not fit is refused.
set RESOURCES {LUT 230400 FF 460800 DSP 1728 BRAM36 312 URAM 96}
# Without the version: the newest that is installed.
set BOARD_PART xilinx.com:zcu106:part0
set PS zynq_ultra_ps_e
# Clock of the accelerator in MHz, unless it aims lower or another is asked for, and the highest
# that may be asked for: of the PS-PL AXI interfaces. No promise of timing.
set CLOCK_MHZ 250
set MAX_MHZ 333
# The accelerator's AXI4 managers and the PS ports that they reach the memory by.
set MEMORY_PORTS {program HP0 pixels HP1 residual HP2 output HP3}
# Segments of each of these ports: name, address, bytes.
set MEMORY {DDR_LOW 0x0 0x80000000 DDR_HIGH 0x800000000 0x80000000}
# The PS port that reaches the registers, their address and bytes.
set CONTROL_PORT HPM0_FPD
set REGISTERS {0xA0000000 0x1000}
