# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What an earlier generator of accelerators got wrong, each as a test of this one.

Its errors were reproduced by running it; each docstring tells one. Networks are small, so that all
of this takes little more than the one simulation that it compiles: most of them run on the RTL with
the firmware, where every tensor is compared in memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corewright import Hardware, golden
from corewright.compiler import CompileError, compile_graph
from corewright.environment import repository_root
from corewright.flow import (
    FlowError,
    FlowInputError,
    export_inference,
    export_model,
    predict_performance,
    simulate,
    simulate_exported,
)
from corewright.flow.bench import run_bench
from corewright.flow.compiled_bench import (
    CompiledBench,
    build_bench,
    flow_environment,
    fusesoc_command,
)
from corewright.flow.system import core_text, wrapper_core
from corewright.flow.vectors import prepare
from corewright.graph import (
    Add,
    ComputeNode,
    Conv,
    Dense,
    Graph,
    Pool,
    QuantisedSoftmax,
    Requant,
    Softmax,
    Tensor,
    same_padding,
    softmax_table,
)
from corewright.program.tensor import TensorLayout
from corewright.regress.kinds.graphs import compare
from corewright.regress.random_graphs import random_input

# The one that is compiled; 3 rows divide hardly any image.
HW = Hardware(
    processing_elements=(3, 4),
    bits_input=8,
    bits_weights=8,
    bits_sum=32,
    axi_width=32,
    drain_width=2,
    max_kernel_size=13,
)
NO_PADDING = (0, 0, 0, 0)
FULL = Requant.identity(-128, 127)


