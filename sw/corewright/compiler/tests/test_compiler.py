# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Compiled programs, executed by the emulator, equal the golden model in every specified bit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from corewright import emulator, golden
from corewright.compiler import CompiledProgram, CompileError, compile_graph, plan
from corewright.compiler.geometry import Geometry, Raster, geometries
from corewright.compiler.lower import operations
from corewright.compiler.memory import Lifetime, place
from corewright.compiler.operation import Operation
from corewright.compiler.schedule import Part, Schedule, evaluate, loop_orders
from corewright.compiler.tests import networks
from corewright.compiler.tests.checks import check, compile_with_room
from corewright.graph import (
    Add,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    Pool,
    Requant,
    Tensor,
    Upsample,
    same_padding,
)
from corewright.hardware import Hardware
from corewright.program import HEADER_BYTES, decode_program
from corewright.regress.random_graphs import (
    random_graph,
    random_hardware,
    random_input,
)


def first_operation(graph: Graph, hw: Hardware) -> Operation:
    """The engine's first layer of a graph."""
    layer = operations(graph, hw).operations[0]
    assert isinstance(layer, Operation)
    return layer


def engine_ways(
    search: plan._Search, rasters: dict[str, Raster]
) -> list[tuple[Raster, list[plan.Choice]]]:
    """The ways of an operation in which the host has no part."""
    return [
        (raster, [choice for choice in choices if isinstance(choice, plan.Choice)])
        for raster, choices in search.ways(rasters)
    ]


# The first in CI, all of them in a night.
@pytest.mark.parametrize(
    "seed", [*range(40), *(pytest.param(n, marks=pytest.mark.nightly) for n in range(40, 120))]
)
def test_random_networks_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hw = random_hardware(rng)
    graph, batch = random_graph(rng, hw), int(rng.integers(1, 6))
    program = compile_with_room(graph, hw, batch, keep_tensors=bool(seed % 2))
    check(program, graph, random_input(rng, graph, batch), seed)


def random_loop_order(rng: np.random.Generator, geometry: Geometry, part: Part) -> Schedule:
    """Any legal loop order with a random cost: so that geometries are chosen at random, too."""
    op, hw = geometry.operation, geometry.hardware
    orders = list(loop_orders(geometry, part))
    if geometry.releases_rows:
        return orders[0]
    if op.has_weights and op.steps <= hw.weight_rows:
        largest = geometry.largest_set(geometry.ring_blocks)
        size = int(rng.integers(1, largest + 1))
        groups = int(rng.integers(1, part.groups + 1))
        orders.append(evaluate(geometry, part, groups, size))
        if groups * op.steps <= hw.weight_rows:
            orders.append(evaluate(geometry, part, groups, size, resident=True))
    order = orders[int(rng.integers(len(orders)))]
    return replace(order, estimated_cycles=float(rng.random()))


MAPPINGS = range(1000, 1150)
FEATURES = {
    "conv", "dense", "max_pool", "average_pool", "direct", "scatter", "aligned", "flat",
    "resident", "streamed", "reloaded", "passes", "sets", "split", "skipped rows",
    "ring wraps", "depthwise", "sum_pool", "copy", "conv adds", "depthwise adds", "add adds",
    "writes a slice", "reads a slice", "operand",
}  # fmt: skip


def random_mapping(seed: int) -> tuple[CompiledProgram, Graph, np.random.Generator]:
    """A random network in one of the ways to do it, and what draws its images."""
    rng = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            plan, "best_schedule", lambda geometry, part: random_loop_order(rng, geometry, part)
        )
        if seed % 3 == 0:
            # A narrow search runs into rasters that do not agree.
            patch.setattr(plan, "_BEAM", 1)
        hw = random_hardware(rng)
        graph, batch = random_graph(rng, hw), int(rng.integers(1, 6))
        return compile_with_room(graph, hw, batch), graph, rng


@pytest.mark.parametrize("seed", MAPPINGS)
def test_every_legal_mapping_is_exact(seed: int) -> None:
    program, graph, rng = random_mapping(seed)
    check(program, graph, random_input(rng, graph, program.batch), seed)


def features(program: CompiledProgram, graph: Graph) -> set[str]:
    """What of the compiler and the engine a program uses."""
    seen: set[str] = set()
    for layer in program.layers:
        d = layer.descriptor
        seen |= {layer.type, "direct" if d["direct_load"] else "scatter"}
        seen.add("aligned" if d["row_blocks"] else "flat")
        seen.add(
            "resident"
            if d["weights_resident"]
            else "streamed"
            if d["weights_streamed"]
            else "reloaded"
        )
        seen |= {"passes"} if d["groups_per_pass"] < d["groups"] else set()
        seen |= {"sets"} if 1 < d["set_blocks"] < d["blocks"] else set()
        seen |= {"split"} if "#" in layer.name else set()
        seen |= {f"{layer.type} adds"} if layer.addition else set()
        if layer.channels[1] < program.tensors[layer.output].layout.channels:
            seen.add("writes a slice")
        if d["segments"] == d["stream_blocks"] and d["segment_stride"] > d["segment_bytes"]:
            seen.add("reads a slice")
        if layer.output not in graph.tensors:
            seen.add(layer.output.split(".")[-1])
        seen |= {"skipped rows"} if d["segments"] > 1 else set()
        seen |= {"ring wraps"} if d["ring_blocks"] < d["stream_blocks"] else set()
    return seen


