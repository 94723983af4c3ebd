# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""The golden model against slow formulas written independently of it."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corewright.golden import (
    dequantise,
    host_output,
    quantise_input,
    random_input,
    random_words,
    requantise,
    round_half_even_divide,
    round_half_even_shift,
    run,
)
from corewright.graph import (
    Add,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Graph,
    GraphError,
    MatMul,
    Pool,
    QuantisedSoftmax,
    Requant,
    Slice,
    Softmax,
    Tensor,
    Upsample,
    same_padding,
    softmax_table,
)
from corewright.graph.arithmetic import finish, product_type

FULL = Requant.identity(-128, 127)
INT = npt.NDArray[np.int64]


@given(st.integers(-(2**62), 2**62), st.integers(0, 62))
def test_shift_rounds_half_to_even(value: int, shift: int) -> None:
    # Python rounds a Fraction half to even, in unlimited precision.
    expected = round(Fraction(value, 1 << shift))
    assert int(round_half_even_shift(np.array([value]), shift)[0]) == expected


@given(st.integers(-40, 40), st.integers(0, 4))
def test_shift_rounds_ties_like_numpy(value: int, shift: int) -> None:
    assert int(round_half_even_shift(np.array([value]), shift)[0]) == np.around(value / 2**shift)


@given(st.integers(-(2**62), 2**62), st.integers(1, 2**61))
def test_division_rounds_half_to_even(value: int, divisor: int) -> None:
    expected = round(Fraction(value, divisor))
    assert int(round_half_even_divide(np.array([value]), np.array([divisor]))[0]) == expected


@given(st.integers(-60, 60), st.sampled_from([1, 2, 3, 4, 6, 9, 12]))
def test_division_rounds_ties(value: int, divisor: int) -> None:
    expected = round(Fraction(value, divisor))
    assert int(round_half_even_divide(np.array([value]), np.array([divisor]))[0]) == expected


@given(
    st.lists(st.integers(-(2**20), 2**20), min_size=1, max_size=20),
    st.integers(-(2**20), 2**20),
    st.integers(0, 15),
    st.integers(0, 20),
    st.integers(0, 3),
)
def test_requantise_follows_its_definition(
    values: list[int], bias: int, pre_shift: int, shift: int, slope: int
) -> None:
    requant = Requant(pre_shift, shift, shift + slope, -128, 127)
    result = requantise(np.array(values)[:, None], np.array([bias]), requant)
    for value, actual in zip(values, result[:, 0], strict=True):
        v = value * 2**pre_shift + bias
        s = shift if v >= 0 else shift + slope
        assert actual == min(max(round(Fraction(v, 2**s)), -128), 127)


def slow_conv(x: INT, node: Conv) -> INT:
    """Convolution pixel by pixel, requantised in float64 with np.around."""
    top, bottom, left, right = node.padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    out = np.zeros((len(x), *node.output.shape))
    rows, columns = node.kernel_size
    for i in range(node.output.height):
        for j in range(node.output.width):
            r, c = i * node.strides[0], j * node.strides[1]
            patch = padded[:, r : r + rows, c : c + columns, :]
            out[:, i, j, :] = np.einsum("nhwi,hwio->no", patch, node.weights.astype(np.int64))
    return slow_requant(out, node.bias, node.requant)


def slow_requant(
    sums: npt.NDArray[np.float64], bias: npt.NDArray[Any] | None, requant: Requant
) -> INT:
    v = sums * 2.0**requant.pre_shift + (0 if bias is None else bias)
    s = np.where(v >= 0, requant.shift, requant.negative_shift)
    return np.clip(np.around(v / 2.0**s), requant.low, requant.high).astype(np.int64)