class Network:
    """Layers of random 8-bit weights one behind the other, or side by side."""

    def __init__(self, *shape: int, fraction: int = 0, seed: int = 1) -> None:
        height, width, channels = shape
        self.source = Tensor("x", height, width, channels, 8, fraction)
        self.nodes: list[ComputeNode] = []
        self.rng = np.random.default_rng(seed)

    def conv(
        self,
        source: Tensor,
        filters: int,
        kernel: tuple[int, int],
        *,
        strides: tuple[int, int] = (1, 1),
        valid: bool = False,
        fraction: int = 0,
    ) -> Tensor:
        """A convolution with a bias whose results use the word."""
        size = (source.height, source.width)
        padding = NO_PADDING if valid else same_padding(size, kernel, strides)
        name = f"conv{len(self.nodes)}"
        taps = kernel[0] * kernel[1] * source.channels
        shift = round(np.log2(np.sqrt(taps) * 74))
        weights = self.rng.integers(-128, 128, (*kernel, source.channels, filters))
        bias = self.rng.integers(-999, 1000, filters)
        result = Tensor(
            f"{name}_out",
            (size[0] + padding[0] + padding[1] - kernel[0]) // strides[0] + 1,
            (size[1] + padding[2] + padding[3] - kernel[1]) // strides[1] + 1,
            filters,
            8,
            fraction,
        )
        requant = Requant(0, shift, shift, -128, 127)
        return self.append(
            Conv(name, source.name, result, weights, bias, strides, padding, requant, 8, 0)
        )

    def pool(self, source: Tensor, kind: Any, size: int, requant: Requant = FULL) -> Tensor:
        """A pool whose windows do not overlap."""
        name = f"pool{len(self.nodes)}"
        shape = (source.height // size, source.width // size, source.channels)
        result = Tensor(f"{name}_out", *shape, 8, source.fraction)
        window = (size, size)
        return self.append(
            Pool(name, kind, source.name, result, window, window, NO_PADDING, requant)
        )

    def append(self, node: ComputeNode) -> Tensor:
        self.nodes.append(node)
        return node.output

    def graph(self) -> Graph:
        return Graph("pitfall", self.source, tuple(self.nodes))


def images_of(graph: Graph, count: int) -> np.ndarray:
    return random_input(np.random.default_rng(2), graph, count)


def simulate_exactly(
    graph: Graph, images: np.ndarray | None = None, *, hw: Hardware = HW, **options: Any
) -> dict[str, Any]:
    """Golden model, emulator and RTL agree in every tensor; returns the report."""
    if images is None:
        images = images_of(graph, 2)
    result = simulate(graph, hw, images, min(2, len(images)), stalls="light", **options)
    assert result["passed"] and result["bit_exact"], result
    assert len(result["layers"]) >= 1 and result["status"] == "OK"
    return result


def emulate_exactly(graph: Graph, hw: Hardware, batch: int = 2) -> None:
    """Golden model and emulated program agree in every tensor."""
    shape = (batch, *graph.input.shape)
    real = np.random.default_rng(3).integers(-129, 128, shape) + 0.25
    images = golden.quantise_input(graph, np.ldexp(real, -graph.input.fraction))
    compare(compile_graph(graph, hw, batch), graph, images, poison=5)


def values_of(graph: Graph, numbers: Any) -> np.ndarray:
    """The golden model's output for an image given as nested lists, all but axes of 1."""
    shape = graph.input.shape
    return golden.run(graph, np.reshape(numbers, (1, *shape)))[graph.output.name].squeeze()


# ----------------------------------------------------------------------------------- pitfall 1


@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
@pytest.mark.parametrize("kernel", [(2, 2), (4, 4), (2, 3), (3, 1), (1, 4), (6, 5), (13, 13)])
def test_01_even_and_not_square_and_largest_kernels(
    kernel: tuple[int, int], strides: tuple[int, int]
) -> None:
    """Even, non-square and maximal kernels gave wrong data or a hang."""
    net = Network(9, 10, 3)
    out = net.conv(net.source, 5, kernel, strides=strides)
    graph = net.graph()
    images = images_of(graph, 2)
    simulate_exactly(graph, images)
    # The golden model against the definition.
    (node,) = net.nodes
    assert isinstance(node, Conv) and node.bias is not None
    top, bottom, left, right = node.padding
    padded = np.pad(images, ((0, 0), (top, bottom), (left, right), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(1, 2))
    windows = windows[:, :: strides[0], :: strides[1]]
    sums = np.einsum("nhwcij,ijco->nhwo", windows, node.weights.astype(np.int64)) + node.bias
    expected = np.clip(np.rint(sums / 2**node.requant.shift), -128, 127)
    assert np.array_equal(golden.run(graph, images)[out.name], expected)


def test_01_larger_kernels_are_refused_and_not_exported(tmp_path: Path) -> None:
    """Its export accepted kernels that its hardware could not run."""
    net = Network(9, 15, 1)
    net.conv(net.source, 2, (3, 14))
    with pytest.raises(CompileError, match="raise max_kernel_size to at least 14") as error:
        export_inference(net.graph(), HW, np.zeros((1, 9, 15, 1)), data_dir=tmp_path / "vectors")
    assert error.value.parameter == "max_kernel_size"
    assert list(tmp_path.iterdir()) == []


# ----------------------------------------------------------------------------------- pitfall 2


@pytest.mark.parametrize("kind", ["max", "average"])
def test_02_pool_has_an_activation_of_its_own(kind: str) -> None:
    """The pool's requantisation was applied to the wrong variable and lost."""
    net = Network(2, 4, 1)
    net.pool(net.source, kind, 2, Requant(0, 2, 2, 0, 20))
    # Windows of 40 and of -8: / 4 and not below 0. Of 127: not above 20.
    numbers = [[40, 40, -8, -8], [40, 40, -8, -8]]
    assert values_of(net.graph(), numbers).tolist() == [10, 0]
    numbers = [[127, 127, 6, 6], [127, 127, 6, 6]]
    assert values_of(net.graph(), numbers).tolist() == [20, 2]  # 1.5 to even
    simulate_exactly(net.graph())


def test_02_activation_of_a_pool_behind_a_convolution() -> None:
    """The same in a network, where the convolution has another activation."""
    net = Network(7, 8, 2)
    net.pool(net.conv(net.source, 5, (3, 3)), "max", 2, Requant(1, 2, 4, -9, 31))
    simulate_exactly(net.graph())


# ----------------------------------------------------------------------------------- pitfall 3


def test_03_averages_of_negative_sums_round_as_those_of_positive_ones() -> None:
    """C's division truncates, Python's floors: firmware and model differed below zero."""
    net = Network(2, 16, 1)
    net.pool(net.source, "average", 2)
    sums = np.array([-1, -2, -3, -5, -6, -7, 6, 2])
    numbers = np.zeros((2, 16), dtype=np.int64)
    numbers[1, 1::2] = sums
    # Of -0.25, -0.5, -0.75, -1.25, -1.5, -1.75, 1.5, 0.5.
    assert values_of(net.graph(), numbers).tolist() == [0, 0, -1, -1, -2, -2, 2, 0]
    simulate_exactly(net.graph(), numbers.reshape(1, 2, 16, 1))


def test_03_averages_over_windows_that_are_no_power_of_two() -> None:
    """The same with a real division."""
    net = Network(3, 9, 1)
    net.pool(net.source, "average", 3)
    numbers = np.zeros((3, 9), dtype=np.int64)
    numbers[0, ::3] = [-13, -14, -122]  # -1.44, -1.56, -13.56
    assert values_of(net.graph(), numbers).tolist() == [-1, -2, -14]
    simulate_exactly(net.graph(), numbers.reshape(1, 3, 9, 1))


# ----------------------------------------------------------------------------------- pitfall 4


def test_04_residual_of_different_fractions_is_aligned() -> None:
    """The shifts that align the operands were computed and never emitted."""

    def scale(name: str, factor: int, fraction: int) -> Conv:
        weights = np.array([[[[factor]]]])
        result = Tensor(name, 1, 3, 1, 8, fraction)
        return Conv(name, "x", result, weights, None, (1, 1), NO_PADDING, FULL, 8, 0)

    a, b = scale("a", 4, 4), scale("b", 1, 2)
    total = Tensor("sum", 1, 3, 1, 8, 3)
    # In sixteenths: a + 4 b; of it the eighths.
    add = Add("add", ("a", "b"), total, 0, 2, Requant(0, 1, 1, -128, 127))
    graph = Graph("residual", Tensor("x", 1, 3, 1, 8, 2), (a, b, add))
    numbers = [5, -2, 31]
    assert values_of(graph, numbers).tolist() == [20, -8, 124]
    real = golden.dequantise(graph, "sum", values_of(graph, numbers))
    assert real.tolist() == [2.5, -1.0, 15.5]  # twice 1.25, -0.5, 7.75
    simulate_exactly(graph, np.reshape(numbers, (1, 1, 3, 1)))


# ----------------------------------------------------------------------------------- pitfall 5


@pytest.mark.parametrize("strides", [(1, 2), (2, 2)])
def test_05_reduction_in_parts_with_a_column_stride_and_a_pool(strides: tuple[int, int]) -> None:
    """A sum longer than the weight memory, stride 2 and a pool together corrupted the result."""
    net = Network(6, 9, 61)
    net.pool(net.conv(net.source, 6, (3, 3), strides=strides), "max", 2)
    graph = net.graph()
    descriptor = compile_graph(graph, HW, 2).layers[0].descriptor
    assert descriptor["weights_streamed"] and descriptor["weight_rows"] > HW.weight_rows
    assert descriptor["stride_w"] == 2
    simulate_exactly(graph)
    emulate_exactly(graph, replace(HW, ram_weights_depth=3))


# ----------------------------------------------------------------------------------- pitfall 6


def test_06_one_tensor_feeds_a_1x1_and_a_3x3_convolution() -> None:
    """A ResNet shortcut with projection: tiling followed the first consumer, the other hung."""
    for first in ((1, 1), (3, 3)):
        net = Network(8, 7, 3)
        start = net.conv(net.source, 6, (3, 3))
        one = net.conv(start, 10, first, strides=(2, 2))
        other = net.conv(start, 6, (3, 3) if first == (1, 1) else (1, 1), strides=(2, 2))
        other = net.conv(other, 10, (3, 3))
        total = Tensor("sum", *one.shape, 8, 0)
        net.append(Add("add", (other.name, one.name), total, 0, 0, Requant(0, 1, 1, 0, 127)))
        simulate_exactly(net.graph())


# ----------------------------------------------------------------------------------- pitfall 7


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (4, 4), (5, 7), (7, 11), (10, 1)])
def test_07_images_that_rows_do_not_divide(size: tuple[int, int]) -> None:
    """Header fields were too narrow unless max_image_size was a multiple of the rows: a hang."""
    assert size[0] * size[1] % HW.rows
    net = Network(*size, 2)
    net.conv(net.conv(net.source, 5, (3, 3)), 3, (1, 1))
    simulate_exactly(net.graph(), hw=replace(HW, max_image_size=size))


