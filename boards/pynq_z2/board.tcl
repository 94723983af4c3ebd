# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
# TUL PYNQ-Z2 (XC7Z020), 512 MB of DDR3. Read by boards/tcl/cw_vivado.tcl and by corewright.export.
set BOARD pynq_z2
set TITLE {TUL PYNQ-Z2}
set PART xc7z020clg400-1
# What the part has (AMD DS190); BRAM36 are of 36 kbit, URAM of 288. What does not fit is refused.
set RESOURCES {LUT 53200 FF 106400 DSP 220 BRAM36 140 URAM 0}
# Without the version: the newest that is installed.
set BOARD_PART tul.com.tw:pynq-z2:part0
set PS processing_system7
# Clock of the accelerator in MHz, unless it aims lower or another is asked for, and the highest
# that may be asked for: of the clocks that the PS gives the PL. No promise of timing.
set CLOCK_MHZ 100
set MAX_MHZ 250
# The accelerator's AXI4 managers and the PS ports that they reach the memory by.
set MEMORY_PORTS {program HP0 pixels HP1 residual HP2 output HP3}
# Segments of each of these ports: name, address, bytes.
set MEMORY {DDR_LOWOCM 0x0 0x20000000}
# The PS port that reaches the registers, their address and bytes.
set CONTROL_PORT GP0
set REGISTERS {0x43C00000 0x1000}
