# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs one bench on every provider of corewright:prim:ram_1r1w."""

import pytest

from corewright.testing.cocotb_runner import run_cocotb, sources_of

PROVIDERS = {
    "prim_generic": ("default", True),
    "prim_xilinx": ("default", True),
    "prim_asic": ("sim", False),
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("width", "depth", "slot_bits"), [(32, 100, 32), (24, 64, 8), (7, 1, 7), (6, 5, 1)]
)
def test_prim_ram(provider, width, depth, slot_bits):
    target, collision_reads_old = PROVIDERS[provider]
    run_cocotb(
        "cw_ram_1r1w",
        "tb_prim_ram",
        sources_of(f"corewright:{provider}:ram_1r1w", target),
        {"Width": width, "Depth": depth, "SlotBits": slot_bits},
        bench_options={"CollisionReadsOld": collision_reads_old},
    )


@pytest.mark.parametrize("style", ["block", "distributed", "ultra"])
def test_ram_style_changes_no_behaviour(style):
    run_cocotb(
        "cw_ram_1r1w",
        "tb_prim_ram",
        sources_of("corewright:prim_xilinx:ram_1r1w"),
        {"Width": 16, "Depth": 32, "SlotBits": 8, "Style": f'"{style}"'},
    )