# ----------------------------------------------------------------------------------- pitfall 8


def softmax_network(*shape: int) -> Graph:
    net = Network(*shape, fraction=5)
    last = net.conv(net.source, 4, (1, 1), fraction=3)
    return Graph("softmax", net.source, (*net.nodes, Softmax("softmax", last.name)))


def test_08_softmax_of_a_batch_is_that_of_each_image(tmp_path: Path) -> None:
    """All rows were divided by the first one's sum, with the maximum of the exported input."""
    graph = softmax_network(1, 1, 6)
    real = np.random.default_rng(4).normal(0, 1, (5, 1, 1, 6)) * np.arange(1, 6).reshape(5, 1, 1, 1)
    export_inference(graph, HW, real, batch=5, data_dir=tmp_path / "v", directory=tmp_path)
    written = np.loadtxt(tmp_path / "v" / "y_exp.txt").reshape(5, 4)
    assert np.allclose(written.sum(axis=1), 1, rtol=0, atol=1e-7)
    for image, together in zip(real, written, strict=True):
        values = golden.run(graph, golden.quantise_input(graph, image[None]))
        scores = golden.dequantise(graph, graph.output.name, values[graph.output.name]).ravel()
        alone = np.exp(scores) / np.exp(scores).sum()
        assert np.allclose(together, alone, rtol=0, atol=1e-7)
    assert simulate_exported(HW, data_dir=tmp_path / "v")["bit_exact"]