def test_random_mappings_reach_every_feature() -> None:
    missing = set(FEATURES)
    for seed in MAPPINGS:
        if not missing:
            break
        program, graph, _ = random_mapping(seed)
        missing -= features(program, graph)
    assert not missing


# ---------------------------------------------------------------------- directed cases
def conv(
    name: str, source: Tensor, filters: int, kernel: int, *, stride: int = 1, valid: bool = False
) -> Conv:
    """A convolution of small random weights with a bias, 4 bits."""
    rng = np.random.default_rng(len(name) + filters)
    size = (source.height, source.width)
    padding = (0, 0, 0, 0) if valid else same_padding(size, (kernel,) * 2, (stride,) * 2)
    out = [
        (length + padding[2 * axis] + padding[2 * axis + 1] - kernel) // stride + 1
        for axis, length in enumerate(size)
    ]
    return Conv(
        name,
        source.name,
        Tensor(f"{name}_out", out[0], out[1], filters, 4, 0),
        rng.integers(-8, 8, (kernel, kernel, source.channels, filters)),
        rng.integers(-50, 50, filters),
        (stride, stride),
        padding,
        Requant(0, 5, 5, 0, 7),
        4,
        0,
    )


def lenet5() -> Graph:
    """LeNet-5 with random 8-bit weights."""
    rng = np.random.default_rng(5)
    relu = Requant(0, 9, 9, 0, 127)

    def tensor(name: str, size: int, channels: int) -> Tensor:
        return Tensor(name, size, size, channels, 8, 7)

    def layer(name: str, source: str, out: Tensor, shape: tuple[int, ...]) -> Conv | Dense:
        weights = rng.integers(-128, 128, shape)
        bias = rng.integers(-1000, 1000, shape[-1])
        if len(shape) == 2:
            return Dense(name, source, out, weights, bias, relu, 8, 7)
        return Conv(name, source, out, weights, bias, (1, 1), (0, 0, 0, 0), relu, 8, 7)

    def pool(name: str, source: str, out: Tensor) -> Pool:
        same = Requant.identity(-128, 127)
        return Pool(name, "max", source, out, (2, 2), (2, 2), (0, 0, 0, 0), same)

    return Graph(
        "lenet5",
        tensor("x", 28, 1),
        (
            layer("conv1", "x", tensor("c1", 24, 6), (5, 5, 1, 6)),
            pool("pool1", "c1", tensor("p1", 12, 6)),
            layer("conv2", "p1", tensor("c2", 8, 16), (5, 5, 6, 16)),
            pool("pool2", "c2", tensor("p2", 4, 16)),
            layer("dense1", "p2", tensor("f1", 1, 120), (256, 120)),
            layer("dense2", "f1", tensor("f2", 1, 84), (120, 84)),
            layer("dense3", "f2", tensor("f3", 1, 10), (84, 10)),
        ),
    )