def slow_pool(x: INT, node: Pool) -> INT:
    """Pooling window by window over the valid pixels only, with exact fractions."""
    out = np.zeros((len(x), *node.output.shape), dtype=np.int64)
    requant = node.requant
    for n, i, j, c in np.ndindex(*out.shape):
        top = i * node.strides[0] - node.padding[0]
        left = j * node.strides[1] - node.padding[2]
        rows = slice(max(top, 0), top + node.window[0])
        window = x[n, rows, max(left, 0) : left + node.window[1], c].ravel().tolist()
        value = Fraction(max(window))
        if node.kind == "average":
            value = Fraction(sum(window), len(window))
            if node.round_first:
                value = Fraction(round(value))
        value *= 2**requant.pre_shift
        shift = requant.shift if value >= 0 else requant.negative_shift
        out[n, i, j, c] = min(max(round(value / 2**shift), requant.low), requant.high)
    return out


def random_window(
    rng: np.random.Generator,
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    """A random (size, window, strides, padding), 'same', 'valid' or lopsided."""
    window = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    size = (window[0] + int(rng.integers(0, 8)), window[1] + int(rng.integers(0, 8)))
    strides = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    choice = int(rng.integers(3))
    padding = (0, 0, 0, 0)
    if choice == 0:
        padding = same_padding(size, window, strides)
    elif choice == 1:
        a, b = (int(v) for v in rng.integers(0, window[0], 2))
        c, d = (int(v) for v in rng.integers(0, window[1], 2))
        padding = (a, b, c, d)
    return size, window, strides, padding


def output_size(
    size: tuple[int, int],
    window: tuple[int, int],
    strides: tuple[int, int],
    padding: tuple[int, int, int, int],
) -> tuple[int, int]:
    return (
        (size[0] + padding[0] + padding[1] - window[0]) // strides[0] + 1,
        (size[1] + padding[2] + padding[3] - window[1]) // strides[1] + 1,
    )


def random_requant(rng: np.random.Generator, bits: int, shift: int) -> Requant:
    low = 0 if rng.integers(2) else -(1 << (bits - 1))
    slope = int(rng.integers(3))
    return Requant(int(rng.integers(4)), shift, shift + slope, low, (1 << (bits - 1)) - 1)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_convolutions_equal_the_slow_formula(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, window, strides, padding = random_window(rng)
    bits = int(rng.choice([2, 4, 8, 16]))
    channels, filters = int(rng.choice([1, 3, 33])), int(rng.integers(1, 5))
    low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    out = output_size(size, window, strides, padding)
    node = Conv(
        "conv",
        "x",
        Tensor("y", *out, filters, bits, 0),
        rng.integers(low, high, (*window, channels, filters)),
        rng.integers(-50, 50, filters) if rng.integers(2) else None,
        strides,
        padding,
        random_requant(rng, bits, int(rng.integers(0, 2 * bits))),
        bits,
        0,
    )
    graph = Graph("g", Tensor("x", *size, channels, bits, 0), (node,))
    x = rng.integers(low, high, (2, *graph.input.shape))
    assert np.array_equal(run(graph, x)["y"], slow_conv(x, node))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_pools_equal_the_slow_formula(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, window, strides, padding = random_window(rng)
    out = output_size(size, window, strides, padding)
    node = Pool(
        "pool",
        "max" if rng.integers(2) else "average",
        "x",
        Tensor("y", *out, 2, 4, 0),
        window,
        strides,
        padding,
        random_requant(rng, 4, int(rng.integers(0, 4))),
        bool(rng.integers(2)),
    )
    graph = Graph("g", Tensor("x", *size, 2, 5, 0), (node,))
    x = rng.integers(-16, 16, (2, *graph.input.shape))
    assert np.array_equal(run(graph, x)["y"], slow_pool(x, node))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_depthwise_equals_one_convolution_a_channel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, window, strides, padding = random_window(rng)
    bits, channels = int(rng.choice([2, 8, 16])), int(rng.integers(1, 5))
    low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    out = output_size(size, window, strides, padding)
    weights = rng.integers(low, high, (*window, channels))
    bias = rng.integers(-50, 50, channels) if rng.integers(2) else None
    requant = random_requant(rng, bits, int(rng.integers(0, 2 * bits)))
    output = Tensor("y", *out, channels, bits, 0)
    node = Depthwise("d", "x", output, weights, bias, strides, padding, requant, bits, 0)
    graph = Graph("g", Tensor("x", *size, channels, bits, 0), (node,))
    x = rng.integers(low, high, (2, *graph.input.shape))
    result = run(graph, x)["y"]
    for c in range(channels):
        alone = Conv(
            "c",
            "x",
            Tensor("y", *out, 1, bits, 0),
            weights[:, :, c, None, None],
            None if bias is None else bias[[c]],
            strides,
            padding,
            requant,
            bits,
            0,
        )
        assert np.array_equal(result[..., [c]], slow_conv(x[..., [c]], alone))


@given(
    st.integers(-128, 127),
    st.integers(-128, 127),
    st.integers(0, 15),
    st.integers(0, 15),
    st.integers(0, 20),
    st.integers(0, 3),
)
def test_addition_follows_its_definition(
    a: int, b: int, own: int, other: int, shift: int, slope: int
) -> None:
    requant = Requant(0, shift, shift + slope, -100, 127)
    x, out = Tensor("x", 1, 1, 2, 8, 0), Tensor("y", 1, 1, 1, 8, 0)
    pick_a = np.array([[1], [0]])
    nodes = (
        Dense("a", "x", dataclasses.replace(out, name="a"), pick_a, None, FULL, 2, 0),
        Dense("b", "x", dataclasses.replace(out, name="b"), pick_a[::-1], None, FULL, 2, 0),
        Add("y", ("a", "b"), out, own, other, requant),
    )
    v = a * 2**own + b * 2**other
    expected = min(max(round(Fraction(v, 2 ** (shift if v >= 0 else shift + slope))), -100), 127)
    assert run(Graph("g", x, nodes), np.array([[a, b]]))["y"].item() == expected


def test_a_tensor_is_added_to_itself_joined_and_repeated() -> None:
    rng = np.random.default_rng(0)
    x = Tensor("x", 2, 3, 2, 8, 0)
    nodes = (
        Add("s", ("x", "x"), dataclasses.replace(x, name="s"), 1, 0, Requant(0, 0, 0, -128, 90)),
        Concat("j", ("s", "x"), Tensor("j", 2, 3, 4, 8, 0)),
        Upsample("u", "j", Tensor("u", 4, 9, 4, 8, 0), (2, 3)),
    )
    values = rng.integers(-128, 128, (5, 2, 3, 2))
    result = run(Graph("g", x, nodes), values)
    for n, h, w, c in np.ndindex(5, 4, 9, 4):
        source = int(values[n, h // 2, w // 3, c % 2])
        expected = min(max(3 * source, -128), 90) if c < 2 else source
        assert result["u"][n, h, w, c] == expected
    assert result["u"].dtype == result["j"].dtype == result["s"].dtype == np.int64


def test_products_of_activations_by_hand() -> None:
    """Two rows of three features (one pixel each), times themselves and the transpose."""
    x = Tensor("x", 2, 1, 3, 8, 0)
    nodes = (
        Slice("a", "x", Tensor("a", 2, 1, 2, 8, 0), 1),
        MatMul("gram", ("x", "x"), Tensor("g", 2, 1, 2, 8, 0), True, Requant(0, 1, 2, -20, 90)),
        # (2 rows, 2 features) times (2 pixels, 3 channels).
        MatMul("mix", ("a", "x"), Tensor("m", 2, 1, 3, 8, 0), False, Requant(1, 2, 2, -128, 127)),
    )
    values = np.array([[1, 2, 3], [4, -5, 6]]).reshape(1, 2, 1, 3)
    result = run(Graph("g", x, nodes), values)
    assert result["a"].reshape(2, 2).tolist() == [[2, 3], [-5, 6]]
    # 14, 12 / 12, 77: halves 7, 6, 38.5 to even.
    assert result["g"].reshape(2, 2).tolist() == [[7, 6], [6, 38]]
    # 2*[1 2 3] + 3*[4 -5 6] = [14 -11 24], halved: -5.5 becomes -6;
    # -5*[1 2 3] + 6*[4 -5 6] = [19 -40 21], halved: 9.5 becomes 10, 10.5 becomes 10.
    assert result["m"].reshape(2, 3).tolist() == [[7, -6, 12], [10, -20, 10]]
    negative = run(Graph("g", x, nodes), np.array([[1, 2, 3], [-4, -5, -6]]).reshape(1, 2, 1, 3))
    # -32 has the shift of negative sums.
    assert negative["g"].reshape(2, 2).tolist() == [[7, -8], [-8, 38]]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_products_equal_einsum_in_raster_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits = int(rng.choice([2, 8, 16, 24]))
    own = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    other = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    transpose, rows = bool(rng.integers(2)), other[0] * other[1]
    channels = int(rng.integers(1, 9)) if transpose else rows
    left = Tensor("a", *own, channels, bits, 0)
    right = Tensor("b", *other, channels if transpose else int(rng.integers(1, 9)), bits, 0)
    requant = Requant(1, bits + 1, bits + 2, -(1 << 30), 1 << 30)
    columns = rows if transpose else right.channels
    node = MatMul("m", ("a", "b"), Tensor("y", *own, columns, 32, 0), transpose, requant)
    a, b = (random_words(rng, bits, (3, *tensor.shape)) for tensor in (left, right))
    formula = "nhwc,nqc->nhwq" if transpose else "nhwq,nqc->nhwc"
    sums = np.einsum(formula, a, b.reshape(3, rows, -1))
    result = node.evaluate([a, b], channels << (2 * bits - 1))
    assert np.array_equal(result, requantise(sums, None, requant))


def test_a_product_is_processed_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = Tensor("x", 2, 3, 4, 8, 0)
    node = MatMul("m", ("x", "x"), Tensor("y", 2, 3, 6, 8, 0), True, Requant(0, 8, 8, -128, 127))
    graph = Graph("g", x, (node,))
    values = random_input(rng, graph, 7)
    whole = run(graph, values)["y"]
    monkeypatch.setattr("corewright.graph.arithmetic._CHUNK_ELEMENTS", 80)
    assert np.array_equal(run(graph, values)["y"], whole)


def softmax_graph(
    channels: int, runs: int, table: npt.ArrayLike, output: Tensor, low: int, high: int
) -> Graph:
    x = Tensor("x", 1, 1, channels, 16, 3)
    return Graph("g", x, (QuantisedSoftmax("s", "x", output, runs, np.array(table), low, high),))


def test_softmax_in_integers_by_hand() -> None:
    output = Tensor("y", 1, 1, 6, 8, 4)
    graph = softmax_graph(6, 2, [8, 4, 1], output, 0, 15)
    # Differences 0 1 2: 8 4 1 of 13 times 16: 9.85, 4.92, 1.23. Differences 3 0 0: 0 8 8 of 16.
    result = run(graph, np.array([[5, 4, 3, -3, 0, 0]]))["y"]
    assert result.ravel().tolist() == [10, 5, 1, 0, 8, 8]
    # All of it goes to one channel: 16, saturated. Thirds of 16: 5.33.
    assert run(graph, np.array([[9, 0, 0, 1, 1, 1]]))["y"].ravel().tolist() == [15, 0, 0, 5, 5, 5]
    coarse = softmax_graph(6, 2, [8, 4, 1], Tensor("y", 1, 1, 6, 8, 0), 0, 15)
    # Halves round to even, to 0.
    ties = run(coarse, np.array([[0, 0, -9, 0, -1, -1]]))["y"]
    assert ties.ravel().tolist() == [0, 0, 0, 0, 0, 0]
    limited = softmax_graph(6, 2, [8, 4, 1], output, 2, 9)
    assert run(limited, np.array([[5, 4, 3, -3, 0, 0]]))["y"].ravel().tolist() == [9, 5, 2, 2, 8, 8]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_softmax_is_exact_in_its_largest_integers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    runs, channels = int(rng.integers(1, 4)), int(rng.integers(1, 9))
    entries = int(rng.integers(1, 40))
    table = np.sort(rng.integers(0, 1 << int(rng.integers(1, 33)), entries))[::-1]
    table[0] = max(table[0], 1)
    fraction = int(rng.integers(0, 31))
    output = Tensor("y", 1, 1, runs * channels, 32, fraction)
    graph = softmax_graph(runs * channels, runs, table, output, -(2**31), 2**31 - 1)
    x = rng.integers(-30, 30, (4, runs * channels))
    result = run(graph, x)["y"].reshape(4, runs, channels)
    for n, r in np.ndindex(4, runs):
        run_x = [int(v) for v in x[n, r * channels : (r + 1) * channels]]
        below = [max(run_x) - v for v in run_x]
        terms = [int(table[d]) if d < entries else 0 for d in below]
        expected = [round(Fraction(t << fraction, sum(terms))) for t in terms]
        assert result[n, r].tolist() == expected


def test_softmax_comes_close_to_the_real_one() -> None:
    rng = np.random.default_rng(0)
    table = softmax_table(3, 1 << 16)
    graph = softmax_graph(40, 4, table, Tensor("y", 1, 1, 40, 16, 14), 0, (1 << 15) - 1)
    x = rng.integers(-40, 40, (50, 40))
    exponent = np.exp(x.reshape(50, 4, 10) / 8)
    expected = (exponent / exponent.sum(axis=-1, keepdims=True)).reshape(50, 40)
    result = dequantise(graph, "y", run(graph, x)["y"]).reshape(50, 40)
    assert np.abs(result - expected).max() < 2.0**-14


def binary_graph(bias: npt.ArrayLike | None) -> Graph:
    weights = np.array([1, -1, 1, 1]).reshape(1, 4, 1, 1)
    output = Tensor("y", 1, 5, 1, 1, 0)
    sign = Requant(1, 0, 0, -1, 1)
    node = Conv(
        "c",
        "x",
        output,
        weights,
        None if bias is None else np.array(bias),
        (1, 1),
        (0, 0, 1, 2),
        sign,
        1,
        0,
    )
    return Graph("g", Tensor("x", 1, 5, 1, 1, 0), (node,))


def test_single_bits_by_hand() -> None:
    x = np.array([1, -1, -1, 1, 1]).reshape(1, 1, 5, 1)
    # Windows 0 1 -1 -1 | 1 -1 -1 1 | -1 -1 1 1 | -1 1 1 0 | 1 1 0 0: the padding is no -1.
    sums = [0 - 1 - 1 - 1, 1 + 1 - 1 + 1, -1 + 1 + 1 + 1, -1 - 1 + 1 + 0, 1 - 1 + 0 + 0]
    assert sums == [-3, 2, 2, -1, 0]
    assert run(binary_graph(None), x)["y"].ravel().tolist() == [-1, 1, 1, -1, 1]
    # Twice the sum, plus the bias: -4, 6, 6, 0, 2 and -10, 0, 0, -6, -4.
    assert run(binary_graph([2]), x)["y"].ravel().tolist() == [-1, 1, 1, 1, 1]
    assert run(binary_graph([-4]), x)["y"].ravel().tolist() == [-1, 1, 1, -1, -1]


def test_signs_of_every_layer_that_may_have_them() -> None:
    rng = np.random.default_rng(0)
    x, sign = Tensor("x", 3, 3, 2, 1, 0), Requant.identity(-1, 1)
    pads = (0, 1, 0, 1)
    nodes = (
        Depthwise(
            "d",
            "x",
            Tensor("d", 3, 3, 2, 1, 0),
            np.array([1, -1]).reshape(1, 1, 2),
            np.array([1, 0]),
            (1, 1),
            (0, 0, 0, 0),
            sign,
            1,
            0,
        ),
        Pool("p", "max", "x", Tensor("p", 3, 3, 2, 1, 0), (2, 2), (1, 1), pads, sign),
        Concat("j", ("d", "p"), Tensor("j", 3, 3, 4, 1, 0)),
        Slice("s", "j", Tensor("s", 3, 3, 2, 1, 0), 1),
        Upsample("u", "s", Tensor("u", 6, 3, 2, 1, 0), (2, 1)),
        Dense("y", "u", Tensor("y", 1, 1, 1, 1, 0), np.ones((36, 1), int), None, sign, 1, 0),
    )
    graph = Graph("g", x, nodes)
    values = random_input(rng, graph, 200)
    result = run(graph, values)
    assert all(set(np.unique(v)) == {-1, 1} for v in result.values())
    # A bias of 1 lifts -1 to 0, whose sign is 1.
    assert (result["d"][..., 0] == 1).all()
    assert np.array_equal(result["d"][..., 1], -values[..., 1])
    assert result["p"][:, 2, 2].tolist() == values[:, 2, 2].tolist()
    corner = values[:, :2, :2].max(axis=(1, 2))
    assert np.array_equal(result["p"][:, 0, 0], corner)
    sums = result["u"].sum(axis=(1, 2, 3))
    assert (sums == 0).any()
    assert np.array_equal(result["y"].ravel(), np.where(sums >= 0, 1, -1))


def test_an_input_of_one_bit_is_a_sign_and_never_zero() -> None:
    graph = binary_graph(None)
    real = np.array([0.0, -0.0, -1e-9, 3.0, -7.0]).reshape(1, 1, 5, 1)
    assert quantise_input(graph, real).ravel().tolist() == [1, 1, -1, 1, -1]
    with pytest.raises(GraphError, match="input 'x' holds 0, legal for 1 bit are -1 and 1"):
        run(graph, np.zeros((1, 1, 5, 1), int))
    with pytest.raises(GraphError, match=r"spans -2\.\.-2, legal is -1\.\.1"):
        run(graph, np.full((1, 1, 5, 1), -2))


def test_random_words_use_the_whole_word() -> None:
    rng = np.random.default_rng(0)
    assert np.unique(random_words(rng, 1, (99,))).tolist() == [-1, 1]
    assert np.unique(random_words(rng, 2, (99,))).tolist() == [-2, -1, 0, 1]
    assert np.unique(random_words(rng, 4, (99,), (-1, 2))).tolist() == [-1, 0, 1, 2]


@pytest.mark.parametrize("bits", [4, 12, 16])
def test_dense_flattens_in_height_width_channel_order(bits: int) -> None:
    rng = np.random.default_rng(bits)
    low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    weights = rng.integers(low, high, (2, 3, 4, 5))
    bias = rng.integers(-1000, 1000, 5)
    requant = Requant(1, bits + 2, bits + 3, low, high - 1)
    output = Tensor("y", 1, 1, 5, bits, 0)
    node = Dense("d", "x", output, weights.reshape(24, 5), bias, requant, bits, 0)
    graph = Graph("g", Tensor("x", 2, 3, 4, bits, 0), (node,))
    x = rng.integers(low, high, (7, 2, 3, 4))
    expected = slow_requant(np.einsum("nhwc,hwco->no", x, weights).astype(float), bias, requant)
    assert np.array_equal(run(graph, x)["y"], expected[:, None, None, :])


@given(
    st.lists(st.integers(-(2**20), 2**20), min_size=1, max_size=20),
    st.integers(-(2**20), 2**20),
    st.integers(0, 3),
    st.integers(0, 24),
    st.integers(0, 3),
    st.sampled_from([np.float32, np.float64, np.int64]),
)
def test_requantisation_in_floating_point_is_exact(
    values: list[int], bias: int, pre_shift: int, shift: int, slope: int, kind: type
) -> None:
    requant = Requant(pre_shift, shift, shift + slope, -(2**22), 2**22)
    sums, biases = np.array(values)[:, None], np.array([bias])
    expected = requantise(sums, biases, requant)
    result = finish(sums.astype(kind), biases, requant)
    assert result.dtype == np.int64
    assert np.array_equal(result, expected)


def test_sums_beyond_float64_are_exact() -> None:
    rng = np.random.default_rng(0)
    weights = rng.integers(-(2**15), 2**15, (200, 3))
    x = rng.integers(-(2**31), 2**31, (5, 200))
    requant = Requant(2, 25, 27, -(2**31), 2**31 - 1)
    bias = np.array([1, -(2**47), 2**47 - 1])
    node = Dense("d", "x", Tensor("y", 1, 1, 3, 32, 0), weights, bias, requant, 16, 0)
    graph = Graph("g", Tensor("x", 1, 1, 200, 32, 0), (node,))
    result = run(graph, x)["y"][:, 0, 0, :]
    for n, c in np.ndindex(5, 3):
        total = sum(int(a) * int(b) for a, b in zip(x[n], weights[:, c], strict=True))
        v = total * 4 + int(bias[c])
        rounded = round(Fraction(v, 2 ** (25 if v >= 0 else 27)))
        assert result[n, c] == min(max(rounded, -(2**31)), 2**31 - 1)


@pytest.mark.parametrize(
    ("bound", "kind"),
    [
        (2**24 - 1, np.float32),
        (2**24, np.float64),
        (2**53 - 1, np.float64),
        (2**53, np.int64),
    ],
)
def test_products_run_in_a_type_that_is_exact(bound: int, kind: type) -> None:
    assert product_type(bound) is kind


def test_large_batches_are_processed_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    weights = rng.integers(-8, 8, (3, 3, 2, 2))
    output = Tensor("y", 4, 4, 2, 4, 0)
    requant = Requant(0, 4, 4, -8, 7)
    node = Conv("c", "x", output, weights, None, (1, 1), (1, 1, 1, 1), requant, 4, 0)
    graph = Graph("g", Tensor("x", 4, 4, 2, 4, 0), (node,))
    x = rng.integers(-8, 8, (11, 4, 4, 2))
    whole = run(graph, x)["y"]
    depthwise = Depthwise(
        "c", "x", output, weights[..., 0], None, (1, 1), (1, 1, 1, 1), requant, 4, 0
    )
    other = Graph("g", graph.input, (depthwise,))
    other_whole = run(other, x)["y"]
    monkeypatch.setattr("corewright.graph.arithmetic._CHUNK_ELEMENTS", 70)
    assert np.array_equal(run(graph, x)["y"], whole)
    assert np.array_equal(run(other, x)["y"], other_whole)


def vector_graph(softmax: bool, input_range: tuple[int, int] | None = None) -> Graph:
    node = Dense(
        "d",
        "x",
        Tensor("y", 1, 1, 3, 8, 2),
        np.eye(3, dtype=int),
        None,
        Requant.identity(-128, 127),
        2,
        0,
    )
    nodes = (node, Softmax("s", "y")) if softmax else (node,)
    return Graph("g", Tensor("x", 1, 1, 3, 8, 2), nodes, input_range=input_range)


def test_input_is_quantised_half_to_even_and_saturated() -> None:
    graph = vector_graph(False)
    x = np.array([[0.125, 0.375, -0.125], [-0.375, 1e9, -1e9]])
    expected = np.array([[0, 2, 0], [-2, 127, -128]])
    assert np.array_equal(quantise_input(graph, x)[:, 0, 0, :], expected)
    limited = vector_graph(False, (-100, 50))
    assert quantise_input(limited, x)[1, 0, 0].tolist() == [-2, 50, -100]


def test_dequantise_inverts_quantise_on_the_grid() -> None:
    graph = vector_graph(False)
    x = np.arange(-128, 127).reshape(-1, 3)[:, None, None, :]
    real = dequantise(graph, "x", x)
    assert real[0, 0, 0, 0] == -32.0
    assert np.array_equal(quantise_input(graph, real), x)


def test_softmax_is_normalised_row_by_row() -> None:
    graph = vector_graph(True)
    x = np.array([[4, 0, -4], [100, 100, 100], [-128, 127, 0]])
    result = host_output(graph, run(graph, x))[:, 0, 0, :]
    logits = x / 4
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(result, expected, rtol=1e-12, atol=0)
    assert np.array_equal(host_output(vector_graph(False), run(graph, x))[:, 0, 0, :], logits)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 4), int), "has shape"),
        (np.zeros((0, 1, 1, 3), int), "has shape"),
        (np.zeros((2, 3)), "has type float64"),
        (np.full((2, 3), 128), r"spans 128\.\.128, legal is -128\.\.127"),
    ],
)
def test_illegal_inputs_are_named(x: npt.NDArray[np.generic], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        run(vector_graph(False), x)


def test_input_that_is_not_finite_is_refused() -> None:
    with pytest.raises(GraphError, match="not finite"):
        quantise_input(vector_graph(False), np.array([[0.0, np.nan, 1.0]]))