def test_08_softmax_inside_a_network_is_exact_for_every_image() -> None:
    """The same where the network goes on behind it: integers, so that nothing is tolerated."""
    net = Network(2, 3, 4, fraction=5)
    scores = net.conv(net.source, 6, (1, 1), fraction=4)
    shares = Tensor("shares", 2, 3, 6, 8, 7)
    net.append(QuantisedSoftmax("softmax", scores.name, shares, 2, softmax_table(4, 256), 0, 127))
    net.conv(shares, 3, (1, 1))
    graph = net.graph()
    images = images_of(graph, 5) * np.arange(1, 6).reshape(5, 1, 1, 1) // 5
    together = golden.run(graph, images)
    for index in range(5):
        alone = golden.run(graph, images[index : index + 1])
        assert all(np.array_equal(alone[name][0], together[name][index]) for name in alone)
    # Each run of channels adds up to 1, but for the rounding of its results and 1 itself.
    sums = together["shares"].reshape(5, 2, 3, 2, 3).sum(axis=-1)
    assert np.abs(sums - 128).max() <= 2
    simulate_exactly(graph, images)


def test_08_comparison_tolerates_nothing(tmp_path: Path) -> None:
    """Its check of the softmax accepted differences up to 0.5."""
    graph = softmax_network(1, 1, 6)
    vectors = export_inference(
        graph, HW, np.ones((2, 1, 1, 6)), data_dir=tmp_path / "v", directory=tmp_path
    )
    path = vectors.folder / "expected.bin"
    data = bytearray(path.read_bytes())
    data[vectors.info["output"]["offset"]] ^= 1
    path.write_bytes(data)
    with pytest.raises(FlowError, match="1 elements differ"):
        simulate_exported(HW, data_dir=vectors.folder)


# ----------------------------------------------------------------------------------- pitfall 9


@pytest.mark.parametrize("fraction", [7, 5, 0, -2])
def test_09_input_with_integer_bits(fraction: int) -> None:
    """Only inputs between -1 and 1 worked."""
    net = Network(4, 5, 2, fraction=fraction)
    net.conv(net.source, 3, (3, 3))
    graph = net.graph()
    # Halves of a step, and what saturates.
    real = np.ldexp(np.random.default_rng(5).integers(-300, 300, (2, 4, 5, 2)), -fraction - 1)
    images = golden.quantise_input(graph, real)
    assert images.min() == -128 and images.max() == 127
    inside = np.abs(np.ldexp(real, fraction)) < 127
    error = golden.dequantise(graph, "x", images) - real
    assert np.abs(error[inside]).max() == 2.0 ** (-fraction - 1)
    simulate_exactly(graph, images)


