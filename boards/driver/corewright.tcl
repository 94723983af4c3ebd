# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
#
# Vitis calls it when it makes a board support package: addresses of all accelerators go to
# xparameters.h, as XPAR_<cell>_S_AXIL_BASEADDR.

proc generate {drv_handle} {
  xdefine_include_file $drv_handle "xparameters.h" "CW_ACCELERATOR" "NUM_INSTANCES" "DEVICE_ID" \
      "C_S_AXIL_BASEADDR" "C_S_AXIL_HIGHADDR"
}
