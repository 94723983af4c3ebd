# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Random small networks on the RTL with real firmware; injected bugs that this must catch.

One compiled bench a hardware; a case is a network, its images and the memory's stalls, all from one
seed. ``COREWRIGHT_SYSTEM_SEED=N`` runs other cases.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import yaml

from corewright.builder import Builder
from corewright.compiler import CompileError, compile_graph
from corewright.environment import repository_root
from corewright.flow import describe, simulate
from corewright.flow.bench import run_bench
from corewright.flow.compiled_bench import build_bench
from corewright.flow.system import core_text
from corewright.flow.vectors import VectorSet, prepare
from corewright.graph import (
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    MatMul,
    Pool,
    QuantisedSoftmax,
    Requant,
    Tensor,
    Upsample,
    softmax_table,
)
from corewright.hardware import Hardware
from corewright.mutate.choices import MUTANT_PLUSARG, SELECTOR, Mutants, Mutation
from corewright.program import HEADER_BYTES, decode_stages
from corewright.regress.random_graphs import random_graph, random_input

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
# both word widths, one drained channel and four, buffers that layers do not fit in, counters for
# fewer layers than there are.
HARDWARE = {
    "7x8_8bit_axi32": hardware(7, 8, 8, 32, ram_weights_depth=64),
    "8x24_4bit_axi64": hardware(8, 24, 4, 64),
    "5x3_4bit_axi128": hardware(
        5, 3, 4, 128, drain_width=1, pixel_buffer_depth=1024, ram_edges_depth=None, perf_layers=2
    ),
    "16x16_8bit_axi128": hardware(16, 16, 8, 128),
}
SMALL = hardware(3, 4, 8, 32, drain_width=2)
# Words of one bit, and a pixel buffer that some layers do not fit in.
BINARY = hardware(3, 4, 1, 32, drain_width=2, pixel_buffer_depth=224)
WITH_LAYERS = (Conv, Dense, Depthwise, MatMul, Pool, QuantisedSoftmax)