def test_09_several_models_in_one_process() -> None:
    """Models were kept in global lists: a second one in the same process failed."""

    def program(seed: int) -> bytes:
        net = Network(5, 5, 2, seed=seed)
        net.conv(net.conv(net.source, 4, (3, 3)), 3, (1, 1))
        return compile_graph(net.graph(), HW, 2).program

    first, second = program(1), program(2)
    assert first != second
    assert (program(1), program(2)) == (first, second)
    for seed in (1, 2):
        net = Network(5, 5, 2, seed=seed)
        net.conv(net.source, 4, (3, 3))
        simulate_exactly(net.graph())


@pytest.mark.parametrize(("pixels", "weights"), [(2, 2), (2, 1), (1, 2), (1, 1), (8, 1), (1, 8)])
def test_09_words_of_one_and_two_bits(pixels: int, weights: int) -> None:
    """2-bit words failed in one of its versions, 1-bit words in both."""
    hw = replace(HW, bits_input=pixels, bits_weights=weights)
    low = -1 if weights == 1 else -(1 << (weights - 1))
    values = np.array([-1, 1]) if weights == 1 else np.arange(low, -low)
    rng = np.random.default_rng(6)
    sign = pixels == 1
    requant = Requant.identity(-1, 1) if sign else Requant(0, 3, 3, -(1 << (pixels - 1)), 1)
    source = Tensor("x", 5, 7, 6, pixels, 0)
    mid = Tensor("y", 5, 7, 9, pixels, 0)
    conv = Conv(
        *("conv", "x", mid, rng.choice(values, (3, 3, 6, 9)), rng.integers(-9, 10, 9)),
        *((1, 1), (1, 1, 1, 1), requant, weights, 0),
    )
    pooled = Tensor("p", 2, 3, 9, pixels, 0)
    identity = Requant.identity(source.low, source.high)
    pool = Pool("pool", "max", "y", pooled, (2, 2), (2, 2), NO_PADDING, identity)
    last = Tensor("z", 1, 1, 5, pixels, 0)
    dense = Dense("dense", "p", last, rng.choice(values, (54, 5)), None, requant, weights, 0)
    graph = Graph("narrow", source, (conv, pool, dense))
    emulate_exactly(graph, hw, batch=3)
    if sign:
        numbers = golden.quantise_input(graph, rng.normal(size=(2, 5, 7, 6)))
        for tensor in golden.run(graph, numbers).values():
            assert set(np.unique(tensor)) <= {-1, 1}


# ---------------------------------------------------------------------------------- pitfall 10

OPTIMISED = """
import hashlib, sys
import numpy as np
from corewright import Hardware, emulator, golden
from corewright.compiler import CompileError, compile_graph
from corewright.graph import Graph, GraphError
from corewright.regress.random_graphs import random_graph, random_input
assert False, "this line is left out by -O"
hw = Hardware((3, 4), bits_input=8, bits_weights=8, bits_sum=32)
rng = np.random.default_rng(9)
graph = random_graph(rng, hw)
program = compile_graph(graph, hw, 2)
x = random_input(rng, graph, 2)
arena = program.make_arena(x)
emulator.run(program.program, arena, hardware=hw)
name = program.output_name
if not np.array_equal(program.unpack(name, arena), program.stored(name, golden.run(graph, x))):
    sys.exit("the emulated program differs")
refused = 0
for wrong, error in (
    (lambda: Hardware(bits_input=99), ValueError),
    (lambda: compile_graph(graph, hw, 0), CompileError),
    (lambda: Graph("empty", graph.input, ()), GraphError),
    (lambda: golden.run(graph, x[..., :0]), GraphError),
    (lambda: emulator.run(program.program[:-1], arena, hardware=hw), ValueError),
):
    try:
        wrong()
    except error:
        refused += 1
print(refused, hashlib.sha256(program.program).hexdigest())
"""


