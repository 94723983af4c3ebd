# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Random small networks on the RTL with real firmware; injected bugs that this must catch.

One compiled bench a hardware; a case is a network, its images and the memory's stalls, all from one
seed. ``COREWRIGHT_SYSTEM_SEED=N`` runs other cases.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corewright.compiler import CompileError
from corewright.environment import repository_root
from corewright.flow import describe, simulate
from corewright.graph import Conv, Graph, Pool, Requant, Tensor
from corewright.hardware import Hardware
from corewright.testing.random_graphs import random_graph, random_input

FIRST_SEED = int(os.environ.get("COREWRIGHT_SYSTEM_SEED", "1000"))
CASES = 4
STALLS = ("none", "light", "heavy")


def hardware(rows: int, columns: int, bits: int, axi: int, **more: Any) -> Hardware:
    return Hardware(
        processing_elements=(rows, columns),
        bits_input=bits,
        bits_weights=bits,
        bits_sum=32 if bits == 8 else 24,
        axi_width=axi,
        max_kernel_size=32,
        **more,
    )


# What CI iterates over: rows that are no power of two and are, every AXI width of the reference,
# both word widths, one drained channel and four, buffers that layers do not fit in.
HARDWARE = {
    "7x8_8bit_axi32": hardware(7, 8, 8, 32, ram_weights_depth=64),
    "8x24_4bit_axi64": hardware(8, 24, 4, 64),
    "5x3_4bit_axi128": hardware(
        5, 3, 4, 128, drain_width=1, pixel_buffer_depth=1024, ram_edges_depth=None
    ),
    "16x16_8bit_axi128": hardware(16, 16, 8, 128),
}
SMALL = hardware(3, 4, 8, 32, drain_width=2)


@pytest.mark.parametrize("case", range(CASES))
@pytest.mark.parametrize("name", HARDWARE)
def test_random_network_is_bit_exact(name: str, case: int):
    hw = HARDWARE[name]
    seed = FIRST_SEED + case
    # Cases that this hardware's buffers cannot hold are drawn again.
    for attempt in range(20):
        rng = np.random.default_rng([seed, attempt, sorted(HARDWARE).index(name)])
        graph = random_graph(rng, hw, layers=4, largest=12)
        batch = int(rng.integers(1, 5))
        images = random_input(rng, graph, batch + int(rng.integers(0, 2)))
        stalls = STALLS[int(rng.integers(len(STALLS)))]
        try:
            result = simulate(graph, hw, images, batch, seed=seed, stalls=stalls)
        except CompileError:
            continue
        break
    else:
        pytest.fail(f"{name} refuses every network of seed {seed}")
    assert result["passed"], (
        f"{describe(result)}\nreproduce: COREWRIGHT_SYSTEM_SEED={seed} ./cw test "
        f"'core/accelerator/dv/test_system.py::test_random_network_is_bit_exact[{name}-0]'"
    )
    assert len(result["layers"]) >= len(graph.compute_nodes)
    assert sum(result["cycles_by_cause"].values()) == result["cycles"] > 0
    for layer in result["layers"]:
        assert layer["cycles_by_cause"]["compute"] == layer["compute_cycles"], layer["name"]


# --------------------------------------------------------------------------- directed, small


def directed() -> tuple[Graph, np.ndarray]:
    """A convolution whose sums lie half-way between two outputs, and a max pool."""
    rng = np.random.default_rng(7)
    source = Tensor("x", 6, 7, 3, 8, 0)
    conv = Conv(
        "conv",
        "x",
        Tensor("y", 6, 7, 5, 8, 0),
        rng.integers(-8, 8, (3, 3, 3, 5)),
        rng.integers(-500, 500, 5),
        (1, 1),
        (1, 1, 1, 1),
        Requant(0, 4, 4, -128, 127),
        8,
        0,
    )
    pool = Pool(
        "pool",
        "max",
        "y",
        Tensor("z", 3, 3, 5, 8, 0),
        (2, 2),
        (2, 2),
        (0, 0, 0, 0),
        Requant.identity(-128, 127),
    )
    images = rng.integers(-20, 20, (2, 6, 7, 3))
    return Graph("directed", source, (conv, pool)), images


def test_sound_sources_pass():
    graph, images = directed()
    result = simulate(graph, SMALL, images, 2)
    assert result["passed"], describe(result)


BUGS = {
    "max pool takes the smallest": (
        *("core/pe/pe_integer.core", "rtl/cw_pe_array.sv"),
        r"SumBits'\(pixels_q\[j\]\[r\]\) > sums_q",
        "SumBits'(pixels_q[j][r]) < sums_q",
    ),
    "halves are rounded up, not to even": (
        *("core/postproc/postproc.core", "rtl/cw_postproc.sv"),
        r"halves\[0\] && \(halves\[1\] \|\|",
        "halves[0] && (1'b1 ||",
    ),
}


def broken(folder: Path, bug: tuple[str, ...]) -> Path:
    """A copy of one core with one expression changed, as a newer version of it."""
    core_file, source, pattern, replacement = bug
    original = repository_root() / core_file
    overlay = folder / "overlay"
    shutil.copytree(original.parent / "rtl", overlay / "rtl")
    core, count = re.subn(
        r'(name: "corewright:\w+:\w+):[\d.]+"', r'\1:99.0.0"', original.read_text(encoding="utf-8")
    )
    assert count == 1
    # Of its benches nothing is needed, or copied.
    core = re.sub(r"\n  dv:\n(    .*\n)+", "\n", core)
    core = re.sub(r"\ntargets:\n(.*\n)+", TARGETS, core)
    (overlay / original.name).write_text(core, encoding="utf-8")
    text, count = re.subn(pattern, replacement, (overlay / source).read_text(encoding="utf-8"))
    assert count >= 1, "the source has changed: this bug is no longer injected"
    (overlay / source).write_text(text, encoding="utf-8")
    return overlay


TARGETS = """
targets:
  default:
    filesets: ["rtl"]
"""


@pytest.mark.parametrize("name", BUGS)
def test_injected_bug_is_caught(name: str, tmp_path: Path):
    graph, images = directed()
    result = simulate(graph, SMALL, images, 2, overlay=broken(tmp_path, BUGS[name]))
    assert not result["passed"]
    assert result["mismatches"] > 0
    first = result["first_mismatches"][0]
    assert first["expected"] != first["got"]
    wrong = [layer["name"] for layer in result["layers"] if not layer["bit_exact"]]
    assert first["layer"] == wrong[0]
    assert f"expected {first['expected']}, got {first['got']}" in describe(result)


def test_error_of_the_bus_is_reported_with_its_name():
    graph, images = directed()
    result = simulate(graph, SMALL, images, 2, plusargs=("inject_axi_error=pixels:1",))
    assert not result["passed"]
    assert result["status"] == "AXI_READ_PIXELS"
    assert "AXI_READ_PIXELS" in describe(result)


def test_program_of_other_hardware_is_refused(tmp_path: Path):
    graph, images = directed()
    result = simulate(graph, SMALL, images, 2, plusargs=("wrong_hash",))
    assert not result["passed"]
    assert result["status"] == "WRONG_HARDWARE"


def test_same_bench_serves_other_networks_and_batches():
    from corewright.flow.model import build_model

    first = build_model(SMALL)
    assert build_model(replace(SMALL, frequency_mhz=100, valid_prob=1.0)).executable == (
        first.executable
    )
    assert not build_model(SMALL).fresh
    assert build_model(replace(SMALL, bits_sum=30)).executable != first.executable