def test_lenet5_is_exact_and_estimated_below_4700_cycles_an_image() -> None:
    graph, hw = lenet5(), Hardware((8, 24), 250, 8, 8, 32)
    program = compile_graph(graph, hw, 16)
    report = json.loads(json.dumps(program.report))
    assert report["estimated_cycles_per_image"] < 4700
    assert report["macs_per_image"] == 281_640
    assert [layer["compute_cycles"] // 16 for layer in report["layers"][:3:2]] == [1800, 1200]
    x = random_input(np.random.default_rng(1), graph, 16)
    check(program, graph, x)


def test_same_arguments_give_the_same_bytes() -> None:
    graph, hw = lenet5(), Hardware((8, 24), 250, 8, 8, 32)
    first, second = (compile_graph(graph, hw, 3, keep_tensors=False) for _ in range(2))
    assert first.program == second.program
    assert first.tensors == second.tensors


def test_streams_are_aligned_and_descriptors_match_the_program() -> None:
    program = compile_graph(lenet5(), Hardware((8, 24), 250, 8, 8, 32), 2)
    header, descriptors = decode_program(program.program)
    assert header["hardware_hash"] == program.hardware.hash
    assert header["descriptor_offset"] == HEADER_BYTES
    assert descriptors == [layer.descriptor for layer in program.layers]
    assert all(d["weight_offset"] % 64 == d["bias_offset"] % 64 == 0 for d in descriptors)
    assert all(tensor.offset % 64 == 0 for tensor in program.tensors.values())
    assert [d["last_layer"] for d in descriptors] == [0] * (len(descriptors) - 1) + [1]


def test_reused_memory_is_smaller_and_keeps_the_output() -> None:
    graph, hw = lenet5(), Hardware((8, 24), 250, 8, 8, 32)
    kept = compile_graph(graph, hw, 4)
    reused = compile_graph(graph, hw, 4, keep_tensors=False)
    assert all(tensor.kept for tensor in kept.tensors.values())
    assert reused.arena_bytes < kept.arena_bytes
    assert reused.output.kept
    assert not all(tensor.kept for tensor in reused.tensors.values())
    check(reused, graph, random_input(np.random.default_rng(2), graph, 4))


def test_a_wrong_weight_is_caught() -> None:
    graph, hw = lenet5(), Hardware((8, 24), 250, 8, 8, 32)
    node = graph.nodes[0]
    assert isinstance(node, Conv)
    weights = np.array(node.weights)
    weights[4, 4, 0, 5] ^= 64
    mutant = Graph("mutant", graph.input, (replace(node, weights=weights), *graph.nodes[1:]))
    program = compile_graph(mutant, hw, 2)
    with pytest.raises(AssertionError, match="bytes of tensor c1 differ"):
        check(program, graph, random_input(np.random.default_rng(3), graph, 2))


def test_fewer_images_than_the_batch_are_padded_with_zeros() -> None:
    program = compile_graph(lenet5(), Hardware((8, 24), 250, 8, 8, 32), 3)
    x = np.random.default_rng(4).integers(-128, 128, (2, 28, 28, 1))
    whole = np.concatenate([x, np.zeros((1, 28, 28, 1), dtype=x.dtype)])
    assert (program.pack_input(x) == program.pack_input(whole)).all()
    with pytest.raises(ValueError, match=r"legal is 1\.\.3 images"):
        program.pack_input(np.zeros((4, 28, 28, 1), dtype=int))


def test_strided_1x1_reads_only_the_rows_that_it_needs() -> None:
    source = Tensor("x", 16, 16, 8, 4, 0)
    graph = Graph("skip", source, (conv("down", source, 24, 1, stride=2),))
    # A narrow port: reading is what counts.
    hw = Hardware((8, 24), bits_sum=20, axi_width=32)
    program = compile_graph(graph, hw, 3)
    assert program.layers[0].input_bytes == program.input.nbytes // 2
    check(program, graph, random_input(np.random.default_rng(6), graph, 3))


def test_biases_beyond_the_buffer_split_the_layer() -> None:
    source = Tensor("x", 4, 4, 3, 4, 0)
    graph = Graph("split", source, (conv("wide", source, 70, 3),))
    hw = Hardware((8, 24), bits_sum=20, bias_buffer_depth=24)
    program = compile_graph(graph, hw, 2)
    assert [layer.name for layer in program.layers] == ["wide#0", "wide#1", "wide#2"]
    assert [layer.channels for layer in program.layers] == [(0, 24), (24, 24), (48, 22)]
    assert sum(layer.macs for layer in program.layers) == 16 * 27 * 70
    check(program, graph, random_input(np.random.default_rng(7), graph, 2))


def test_biases_of_a_group_beyond_the_buffer_split_the_group() -> None:
    source = Tensor("x", 4, 4, 3, 4, 0)
    graph = Graph("split", source, (conv("wide", source, 30, 3),))
    hw = Hardware((8, 24), bits_sum=20, bias_buffer_depth=10)
    program = compile_graph(graph, hw, 2)
    assert [layer.channels for layer in program.layers] == [(0, 12), (12, 12), (24, 6)]
    assert program.advice == (
        "layer 'wide' runs slower than it could, as the buffer does not hold all of its biases: "
        "raise bias_buffer_depth to 32",
    )
    check(program, graph, random_input(np.random.default_rng(7), graph, 2))
    assert not compile_graph(graph, replace(hw, bias_buffer_depth=32), 2).advice


def test_reductions_beyond_the_weight_ring_are_streamed() -> None:
    source = Tensor("x", 9, 9, 5, 4, 0)
    graph = Graph("deep", source, (conv("deep", source, 30, 3),))
    hw = Hardware((4, 8), bits_sum=20, ram_weights_depth=20)
    program = compile_graph(graph, hw, 2)
    layer = program.layers[0]
    assert layer.descriptor["weights_streamed"] == 1
    check(program, graph, random_input(np.random.default_rng(8), graph, 2))


def test_planes_never_mix_pixels_though_padding_has_no_columns() -> None:
    source = Tensor("x", 8, 8, 2, 4, 0)
    node = replace(
        conv("down", source, 3, 3, stride=2),
        padding=(1, 0, 1, 0),
    )
    graph = Graph("pads", source, (node,))
    hw = Hardware((3, 4), bits_sum=20)
    layer = first_operation(graph, hw)
    flats = [g for g in geometries(layer, hw, 2, Raster(8, 8)) if not g.aligned and not g.direct]
    assert [g.output.pitch for g in flats] == [4]
    check(compile_graph(graph, hw, 2), graph, random_input(np.random.default_rng(9), graph, 2))


def test_largest_set_is_the_largest_that_fits_wherever_it_starts() -> None:
    source = Tensor("x", 12, 12, 4, 4, 0)
    graph = Graph("sets", source, (conv("c", source, 40, 3),))
    hw = Hardware((5, 8))
    layer = first_operation(graph, hw)
    for geometry in geometries(layer, hw, 2, Raster(12, 12)):
        if not geometry.legal:
            continue
        least = geometry.least_ring_blocks
        assert geometry.largest_set(least - 1) == 0
        for ring in range(least, least + 20, 3):
            size = geometry.largest_set(ring)
            starts = np.arange(geometry.blocks)

            def needed(size: int, geometry: Geometry = geometry, starts=starts) -> int:
                last = np.minimum(starts + size - 1, geometry.blocks - 1)
                return int((geometry.reach[last] - geometry.first_block).max()) + 1

            assert needed(size) <= ring
            assert size == geometry.blocks or needed(size + 1) > ring


# ---------------------------------------------------------------------- additions and slices
HW = Hardware((8, 24), bits_sum=20)


def add(name: str, a: Tensor, b: Tensor, *shifts: int) -> Add:
    """An addition with different shifts for both operands, and a slope."""
    own, other = shifts or (2, 1)
    output = Tensor(f"{name}_out", *a.shape, 4, 0)
    return Add(name, (a.name, b.name), output, own, other, Requant(0, 2, 3, -8, 7))


def concat(name: str, *tensors: Tensor) -> Concat:
    first = tensors[0]
    channels = sum(tensor.channels for tensor in tensors)
    output = Tensor(f"{name}_out", first.height, first.width, channels, 4, 0)
    return Concat(name, tuple(tensor.name for tensor in tensors), output)


def compiled(graph: Graph, hw: Hardware = HW, batch: int = 2) -> CompiledProgram:
    """Compiles and checks, with all tensors kept and with memory reused."""
    x = random_input(np.random.default_rng(len(graph.name)), graph, batch)
    check(compile_graph(graph, hw, batch, keep_tensors=False), graph, x)
    program = compile_graph(graph, hw, batch)
    check(program, graph, x, 1)
    return program


SOURCE = Tensor("x", 9, 9, 6, 4, 0)


@pytest.mark.parametrize("swap", [False, True])
def test_a_residual_addition_joins_the_layer_that_comes_last(swap: bool) -> None:
    first = conv("first", SOURCE, 6, 3)
    second = conv("second", first.output, 6, 3)
    operands = (SOURCE, second.output) if swap else (second.output, SOURCE)
    graph = Graph("block", SOURCE, (first, second, add("sum", *operands)))
    program = compiled(graph)
    assert [(layer.type, layer.addition, layer.operand) for layer in program.layers] == [
        ("conv", None, None),
        ("conv", "sum", "x"),
    ]
    assert program.layers[1].output == "sum_out"
    # The tensor in between is nowhere.
    assert set(program.tensors) == set(program.places) == {"x", "first_out", "sum_out"}
    descriptor = program.layers[1].descriptor
    shifts = descriptor["add_own_shift"], descriptor["add_other_shift"]
    assert shifts == ((1, 2) if swap else (2, 1))


def test_a_layer_waits_for_the_other_operand_of_its_addition() -> None:
    # Only the first branch's tensor has no other reader.
    early, late = conv("early", SOURCE, 5, 1), conv("late", SOURCE, 5, 3)
    total = add("sum", early.output, late.output)
    last = conv("last", late.output, 3, 1)
    program = compiled(Graph("wait", SOURCE, (early, late, total, last)))
    assert [layer.name for layer in program.layers] == ["late", "early", "last"]
    assert program.layers[1].addition == "sum"


def test_additions_that_join_no_layer_are_passes_of_their_own() -> None:
    first = conv("first", SOURCE, 6, 3)
    twice = add("twice", first.output, first.output)
    again = add("again", twice.output, SOURCE)
    program = compiled(Graph("passes", SOURCE, (first, twice, again)))
    assert [(layer.type, layer.addition) for layer in program.layers[1:]] == [
        ("add", "twice"),
        ("add", "again"),
    ]
    assert not set(program.tensors) - {"x", "first_out", "twice_out", "again_out"}


def test_the_graphs_output_stays_in_memory_although_an_addition_reads_it() -> None:
    # Concatenation and addition of what the host reads: nothing may swallow it.
    first = conv("first", SOURCE, 6, 3)
    joined = concat("joined", first.output, SOURCE)
    program = compiled(Graph("joined", SOURCE, (first, joined)))
    assert program.output_name == "joined_out"
    assert [layer.type for layer in program.layers] == ["conv", "copy"]


def test_layers_split_over_the_biases_add_their_own_channels() -> None:
    wide = conv("wide", SOURCE, 70, 3)
    skip = conv("skip", SOURCE, 70, 1)
    hw = replace(HW, bias_buffer_depth=24)
    program = compiled(
        Graph("split", SOURCE, (skip, wide, add("sum", wide.output, skip.output))), hw
    )
    parts = [layer for layer in program.layers if layer.addition]
    assert [layer.channels for layer in parts] == [(0, 24), (24, 24), (48, 22)]
    start = program.tensors["skip_out"].offset
    offsets = [layer.descriptor["add_offset"] - start for layer in parts]
    assert offsets == [0, 24 * hw.word_bytes, 48 * hw.word_bytes]


def test_operands_in_different_rasters_are_copied_to_one() -> None:
    a = conv("a", SOURCE, 4, 3, valid=True)
    b = conv("b", SOURCE, 4, 3, valid=True)
    lowered = operations(Graph("g", SOURCE, (a, b, add("sum", b.output, a.output))), HW)
    layer = lowered.operations[1]
    assert isinstance(layer, Operation) and layer.addition is not None
    search = plan._Search(layer, HW, 2, "sum@1", set())
    operand = Raster(11, 8)
    rasters = {layer.source.tensor: Raster(9, 9), layer.addition.source.tensor: operand}
    ways = engine_ways(search, rasters)
    assert ways
    for raster, choices in ways:
        kinds = [choice.operation.kind for choice in choices]
        assert kinds == (["conv"] if raster == operand else ["copy", "conv"])
        assert all(choice.stored.raster == raster for choice in choices)
    # A slice whose tensor already has a raster that the layer cannot write.
    fixed = Raster(7, 7)
    detours = engine_ways(search, {**rasters, layer.target.tensor: fixed})
    assert detours
    for raster, choices in detours:
        assert raster == choices[-1].stored.raster == fixed
        assert [choice.operation.kind for choice in choices][-2:] == ["conv", "copy"]
        assert choices[-1].operation.source == choices[-2].operation.target
        assert choices[-1].operation.target == layer.target


def test_concatenations_cost_no_pass() -> None:
    a = conv("a", SOURCE, 5, 3)
    b = conv("b", a.output, 30, 1)
    ab = concat("ab", a.output, b.output)
    c = conv("c", ab.output, 7, 3)
    # Dense blocks concatenate concatenations; a is read as a slice besides.
    abc = concat("abc", ab.output, c.output)
    total = add("sum", conv("d", abc.output, 5, 3).output, a.output)
    d = conv("d", abc.output, 5, 3)
    program = compiled(Graph("dense", SOURCE, (a, b, ab, c, abc, d, total)))
    assert [layer.name for layer in program.layers] == ["a", "b", "c", "d"]
    assert [layer.channels for layer in program.layers] == [(0, 5), (5, 30), (35, 7), (0, 5)]
    assert set(program.tensors) == {"x", "abc_out", "sum_out"}
    assert program.layers[-1].operand == "abc_out"
    x = random_input(np.random.default_rng(0), Graph("x", SOURCE, (a,)), 2)
    arena = program.make_arena(x)
    emulator.run(program.program, arena, hardware=HW)
    values = golden.run(Graph("dense", SOURCE, (a, b, ab, c, abc, d, total)), x)
    for name in ("a_out", "b_out", "ab_out", "c_out", "abc_out", "sum_out"):
        np.testing.assert_array_equal(program.unpack(name, arena), values[name])
    with pytest.raises(KeyError):
        program.unpack("d_out", arena)


def test_only_what_is_concatenated_twice_is_copied() -> None:
    a, b = conv("a", SOURCE, 5, 3), conv("b", SOURCE, 3, 3)
    first = concat("first", a.output, SOURCE)
    second = concat("second", b.output, a.output, a.output)
    last = concat("last", first.output, second.output)
    program = compiled(Graph("shared", SOURCE, (a, b, first, second, last)))
    names = ["a", "b", "first#0", "first#1", "second"]
    assert [layer.name for layer in program.layers] == names
    assert [layer.type for layer in program.layers[2:]] == ["copy"] * 3
    # The first concatenation is the beginning of the last one, which exists as a whole only.
    assert set(program.tensors) == {"x", "last_out"}


@pytest.mark.parametrize("seed", [51245, 51890, 52550])
def test_a_copy_that_does_not_fit_asks_for_the_room_that_it_needs(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Their buffers held every layer, but no copy that brings two rasters together.
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(plan, "best_schedule", lambda g, part: random_loop_order(rng, g, part))
    monkeypatch.setattr(plan, "_BEAM", 1 if seed % 3 else 16)
    hw = random_hardware(rng)
    graph, batch = random_graph(rng, hw, layers=9), int(rng.integers(1, 6))
    program = compile_with_room(graph, hw, batch)
    check(program, graph, random_input(rng, graph, batch), seed)


def test_a_wrong_shift_of_an_addition_is_caught() -> None:
    first = conv("first", SOURCE, 6, 3)
    right = Graph("sum", SOURCE, (first, add("sum", first.output, SOURCE, 2, 1)))
    wrong = Graph("sum", SOURCE, (first, add("sum", first.output, SOURCE, 1, 2)))
    program = compile_graph(wrong, HW, 2)
    with pytest.raises(AssertionError, match="bytes of tensor sum_out differ"):
        check(program, right, random_input(np.random.default_rng(3), right, 2))


# ---------------------------------------------------------------------- depthwise, sum pools
def depthwise(source: Tensor, kernel: int, stride: int) -> Depthwise:
    rng = np.random.default_rng(kernel)
    size = (source.height, source.width)
    padding = same_padding(size, (kernel,) * 2, (stride,) * 2)
    return Depthwise(
        "dw",
        source.name,
        Tensor("dw_out", -(-size[0] // stride), -(-size[1] // stride), source.channels, 4, 0),
        rng.integers(-8, 8, (kernel, kernel, source.channels)),
        rng.integers(-50, 50, source.channels),
        (stride, stride),
        padding,
        Requant(0, 4, 5, -8, 7),
        4,
        0,
    )


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("weights_depth", "mode"), [(200, "resident"), (20, "reloaded"), (8, "streamed")]
)
def test_depthwise_convolutions(stride: int, weights_depth: int, mode: str) -> None:
    source = Tensor("x", 9, 9, 22, 4, 0)
    hw = replace(HW, ram_weights_depth=weights_depth)
    program = compiled(Graph("dw", source, (depthwise(source, 3, stride),)), hw)
    d = program.layers[0].descriptor
    assert (d["groups"], d["group_channels"], d["last_group_channels"]) == (6, 4, 2)
    assert (d["weight_rows"], d["row_bytes"], d["last_row_bytes"]) == (9, 2, 1)
    assert d["weights_streamed"] == (mode == "streamed")
    if mode == "resident":
        assert (d["weights_resident"], d["groups_per_pass"], d["output_contiguous"]) == (1, 6, 1)


def test_depthwise_biases_beyond_the_buffer_split_the_channels() -> None:
    source = Tensor("x", 5, 5, 60, 4, 0)
    hw = replace(HW, bias_buffer_depth=24)
    layer = depthwise(source, 3, 1)
    program = compiled(Graph("dw", source, (layer, add("sum", layer.output, source))), hw)
    assert [layer.name for layer in program.layers] == ["dw#0", "dw#1", "dw#2"]
    assert [layer.channels for layer in program.layers] == [(0, 24), (24, 24), (48, 12)]
    assert sum(layer.macs for layer in program.layers) == 25 * 9 * 60
    # Each reads its own channels only.
    assert sum(layer.descriptor["channels_in"] for layer in program.layers) == 60


@pytest.mark.parametrize(
    ("window", "padding", "requant", "round_first", "kind"),
    [
        ((2, 4), (0, 0, 0, 0), Requant(1, 2, 4, -8, 7), False, "sum_pool"),
        ((2, 4), (0, 0, 0, 0), Requant(0, 0, 0, 0, 7), True, "sum_pool"),
        ((1, 1), (0, 0, 0, 0), Requant(1, 2, 4, -8, 7), True, "sum_pool"),
        # Rounding twice is not rounding once.
        ((2, 4), (0, 0, 0, 0), Requant(0, 1, 1, -8, 7), True, "average_pool"),
        ((2, 4), (0, 0, 0, 0), Requant(0, 0, 2, -8, 7), True, "average_pool"),
        # Not a power of two; padding; windows that reach beyond the end.
        ((3, 2), (0, 0, 0, 0), Requant(0, 0, 0, -8, 7), False, "average_pool"),
        ((2, 2), (1, 0, 0, 0), Requant(0, 0, 0, -8, 7), False, "average_pool"),
        ((2, 2), (0, 0, 0, 1), Requant(0, 0, 0, -8, 7), False, "average_pool"),
        # The largest shift that a pool may have.
        ((1, 2), (0, 0, 0, 0), Requant(0, 0, 60, -8, 7), False, "sum_pool"),
    ],
)
def test_averages_become_sums_where_no_bit_changes(
    window: tuple[int, int],
    padding: tuple[int, int, int, int],
    requant: Requant,
    round_first: bool,
    kind: str,
) -> None:
    out = (
        (9 + padding[0] + padding[1] - window[0]) // 2 + 1,
        (9 + padding[2] + padding[3] - window[1]) // 2 + 1,
    )
    output = Tensor("y", *out, 6, 4, 0)
    pool = Pool("p", "average", "x", output, window, (2, 2), padding, requant, round_first)
    program = compiled(Graph("pool", SOURCE, (pool,)), batch=3)
    assert program.layers[0].type == kind


def test_global_average_of_a_power_of_two_is_a_sum() -> None:
    source = Tensor("x", 8, 8, 6, 4, 0)
    output = Tensor("y", 1, 1, 6, 4, 0)
    identity = Requant.identity(-8, 7)
    pool = Pool("p", "average", "x", output, (8, 8), (8, 8), (0, 0, 0, 0), identity, True)
    program = compiled(Graph("pool", source, (pool,)))
    assert (program.layers[0].type, program.layers[0].descriptor["shift"]) == ("sum_pool", 6)


@pytest.mark.parametrize("factors", [(2, 2), (1, 3), (5, 1), (3, 4), (2, 6)])
@pytest.mark.parametrize("rows", [1, 3, 8])
def test_upsampling_repeats_pixels_in_the_loader(factors: tuple[int, int], rows: int) -> None:
    up = Upsample("up", "x", Tensor("y", 9 * factors[0], 9 * factors[1], 6, 4, 0), factors)
    graph = Graph("up", SOURCE, (up, conv("c", up.output, 5, 3)))
    hw = Hardware((rows, 4), bits_input=4, max_image_size=64)
    program = compile_graph(graph, hw, 2)
    assert program.layers[0].type == "upsample"
    check(program, graph, random_input(np.random.default_rng(rows), graph, 2), rows)


def test_names_of_the_compilers_own_are_never_a_users() -> None:
    """An upsampling in two passes, a tensor called as its first, a layer called as its second."""
    up = Upsample("up", "x", Tensor("y", 9, 54, 6, 4, 0), (1, 6))
    first = conv("up#1", SOURCE, 6, 3)
    first = replace(first, output=replace(first.output, name="up.part0"))
    last = conv("c", first.output, 6, 3)
    graph = Graph("up", SOURCE, (first, up, conv("d", up.output, 5, 3), last))
    hw = Hardware((3, 4), bits_input=4, max_image_size=64)
    program = compile_graph(graph, hw, 2)
    names = [layer.name for layer in program.layers]
    assert len(set(names)) == len(names) and {"up#0", "up#1"} < set(names)
    assert {"up.part0", "up.part0'"} < set(program.tensors)
    check(program, graph, random_input(np.random.default_rng(0), graph, 2), 3)


def test_upsampling_by_a_large_prime_names_what_is_supported() -> None:
    up = Upsample("up", "x", Tensor("y", 9, 45, 6, 4, 0), (1, 5))
    error = error_of(Graph("up", SOURCE, (up,)), replace(HW, max_image_size=64))
    assert error.layer == "up"
    assert "products of 2, 3 and 4 in width" in str(error)


def test_a_tensor_of_more_blocks_than_their_numbers_is_an_error() -> None:
    large = Tensor("x", 4096, 2049, 1, 4, 0)
    hw = Hardware((1, 4), bits_input=4, max_image_size=4096)
    error = error_of(Graph("g", large, (conv("c", large, 1, 1),)), hw)
    assert error.layer == "c"
    assert "8388607 blocks of lanes" in str(error)


def test_wide_sums_of_an_addition_are_an_error() -> None:
    first = conv("first", SOURCE, 6, 3)
    wide = Tensor("sum_out", 9, 9, 6, 6, 0)
    node = Add("sum", ("first_out", "x"), wide, 0, 0, Requant(0, 0, 0, -32, 31))
    error = error_of(Graph("wide", SOURCE, (first, node)), HW)
    assert (error.layer, error.parameter, error.needed) == ("sum", "bits_input", 6)


def test_a_small_residual_network_is_exact() -> None:
    graph = networks.resnet50(32)
    hw = Hardware((7, 16), 250, 8, 8, 32, max_channels_in=2048, pixel_buffer_depth=8192)
    program = compile_graph(graph, hw, 1, keep_tensors=False)
    assert sum(layer.addition is not None for layer in program.layers) == 16
    # Each addition joins a convolution: no pass of its own, no copy.
    assert {layer.type for layer in program.layers} <= {
        "conv", "dense", "max_pool", "average_pool", "sum_pool",
    }  # fmt: skip
    check(program, graph, random_input(np.random.default_rng(0), graph, 1))


# ---------------------------------------------------------------------- errors
def error_of(graph: Graph, hw: Hardware, batch: int = 1) -> CompileError:
    with pytest.raises(CompileError) as caught:
        compile_graph(graph, hw, batch)
    return caught.value


def small(filters: int = 3, kernel: int = 3) -> Graph:
    source = Tensor("x", 8, 8, 4, 4, 0)
    return Graph("small", source, (conv("first", source, filters, kernel),))


def changed(hw: Hardware, parameter: str, value: int | None) -> Hardware:
    return Hardware.from_dict({**hw.to_dict(), parameter: value})


@pytest.mark.parametrize(
    ("parameter", "change", "batch", "needed"),
    [
        ("max_batch_size", {"max_batch_size": 2}, 3, 3),
        ("max_kernel_size", {"max_kernel_size": (3, 2)}, 1, 3),
        ("max_image_size", {"max_image_size": 7}, 1, 8),
        ("bits_input", {"bits_input": 3}, 1, 4),
        ("bits_weights", {"bits_weights": 3}, 1, 4),
    ],
)
def test_errors_name_the_parameter_and_a_value_that_helps(
    parameter: str, change: dict[str, Any], batch: int, needed: int
) -> None:
    graph = small(filters=30)
    hw = Hardware.from_dict({"bits_sum": 24, **change})
    error = error_of(graph, hw, batch)
    assert error.parameter == parameter
    assert f"raise {parameter} to at least {error.needed}" in str(error)
    assert error.needed == needed
    fixed = changed(hw, parameter, error.needed)
    check(
        compile_with_room(graph, fixed, batch),
        graph,
        random_input(np.random.default_rng(0), graph, batch),
    )
    assert error_of(graph, changed(hw, parameter, needed - 1), batch).needed == needed


def test_overflow_is_judged_from_the_weights() -> None:
    source = Tensor("x", 1, 1, 4, 8, 0)

    def graph(weight: int) -> Graph:
        weights = np.full((4, 1), weight)
        out = Tensor("y", 1, 1, 1, 8, 0)
        requant = Requant(0, 8, 8, -128, 127)
        return Graph("g", source, (Dense("d", "x", out, weights, None, requant, 8, 0),))

    hw = Hardware(bits_input=8, bits_weights=8, bits_sum=16)
    # 4 * -128 * 64 = -2^15 just fits, but 4 * 128 * 65 does not.
    compile_graph(graph(64), hw, 1)
    error = error_of(graph(65), hw)
    assert (error.layer, error.parameter, error.needed) == ("d", "bits_sum", 17)
    # -64 * -128 * 4 = +2^15 is one too many.
    assert error_of(graph(-64), hw).needed == 17


def test_post_processing_overflow_is_an_error() -> None:
    source = Tensor("x", 1, 1, 1, 8, 0)
    out = Tensor("y", 1, 1, 1, 8, 0)
    requant = Requant(0, 8, 8, -128, 127)
    bias = np.array([1 << 30])
    graph = Graph(
        "g", source, (Dense("d", "x", out, np.ones((1, 1), dtype=int), bias, requant, 8, 0),)
    )
    hw = Hardware(bits_input=8, bits_weights=8, bits_sum=16)
    error = error_of(graph, hw)
    assert (error.parameter, error.needed) == ("bits_sum", 24)
    compile_graph(graph, replace(hw, bits_sum=24), 1)


@pytest.mark.parametrize("batch", [0, -1, 1.5, True])
def test_illegal_batches_are_refused(batch: float) -> None:
    with pytest.raises(CompileError, match="batch is"):
        compile_graph(small(), Hardware(bits_sum=24), batch)  # type: ignore[arg-type]


def test_memory_is_reused_only_where_lifetimes_do_not_meet() -> None:
    rng = np.random.default_rng(10)
    for _ in range(50):
        tensors = []
        for index in range(12):
            first = int(rng.integers(0, 10))
            last = first + int(rng.integers(0, 4))
            tensors.append(Lifetime(str(index), int(rng.integers(1, 1000)), first, last))
        offsets, total = place(tensors, reuse=True)
        for i, a in enumerate(tensors):
            assert offsets[a.name] % 64 == 0
            assert offsets[a.name] + a.nbytes <= total
            for b in tensors[:i]:
                together = a.first <= b.last and b.first <= a.last
                apart = (
                    offsets[a.name] + a.nbytes <= offsets[b.name]
                    or offsets[b.name] + b.nbytes <= offsets[a.name]
                )
                assert apart or not together
        assert total <= place(tensors, reuse=False)[1]