def test_10_optimised_python_compiles_and_checks_the_same() -> None:
    """Asserts ran its compiler, so that `python -O` removed it."""
    done = subprocess.run(
        [sys.executable, "-O", "-c", OPTIMISED], env=flow_environment(), capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    plain = subprocess.run(
        [sys.executable, "-c", OPTIMISED.replace("assert False", "assert True")],
        env=flow_environment(),
        capture_output=True,
    )
    assert done.stdout == plain.stdout
    assert done.stdout.startswith(b"5 ")


# ---------------------------------------------------------------------------------- pitfall 11


def test_11_verilator_takes_8_by_96_units_of_4_bits(tmp_path: Path) -> None:
    """The hardware of its own README is rejected by a current Verilator."""
    hw = Hardware((8, 96), bits_input=4, bits_weights=4, bits_sum=24, axi_width=64)
    core = wrapper_core("pitfall_8x96", hw)
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "pitfall.core").write_text(core_text(core))
    work = tmp_path / "work"
    command = fusesoc_command("--cores-root", tmp_path / "core", "run", "--target", "sim")
    command += ["--setup", "--work-root", str(work), core["name"]]
    environment = flow_environment()
    done = subprocess.run(
        command, cwd=repository_root(), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (options,) = work.glob("*.vc")
    done = subprocess.run(
        ["verilator", "-f", options.name, "--lint-only", "--timing"],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stderr and "%Error" not in done.stderr


# ---------------------------------------------------------------------------------- pitfall 12


@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 1)])
def test_12_convolutions_without_padding(strides: tuple[int, int]) -> None:
    """padding='valid' was in its API and refused."""
    net = Network(8, 9, 2)
    out = net.conv(net.source, 5, (3, 4), strides=strides, valid=True)
    assert out.shape[:2] == ((8 - 3) // strides[0] + 1, (9 - 4) // strides[1] + 1)
    simulate_exactly(net.graph())


def test_12_export_takes_the_users_own_input(tmp_path: Path) -> None:
    """Its successor could only export a random input."""
    net = Network(4, 5, 2, fraction=4)
    net.conv(net.source, 3, (3, 3))
    graph = net.graph()
    own = np.random.default_rng(7).normal(0, 2, (3, 4, 5, 2))
    vectors = export_inference(graph, HW, own, data_dir=tmp_path / "v", directory=tmp_path)
    program = compile_graph(graph, HW, 3)
    data = np.frombuffer((vectors.folder / "x.bin").read_bytes(), dtype=np.uint8)
    layout: TensorLayout = program.input.layout
    assert np.array_equal(layout.unpack(data, HW.rows, 8), golden.quantise_input(graph, own))
    assert simulate_exported(HW, data_dir=vectors.folder)["images"] == 3


# ---------------------------------------------------------------------------------- pitfall 13


def small() -> Graph:
    net = Network(6, 5, 3)
    net.pool(net.conv(net.conv(net.source, 6, (3, 3)), 9, (1, 1)), "max", 2)
    return net.graph()


def test_13_files_of_the_user_in_data_dir_stay(tmp_path: Path) -> None:
    """data_dir was deleted with all that was in it."""
    folder = tmp_path / "vectors"
    (folder / "results").mkdir(parents=True)
    for path in (folder / "notes.txt", folder / "results" / "mine.bin"):
        path.write_text("mine")
    for _ in range(2):
        export_inference(small(), HW, np.zeros((1, 6, 5, 3)), data_dir=folder, directory=tmp_path)
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "results" / "mine.bin").read_text() == "mine"


def test_13_any_current_directory_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of its outputs depended on the current directory."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    out = tmp_path / "out"
    export_inference(small(), HW, np.zeros((1, 6, 5, 3)), data_dir=out / "v", directory=out)
    HW.export(out / "hardware")
    export_model(small(), HW, images_of(small(), 1), 1, out / "model")
    assert simulate_exported(HW, data_dir=out / "v")["passed"]
    simulate_exactly(small())
    assert list(elsewhere.iterdir()) == []