def steps(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Layers and host operations of a report, in the order in which they run."""
    host = result["host_operations"]
    # The sort is stable: within a stage layers keep their order, and the host comes last.
    return sorted([*result["layers"], *host], key=lambda step: (step["stage"], step in host))


@pytest.mark.parametrize("case", range(CASES))
@pytest.mark.parametrize(
    "name",
    # The largest takes the longest to compile.
    [
        pytest.param(n, marks=[pytest.mark.nightly] if h.rows == 16 else [])
        for n, h in HARDWARE.items()
    ],
)
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
    # Joining, slicing and adding may cost no layer of their own.
    own = {node.name for node in graph.compute_nodes if isinstance(node, WITH_LAYERS)}
    assert own <= {step["name"].split("#")[0] for step in steps(result)}
    assert all(step["bit_exact"] for step in steps(result))
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


def staged(bits: int = 8, *, mix: bool = True) -> tuple[Graph, np.ndarray]:
    """A convolution, two softmaxes of each pixel on the host and, with ``mix``, a second one."""
    rng = np.random.default_rng(11)
    half = 1 << (bits - 1)
    shift = 4 if bits == 8 else 2
    limits = (-half, half - 1)
    conv = Conv(
        "conv",
        "x",
        Tensor("y", 5, 6, 6, bits, bits - 4),
        rng.integers(-half, half, (3, 3, 3, 6)) // 2,
        rng.integers(-99, 99, 6),
        (1, 1),
        (1, 1, 1, 1),
        Requant(0, shift, shift, *limits),
        bits,
        0,
    )
    softmax = QuantisedSoftmax(
        "softmax",
        "y",
        Tensor("p", 5, 6, 6, bits, bits - 1),
        2,
        softmax_table(bits - 4),
        0,
        limits[1],
    )
    project = Conv(
        "mix",
        "p",
        Tensor("z", 5, 6, 4, bits, 0),
        rng.integers(-half, half, (1, 1, 6, 4)),
        None,
        (1, 1),
        (0, 0, 0, 0),
        Requant(0, 3, 3, *limits),
        bits,
        0,
    )
    nodes = (conv, softmax, project) if mix else (conv, softmax)
    images = rng.integers(-half, half, (5, 5, 6, 3))
    return Graph(f"staged{bits}", Tensor("x", 5, 6, 3, bits, 0), nodes), images


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize(("name", "bits"), [("7x8_8bit_axi32", 8), ("5x3_4bit_axi128", 4)])
def test_host_works_between_two_stages(name: str, bits: int, stalls: str):
    graph, images = staged(bits)
    result = simulate(graph, HARDWARE[name], images, 2, stalls=stalls, seed=5)
    assert result["passed"], describe(result)
    assert [(layer["name"], layer["stage"]) for layer in result["layers"]] == [
        ("conv", 0),
        ("mix", 1),
    ]
    assert result["host_operations"] == [
        {"name": "softmax", "type": "softmax", "stage": 0, "bit_exact": True}
    ]
    assert [stage["layers"] for stage in result["stages"]] == [1, 1]
    assert all(
        stage["cycles"] >= layer["cycles"] > 0
        for stage, layer in zip(result["stages"], result["layers"], strict=True)
    )
    assert sum(stage["cycles"] for stage in result["stages"]) == result["cycles"]
    assert sum(result["cycles_by_cause"].values()) == result["cycles"]


def test_host_works_behind_the_last_stage():
    graph, images = staged(mix=False)
    result = simulate(graph, SMALL, images, 3)
    assert result["passed"], describe(result)
    assert len(result["stages"]) == 1
    assert result["host_operations"][0]["bit_exact"]


@pytest.mark.parametrize("name", ["7x8_8bit_axi32", "5x3_4bit_axi128"])
def test_attention_is_bit_exact(name: str):
    hw = HARDWARE[name]
    builder = Builder("attention", 1, 10, 12, hw.bits_input, seed=3)
    builder.attention(builder.input, 2)
    graph = builder.graph()
    images = random_input(np.random.default_rng(1), graph, 3)
    result = simulate(graph, hw, images, 2, stalls="light", seed=7)
    assert result["passed"], describe(result)
    assert len(result["stages"]) == 2
    assert [each["name"] for each in result["host_operations"]] == ["attention1.softmax"]
    # What the hardware has no counters for is not in the layers, yet in the total.
    counted = [layer["name"] for layer in result["layers"] if layer["cycles"]]
    first, second = (stage["layers"] for stage in result["stages"])
    recorded = min(first, hw.perf_layers) + min(second, hw.perf_layers)
    assert len(counted) == recorded
    assert sum(result["cycles_by_cause"].values()) == result["cycles"]


def late_weights() -> tuple[Graph, np.ndarray]:
    """A product whose second factor is written by a long layer just in front of it."""
    builder = Builder("late_weights", 1, 32, 60, 8, seed=3)
    values, left, right = (
        builder.conv(builder.input, 30, 1, name=name) for name in ("values", "left", "right")
    )
    scores = builder.matmul(left, right, transpose_b=True, name="scores")
    builder.matmul(scores, values, name="result")
    graph = builder.graph()
    return graph, random_input(np.random.default_rng(1), graph, 1)


@pytest.mark.parametrize("stalls", STALLS)
def test_weights_in_the_arena_wait_for_the_layer_that_writes_them(stalls: str):
    graph, images = late_weights()
    layers = compile_graph(graph, SMALL, len(images)).layers
    assert [layer.name for layer in layers[2:4]] == ["right", "scores"]
    assert layers[3].descriptor["weights_arena"]
    result = simulate(graph, SMALL, images, len(images), stalls=stalls, seed=5)
    assert result["passed"], describe(result)


def many_weights() -> tuple[Graph, np.ndarray]:
    """A layer of two groups whose weights take much longer to come than all else."""
    builder = Builder("many_weights", 3, 3, 22, 8, seed=3)
    builder.conv(builder.input, 8, 3, padding="valid")
    graph = builder.graph()
    return graph, random_input(np.random.default_rng(1), graph, 1)


# Cycles: more than memory's latency and what is around a layer, less than a group's weight rows.
ONLY_WEIGHTS = ("watchdog=120",)


def test_words_of_the_program_alone_are_progress():
    graph, images = many_weights()
    (layer,) = compile_graph(graph, SMALL, 1).layers
    assert layer.descriptor["groups"] == 2 and layer.descriptor["weight_rows"] > 120
    result = simulate(graph, SMALL, images, 1, plusargs=ONLY_WEIGHTS)
    assert result["passed"], describe(result)


@pytest.mark.parametrize("stalls", STALLS)
def test_upsampling_is_bit_exact(stalls: str):
    builder = Builder("upsampled", 4, 5, 3, 8, seed=5)
    low = builder.conv(builder.input, 6, 3)
    high = builder.conv(builder.upsample(low, (2, 3)), 5, 3)
    builder.conv(builder.upsample(high, (1, 2)), 4, 1)
    graph = builder.graph()
    layers = compile_graph(graph, SMALL, 2).layers
    factors = [(la.descriptor["copies_h"] + 1, la.descriptor["copies_w"] + 1) for la in layers]
    assert [pair for pair in factors if pair != (1, 1)] == [(2, 3), (1, 2)]
    images = random_input(np.random.default_rng(2), graph, 3)
    result = simulate(graph, SMALL, images, 2, stalls=stalls, seed=6)
    assert result["passed"], describe(result)


@pytest.mark.parametrize("stalls", STALLS)
def test_layer_that_the_pixel_buffer_does_not_hold_is_bit_exact(stalls: str):
    builder = Builder("wide", 3, 4, 600, 8, seed=6)
    builder.conv(builder.input, 6, 3, name="window")
    graph = builder.graph()
    *copies, last = compile_graph(graph, SMALL, 1).layers
    assert {layer.type for layer in copies} == {"copy"} and last.descriptor["release_rows"]
    images = random_input(np.random.default_rng(3), graph, 1)
    result = simulate(graph, SMALL, images, 1, stalls=stalls, seed=7)
    assert result["passed"], describe(result)


def test_image_of_a_single_window_streams_by():
    source = Tensor("x", 60, 60, 3, 8, 0)
    pools = [
        Pool(
            kind,
            kind,
            "x",
            Tensor(f"{kind}_out", 1, 1, 3, 8, 0),
            (60, 60),
            (1, 1),
            (0, 0, 0, 0),
            Requant(5, 0, 0, -128, 127),
        )
        for kind in ("max", "average")
    ]
    both = Concat("both", ("max_out", "average_out"), Tensor("y", 1, 1, 6, 8, 0))
    graph = Graph("single_window", source, (*pools, both))
    hw = replace(SMALL, max_image_size=60)
    layers = compile_graph(graph, hw, 2).layers
    assert {la.type for la in layers if la.descriptor["release_rows"]} == {
        "max_pool",
        "average_pool",
    }
    images = random_input(np.random.default_rng(5), graph, 2)
    result = simulate(graph, hw, images, 2, stalls="light", seed=9)
    assert result["passed"], describe(result)


def wide_window(kind: str) -> Graph:
    """A layer of two channels whose rows are so wide that three do not fit SMALL's buffer."""
    width = 1600
    source = Tensor("x", 4, width, 2, 8, 0)
    out = Tensor("y", 2, width // 2, 2, 8, 0)
    if kind == "upsample":
        return Graph(kind, source, (Upsample(kind, "x", Tensor("y", 24, width, 2, 8, 0), (6, 1)),))
    requant = Requant(0, 0, 0, -128, 127)
    padding = (0, 1, 0, 1)
    if kind == "depthwise":
        rng = np.random.default_rng(12)
        weights, bias = rng.integers(-128, 128, (3, 3, 2)), rng.integers(-99, 99, 2)
        node = Depthwise(
            kind, "x", out, weights, bias, (2, 2), padding, Requant(0, 8, 9, -128, 127), 8, 0
        )
        return Graph(kind, source, (node,))
    pooled: Literal["max", "average"] = "max" if kind == "max" else "average"
    return Graph(kind, source, (Pool(kind, pooled, "x", out, (3, 3), (2, 2), padding, requant),))


@pytest.mark.parametrize(
    ("kind", "stalls"),
    [("max", "heavy"), ("average", "light"), ("depthwise", "light"), ("upsample", "heavy")],
)
def test_channel_group_that_the_pixel_buffer_does_not_hold_is_bit_exact(kind: str, stalls: str):
    graph, hw = wide_window(kind), replace(SMALL, max_image_size=2048)
    program = compile_graph(graph, hw, 1)
    assert len(program.layers) > 3 and program.advice
    images = random_input(np.random.default_rng(6), graph, 1)
    result = simulate(graph, hw, images, 1, stalls=stalls, seed=10)
    assert result["passed"], describe(result)


@pytest.mark.parametrize("stalls", STALLS)
def test_binary_network_is_bit_exact(stalls: str):
    builder = Builder("binary", 7, 8, 5, 1, seed=7)
    first = builder.conv(builder.input, 9, 3)
    both = builder.concat(first, builder.conv(first, 9, 3))
    strided = builder.conv(builder.pool(both, 2), 11, 3, 2)
    wide = builder.conv(builder.upsample(strided, 2), 300, 1)
    builder.dense(builder.conv(wide, 10, 1, name="narrow"), 10)
    graph = builder.graph()
    released = [
        layer.name
        for layer in compile_graph(graph, BINARY, 3).layers
        if layer.descriptor["release_rows"]
    ]
    assert released == ["narrow"]
    images = random_input(np.random.default_rng(4), graph, 5)
    result = simulate(graph, BINARY, images, 3, stalls=stalls, seed=8)
    assert result["passed"], describe(result)


def test_padding_bits_of_words_are_compared(tmp_path: Path):
    hw = HARDWARE["5x3_4bit_axi128"]
    graph, images = staged(4)
    folder = tmp_path / "vectors"
    shutil.copytree(prepare(graph, hw, images, 5).folder, folder)
    vectors = VectorSet(folder)
    expected = bytearray((folder / "expected.bin").read_bytes())
    # The highest bit of the output's first word: 5 lanes of 4 bits leave 4 of its 24 bits.
    byte = vectors.info["output"]["offset"] + hw.word_bytes - 1
    assert expected[byte] >> 4 == 0
    expected[byte] ^= 0x80
    (folder / "expected.bin").write_bytes(expected)
    bench = run_bench(build_bench(hw), vectors)
    assert not bench.passed and bench.result["mismatches"] == 1
    assert bench.mismatches == []
    assert bench.notes[0] == "PADDING layer=mix run=0 block=0 c=0 expected=0x80 got=0x00"


@pytest.mark.parametrize(
    ("part", "status", "where"),
    [
        ("second header", "CORRUPTED", "stage=1 "),
        ("second descriptor", "BAD_DESCRIPTOR", "stage=1 layer=1 "),
        ("host operation", "BAD_PROGRAM", "stage=0 "),
    ],
)
def test_damage_in_a_later_part_is_found_when_it_is_reached(part: str, status: str, where: str):
    graph, images = staged()
    program = (prepare(graph, SMALL, images, 2).folder / "program.bin").read_bytes()
    first, second = decode_stages(program)
    byte = {
        "second header": second.offset + 4 * 5,
        "second descriptor": second.offset + HEADER_BYTES,
        "host operation": first.header["host_offset"],
    }[part]
    result = simulate(graph, SMALL, images, 2, plusargs=(f"corrupt_program_late={byte}",))
    assert not result["passed"] and result["status"] == status
    assert any(f"{status} {where}" in note for note in result["notes"]), result["notes"]
    # The same damage ahead of the check never starts the accelerator.
    result = simulate(graph, SMALL, images, 2, plusargs=(f"corrupt_program={byte}",))
    assert result["status"] == "CORRUPTED" and result["cycles"] == 0


BUGS = Mutants(
    {
        "max pool takes the smallest": Mutation(
            "cw_pe_array.sv",
            "candidates_q[j][r] > maxima_q",
            "candidates_q[j][r] < maxima_q",
        ),
        "halves are rounded up, not to even": Mutation(
            "cw_requantise_lane.sv", "(fine.floor[0] || fine.rest)", "1'b1"
        ),
        "weights in the arena are loaded ahead": Mutation(
            "cw_control.sv",
            " && (!fetched.weights_arena || !engine_busy_q || engine_taken_q)",
            "",
        ),
        "words of the program are no progress": Mutation(
            "cw_accelerator.sv", "|| (m_axi_program_rvalid && m_axi_program_rready)", ""
        ),
    }
)
# Chosen by a variable of the environment instead.
HOST_BUG = "host's softmax rounds down"
HOST_MUTATION = Mutation("cw_host.c", "twice = 2u *", 'twice = (getenv("CW_HOST_BUG") ? 1u : 2u) *')
# Networks that show them, and what is wrong first.
CAUGHT_BY = {
    "max pool takes the smallest": directed,
    "halves are rounded up, not to even": directed,
    HOST_BUG: staged,
    "weights in the arena are loaded ahead": late_weights,
}
# Their cores, which the overlay has in newer versions.
BROKEN_CORES = (
    "core/pe/pe_integer.core",
    "core/postproc/postproc.core",
    "core/accelerator/accelerator.core",
    "sw/runtime/runtime.core",
)
SELECTOR_CORE = {
    "name": "corewright:test:mutants:1.0.0",
    "filesets": {"rtl": {"files": ["cw_mutant_pkg.sv"], "file_type": "systemVerilogSource"}},
    "targets": {"default": {"filesets": ["rtl"]}},
}


def with_bugs(text: str, name: str) -> str:
    """A source with the bugs of it, of which a run chooses one."""
    if name == HOST_MUTATION.file:
        return "#include <stdlib.h>\n" + HOST_MUTATION.apply(name, text)
    return BUGS.apply(name, text)


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Newer versions of some cores, with all the bugs: one bench is compiled for all of them."""
    folder = tmp_path_factory.mktemp("overlay")
    (folder / "mutants.core").write_text(core_text(SELECTOR_CORE), encoding="utf-8")
    (folder / "cw_mutant_pkg.sv").write_text(SELECTOR, encoding="utf-8")
    for core_file in BROKEN_CORES:
        original = repository_root() / core_file
        copy = folder / original.parent.relative_to(repository_root())
        shutil.copytree(
            original.parent, copy, ignore=shutil.ignore_patterns("*.core", "dv", "lint", "tests")
        )
        core = yaml.safe_load(original.read_text(encoding="utf-8").removeprefix("CAPI=2:"))
        core["name"] = core["name"].rpartition(":")[0] + ":99.0.0"
        # The first fileset is the design; of benches and lint nothing is needed, or copied.
        design = core["targets"]["default"]["filesets"]
        core["filesets"] = {name: core["filesets"][name] for name in design}
        core["targets"] = {"default": {"filesets": design}}
        if core_file.startswith("core/"):
            depends = core["filesets"][design[0]].setdefault("depend", [])
            depends.append("corewright:test:mutants")
        (copy / original.name).write_text(core_text(core), encoding="utf-8")
        for source in (each for each in copy.rglob("*") if each.suffix in (".sv", ".c")):
            text = source.read_text(encoding="utf-8")
            source.write_text(with_bugs(text, source.name), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", CAUGHT_BY)
def test_injected_bug_is_caught(name: str, overlay: Path, monkeypatch: pytest.MonkeyPatch):
    graph, images = CAUGHT_BY[name]()
    batch = min(2, len(images))
    chosen: tuple[str, ...] = ()
    if name == HOST_BUG:
        monkeypatch.setenv("CW_HOST_BUG", "1")
    else:
        chosen = (f"{MUTANT_PLUSARG}={BUGS.number(name)}",)
    result = simulate(graph, SMALL, images, batch, overlay=overlay, plusargs=chosen)
    assert not result["passed"]
    assert result["mismatches"] > 0
    first = result["first_mismatches"][0]
    assert first["expected"] != first["got"]
    wrong = [step["name"] for step in steps(result) if not step["bit_exact"]]
    assert first["layer"] == wrong[0]
    assert f"expected {first['expected']}, got {first['got']}" in describe(result)


def test_a_watchdog_that_words_of_the_program_do_not_feed_is_caught(overlay: Path):
    graph, images = many_weights()
    chosen = f"{MUTANT_PLUSARG}={BUGS.number('words of the program are no progress')}"
    result = simulate(graph, SMALL, images, 1, overlay=overlay, plusargs=(*ONLY_WEIGHTS, chosen))
    assert not result["passed"] and result["status"] == "WATCHDOG"


@pytest.mark.parametrize("network", [directed, staged, late_weights])
def test_copies_pass_where_no_bug_is_chosen(network, overlay: Path):
    graph, images = network()
    result = simulate(graph, SMALL, images, min(2, len(images)), overlay=overlay)
    assert result["passed"], describe(result)


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
    first = build_bench(SMALL)
    assert build_bench(replace(SMALL, frequency_mhz=100, valid_prob=1.0)).executable == (
        first.executable
    )
    assert not build_bench(SMALL).fresh
    assert build_bench(HARDWARE["7x8_8bit_axi32"]).executable != first.executable
