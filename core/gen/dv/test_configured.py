# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Runs cw_accelerator_configured, the module for scripts without FuseSoC, in simulation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from corewright.builder import Builder
from corewright.export import configuration_package
from corewright.flow.vectors import prepare, random_images
from corewright.hardware import Hardware
from corewright.testing.cocotb_runner import run_cocotb, sources_of

HW = Hardware(
    processing_elements=(4, 6),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    axi_width=64,
    pixel_buffer_depth=300,
)
RTL = Path(__file__).resolve().parents[1] / "rtl"


@pytest.mark.nightly
@pytest.mark.bench
def test_a_configured_accelerator_runs_a_program(tmp_path: Path):
    builder = Builder("configured", 6, 6, 3, seed=5)
    first = builder.conv(builder.input, 7, 3)
    builder.dense(builder.pool(first, 2), 5)
    graph = builder.graph()
    vectors = tmp_path / "vectors"
    shutil.copytree(prepare(graph, HW, random_images(graph, 2, 3), 1).folder, vectors)
    (vectors / "hardware.json").write_text(json.dumps(HW.to_dict()))
    header = tmp_path / "config_hw.svh"
    header.write_text(configuration_package(HW))
    sources = [
        path
        for path in sources_of("corewright:core:accelerator_bench")
        if path.parent.name != "dv" and path.suffix == ".sv"
    ]
    configured = [RTL / "cw_config_pkg.sv", RTL / "cw_accelerator_configured.sv"]
    run_cocotb(
        "cw_accelerator_configured",
        "tb_configured",
        [header, *sources, *configured],
        bench_options={"vectors": str(vectors)},
    )