def test_13_images_a_second_and_bytes_are_those_of_the_run() -> None:
    """Frames a second assumed batch = rows; bytes were those of the last layer."""
    graph = small()
    result = simulate_exactly(graph, images_of(graph, 6))
    assert (result["batch"], result["runs"]) == (2, 3) and HW.rows == 3
    seconds = result["cycles"] / (HW.frequency_mhz * 1e6)
    assert result["images_per_second_at_clock"] == pytest.approx(6 / seconds, rel=1e-3)

    layers = compile_graph(graph, HW, 2).layers
    moved = [sum((la.input_bytes, la.weight_bytes, la.output_bytes)) for la in layers]
    predicted_seconds, predicted = predict_performance(graph, HW, batch_size=2)
    assert predicted == sum(moved) > moved[-1]
    assert 3 * predicted_seconds == pytest.approx(seconds, rel=0.5)
    # What the simulated ports moved: the same, and the program's header and descriptors.
    measured = result["dram_bytes"]
    assert measured["pixels_in"] >= 3 * sum(layer.input_bytes for layer in layers)
    assert measured["pixels_out"] == 3 * sum(layer.output_bytes for layer in layers)
    assert measured["weights"] > 3 * sum(layer.weight_bytes for layer in layers)


# ---------------------------------------------------------------------------------- pitfall 14


@pytest.mark.parametrize(
    ("plusarg", "status"),
    [("watchdog=10", "WATCHDOG"), ("hang_cycles=15", "HANG"), ("timeout_us=1", "TIMEOUT")],
)
def test_14_deadlocks_end(plusarg: str, status: str) -> None:
    """A deadlock hung for ever: here hardware, bench and firmware each notice one."""
    result = simulate(small(), HW, images_of(small(), 1), 1, plusargs=(plusarg,))
    assert not result["passed"]
    assert result["status"] == status


def test_14_a_simulation_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    """The same where the simulator itself hangs."""
    hanging = tmp_path / "hanging"
    hanging.write_text("#!/bin/sh\nexec sleep 600\n")
    hanging.chmod(0o755)
    vectors = prepare(small(), HW, images_of(small(), 1), 1)
    with pytest.raises(FlowError, match=r"did not end in 0\.2 s"):
        run_bench(CompiledBench(hanging, HW, False, False), vectors, timeout=0.2)


def test_14_seeds_are_set_told_and_repeat_a_run() -> None:
    """Its seeds were neither set nor logged, and its memory broke AXI's rules.

    Here checkers of those rules watch every port of every simulation.
    """
    images = images_of(small(), 2)
    runs = [simulate(small(), HW, images, 2, seed=seed, stalls="heavy") for seed in (11, 11, 12)]
    assert [run["seed"] for run in runs] == [11, 11, 12]
    assert all(run["passed"] for run in runs)
    assert runs[0]["simulated_cycles"] == runs[1]["simulated_cycles"] != runs[2]["simulated_cycles"]
    without = simulate(small(), HW, images, 2)
    assert without["simulated_cycles"] < runs[0]["simulated_cycles"]


# ---------------------------------------------------------------------------------- pitfall 15


def test_15_exit_status_of_the_simulator_counts(tmp_path: Path) -> None:
    """The simulator's exit status was ignored."""
    vectors = prepare(small(), HW, images_of(small(), 1), 1)
    bench = build_bench(HW)
    assert run_bench(bench, vectors).passed
    for status in (0, 3):
        # The real run, with all of its files, and then another end.
        script = tmp_path / f"ends_with_{status}"
        script.write_text(f'#!/bin/sh\n"{bench.executable}" "$@"\nexit {status}\n')
        script.chmod(0o755)
        assert run_bench(replace(bench, executable=script), vectors).passed is (status == 0)
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexit 0\n")
    silent.chmod(0o755)
    with pytest.raises(FlowError, match="left no results"):
        run_bench(replace(bench, executable=silent), vectors)


def test_15_outputs_of_another_length_do_not_pass(tmp_path: Path) -> None:
    """Words beyond what was expected were cut off before the comparison."""
    vectors = export_inference(
        small(), HW, np.ones((2, 6, 5, 3)), data_dir=tmp_path / "v", directory=tmp_path
    )
    assert simulate_exported(HW, data_dir=vectors.folder)["passed"]
    path = vectors.folder / "expected.bin"
    data = path.read_bytes()
    # Less is expected than the accelerator writes, or more.
    for other in (data[:-1], data[: len(data) // 2], b"", data + b"\0", data + data):
        path.write_bytes(other)
        with pytest.raises(FlowInputError, match=rf"expected\.bin: has {len(other)} bytes, legal"):
            simulate_exported(HW, data_dir=vectors.folder)
        # Nor does the bench itself believe the file.
        with pytest.raises(FlowError, match=rf"expected\.bin has {len(other)} bytes, 1 runs of"):
            run_bench(build_bench(HW), vectors)
    # The last word of the output is compared as the first is.
    program = compile_graph(small(), HW, 2)
    images = golden.quantise_input(small(), np.ones((2, 6, 5, 3)))
    output = golden.run(small(), images)[program.output_name]
    output[-1, -1, -1, -1] ^= 1
    start = program.output.offset
    changed = bytearray(data)
    changed[start : start + program.output.nbytes] = program.pack(
        program.output_name, output
    ).tobytes()
    path.write_bytes(changed)
    with pytest.raises(FlowError, match="1 elements differ"):
        simulate_exported(HW, data_dir=vectors.folder)


def test_15_what_is_written_beyond_the_output_does_not_pass(tmp_path: Path) -> None:
    """The same where memory has room behind the output: the bytes there have to stay."""

    def network(filters: int) -> Graph:
        # One pixel an image, so that another channel's word lies behind all others.
        net = Network(1, 1, 6)
        net.conv(net.source, 5, (1, 1))
        (node,) = net.nodes
        assert isinstance(node, Conv) and node.bias is not None
        more = filters - 5
        net.nodes = [
            replace(
                node,
                output=replace(node.output, channels=filters),
                weights=np.pad(node.weights, ((0, 0), (0, 0), (0, 0), (0, more))),
                bias=np.pad(node.bias, (0, more), constant_values=999),
            )
        ]
        return net.graph()

    graph = network(5)
    vectors = export_inference(
        graph, HW, np.ones((2, 1, 1, 6)), data_dir=tmp_path / "v", directory=tmp_path
    )
    bench = build_bench(HW)
    assert run_bench(bench, vectors).passed
    expected, wider = (compile_graph(network(filters), HW, 2) for filters in (5, 6))
    assert (expected.arena_bytes, expected.output.offset) == (
        wider.arena_bytes,
        wider.output.offset,
    )
    (vectors.folder / "program.bin").write_bytes(wider.program)
    outcome = run_bench(bench, vectors)
    assert not outcome.passed and outcome.result["status"] == "OK"
    assert all(tensor["mismatches"] == 0 for tensor in outcome.result["tensors"])
    behind = expected.output.offset + expected.output.nbytes
    assert outcome.notes[0].startswith(f"STRAY run=0 offset={behind} bytes=")


# ---------------------------------------------------------------------------------- pitfall 16


def test_16_exported_lists_name_files_that_exist_each_once(tmp_path: Path) -> None:
    """Scripts named files that did not exist, and sources were collected three times."""
    folder = tmp_path / "export"
    written = HW.export(folder)
    assert all(path.is_file() for path in written)
    names = (folder / "sources.txt").read_text().splitlines()
    sources = [(folder / name).resolve() for name in names]
    assert sources and all(path.is_file() for path in sources)
    assert Counter(sources).most_common(1)[0][1] == 1
    modules = Counter(path.name for path in sources)
    assert modules["cw_accelerator.sv"] == modules["cw_engine.sv"] == 1
    assert max(modules.values()) == 1
    # Complete and in order: they elaborate.
    done = subprocess.run(
        ["verilator", "--lint-only", "--timing", "--top-module", "cw_accelerator_lint", *names],
        cwd=folder,
        env=flow_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_16_export_of_a_model_is_whole(tmp_path: Path) -> None:
    """The same for all files of a model."""
    files = export_model(small(), HW, images_of(small(), 2), 2, tmp_path)
    assert all(path.is_file() and path.stat().st_size > 0 for path in files)
    assert len(set(files)) == len(files)
    told = json.loads((tmp_path / "vectors" / "info.json").read_text())
    assert (tmp_path / "vectors" / "program.bin").stat().st_size == told["program_bytes"]
    for line in (tmp_path / "sources.txt").read_text().splitlines():
        assert (tmp_path / line).is_file()
