# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Every loader on hundreds of damaged files: its own error, the path in it, and little memory."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corewright import golden
from corewright.builder import BuilderError
from corewright.builder import load_weights as load_integer_weights
from corewright.compiler import compile_graph
from corewright.datasets import DatasetError, load_mnist, read_idx
from corewright.environment import repository_root
from corewright.flow import FlowInputError
from corewright.flow.system import graph_of, hardware_of, read_system, reference_of
from corewright.flow.vectors import FILES, VectorSet, accuracy, prepare
from corewright.graph import Conv, Dense, Graph, GraphError, Requant, Tensor
from corewright.hardware import Hardware
from corewright.program import ProgramError, decode_program, decode_stages
from corewright.testing.damage import damaged_bytes, damaged_json, damaged_values, other_files

HW = Hardware(processing_elements=(3, 4), bits_input=8, bits_weights=8, axi_width=32)
SEED = 15


def network() -> Graph:
    rng = np.random.default_rng(1)
    conv = Conv(
        "conv", "x", Tensor("y", 4, 5, 3, 8, 2),
        rng.integers(-8, 8, (3, 3, 2, 3)), rng.integers(-99, 99, 3),
        (1, 1), (1, 1, 1, 1), Requant(0, 4, 4, 0, 127), 8, 4,
    )  # fmt: skip
    dense = Dense(
        "dense", "y", Tensor("z", 1, 1, 6, 8, 2), rng.integers(-8, 8, (60, 6)), None,
        Requant(0, 5, 5, -128, 127), 8, 5,
    )  # fmt: skip
    metadata = {"made by": "a test", "numbers": [1, 2.5]}
    return Graph("network", Tensor("x", 4, 5, 2, 8, 4), (conv, dense), metadata)


def refuses(
    load: Callable[[Path], Any],
    error: type[Exception] | tuple[type[Exception], ...],
    path: Path,
    variants: Iterable[bytes],
    same: Callable[[Any], bool] = lambda _: True,
) -> tuple[int, int]:
    """Load each variant; returns how many were refused and accepted.

    Args:
        load: the loader.
        error: what it documents.
        path: where the variants are put.
        variants: contents.
        same: whether what was loaded is right, where nothing was noticed.
    """
    refused = accepted = 0
    for data in variants:
        path.write_bytes(data)
        try:
            result = load(path)
        except error as raised:
            refused += 1
            assert type(raised) in (error if isinstance(error, tuple) else (error,)), data[:80]
            assert str(path) in str(raised) or str(path.parent) in str(raised)
            assert len(str(raised)) < 2000 and "\n" not in str(raised)
        else:
            accepted += 1
            assert same(result), data[:80]
    return refused, accepted


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def giant(declared: str) -> bytes:
    """Return an .npy file whose header declares a shape, and no data."""
    header = f"{{'descr': '<i8', 'fortran_order': False, 'shape': {declared}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


ODD_ARRAYS = (
    *(b"", b"\x93NUMPY", b"\x93NUMPY\x09\x00\x01\x00{", npy(np.array([None, "x"]))),
    *(npy(np.zeros(3)), npy(np.array("text")), npy(np.zeros((0, 7), int)), npy(np.array(5))),
    *(npy(np.zeros((3, 3, 2, 3), bool)), npy(np.zeros((3, 3, 2, 3), complex))),
    *(giant(s) for s in ("(4294967296, 4294967296)", "(-1,)", "(2, -3)", "(1,) * 99", "'x'")),
    *(giant(s) for s in ("(68719476736,)", "(True,)", "(1.5,)", "[3]", "(" * 9999, "()")),
)

# ----------------------------------------------------------------------------------------- graph


def test_damaged_graph_is_a_graph_error_or_the_same_graph(tmp_path: Path) -> None:
    graph = network()
    path = graph.save(tmp_path / "model.cwgraph")
    good = path.read_bytes()

    def same(loaded: Graph) -> bool:
        # The archive's own notes, such as a time stamp, are under no checksum and mean nothing.
        return loaded.digest() == graph.digest() and loaded.metadata == graph.metadata

    variants = (*damaged_bytes(good, SEED, 600), *other_files(good))
    refused, _ = refuses(Graph.load, GraphError, path, variants, same)
    assert refused > 400
    # Near the ends, where an archive says where its parts are.
    ends = [good[:-k] for k in range(1, 60)] + [good[k:] for k in range(1, 60)]
    refuses(Graph.load, GraphError, path, ends, same)


def test_every_bit_of_the_archives_own_description(tmp_path: Path) -> None:
    graph = network()
    path = graph.save(tmp_path / "model.cwgraph")
    good = path.read_bytes()
    start = good.index(b"PK\x01\x02")
    flipped = []
    for place in (*range(40), *range(start, min(start + 100, len(good))), *range(-22, 0)):
        for bit in (0, 3, 7):
            data = bytearray(good)
            data[place] ^= 1 << bit
            flipped.append(bytes(data))
    refuses(Graph.load, GraphError, path, flipped, lambda g: g.digest() == graph.digest())


def test_graph_of_wrong_types_and_values(tmp_path: Path) -> None:
    entries = unpacked(network().save(tmp_path / "model.cwgraph"))
    header = json.loads(entries["graph.json"])
    path = tmp_path / "damaged.cwgraph"

    def variants() -> Iterable[bytes]:
        for damaged in damaged_values(header, SEED, 500):
            yield packed({**entries, "graph.json": json.dumps(damaged).encode()})
        for text in other_files(entries["graph.json"]):
            yield packed({**entries, "graph.json": text})
        for value in (b"null", b"[]", b"NaN", b'"graph"', b"7"):
            yield packed({**entries, "graph.json": value})
        for name in entries:
            yield packed({key: value for key, value in entries.items() if key != name})

    refused, _ = refuses(Graph.load, GraphError, path, variants())
    assert refused > 350


def test_graph_of_odd_arrays_and_unknown_packing(tmp_path: Path) -> None:
    entries = unpacked(network().save(tmp_path / "model.cwgraph"))
    name = next(name for name in entries if name.endswith("weights.npy"))
    path = tmp_path / "damaged.cwgraph"
    variants = [packed({**entries, name: data}) for data in ODD_ARRAYS]
    assert refuses(Graph.load, GraphError, path, variants) == (len(ODD_ARRAYS), 0)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        good = packed(entries, method)
        refuses(Graph.load, GraphError, path, damaged_bytes(good, SEED, 60))
    encrypted = bytearray(packed(entries))
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    assert refuses(Graph.load, GraphError, path, [bytes(encrypted)]) == (1, 0)


def test_what_is_no_file_at_all(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(GraphError, match=r"folder: .*cannot be read"):
        Graph.load(tmp_path / "folder")
    with pytest.raises(GraphError, match=r"pipe: .*cannot be read"):
        Graph.load(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError):
        Graph.load(tmp_path / "none")
    with pytest.raises(ValueError, match="folder: cannot be read: Is a directory"):
        Hardware.from_json(tmp_path / "folder")
    with pytest.raises(DatasetError, match="folder: cannot be read: Is a directory"):
        read_idx(tmp_path / "folder")
    for load, error in (
        (reference_of, FlowInputError),
        (load_integer_weights, BuilderError),
        (lambda path: graph_of(path.name, tmp_path), FlowInputError),
        (lambda path: hardware_of(str(path), Path()), FlowInputError),
    ):
        for name in ("folder", "none"):
            with pytest.raises(error, match=name):
                load(tmp_path / name)


def test_unreadable_file_is_the_loaders_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = network().save(tmp_path / "model.cwgraph")
    (tmp_path / "hardware.json").write_text("{}")

    # Root may read everything, so the system's answer is given for it.
    def denied(self: Path, *_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", denied)
    monkeypatch.setattr(zipfile, "ZipFile", lambda path: denied(path))
    with pytest.raises(GraphError, match=r"model\.cwgraph: .*Permission denied"):
        Graph.load(path)
    with pytest.raises(ValueError, match=r"hardware\.json: cannot be read: Permission denied"):
        Hardware.from_json(tmp_path / "hardware.json")
    (tmp_path / "y.npz").touch()
    with pytest.raises(DatasetError, match=r"y\.npz: .*Permission denied"):
        load_mnist(tmp_path / "y.npz")


# --------------------------------------------------------------------------------- JSON, program


def test_damaged_hardware_is_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / "hardware.json"
    values = HW.to_dict()
    variants = [*damaged_json(values, SEED, 600), *other_files(json.dumps(values).encode())]
    refused, _ = refuses(Hardware.from_json, ValueError, path, variants)
    assert refused > 300
    refuses(lambda path: hardware_of(str(path), Path()), FlowInputError, path, variants[::5])


def test_damaged_program_is_a_program_error() -> None:
    program = compile_graph(network(), HW, 2).program
    for data in (*damaged_bytes(program, SEED, 600), b"", program + b"\0", program[:-1]):
        if data == program:
            continue
        for decode in (decode_program, decode_stages):
            with pytest.raises(ProgramError):
                decode(data)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with the files of a vector set."""
    graph = network()
    images = golden.quantise_input(graph, np.zeros((3, 4, 5, 2)))
    source = prepare(graph, HW, images, 2).folder
    folder = tmp_path_factory.mktemp("vectors")
    for name in FILES:
        (folder / name).write_bytes((source / name).read_bytes())
    VectorSet(folder).check()
    return folder


@pytest.mark.parametrize("name", ["info.json", "layers.json", "tensors.txt"])
def test_damaged_vectors_are_an_input_error(exported: Path, name: str) -> None:
    path = exported / name
    good = path.read_bytes()

    def variants() -> Iterable[bytes]:
        if name.endswith(".json"):
            yield from damaged_json(json.loads(good), SEED, 500)
        else:
            yield from damaged_bytes(good, SEED, 300)
        yield from other_files(good)

    try:
        refused, _ = refuses(
            lambda path: VectorSet(path.parent).check(), FlowInputError, path, variants()
        )
        assert refused > 100
        path.unlink()
        with pytest.raises(FlowInputError, match=name):
            VectorSet(exported).check()
    finally:
        path.write_bytes(good)


@pytest.mark.parametrize("name", ["program.bin", "inputs.bin", "expected.bin"])
def test_vectors_of_another_size_are_an_input_error(exported: Path, name: str) -> None:
    path = exported / name
    good = path.read_bytes()
    try:
        for data in (b"", good[:-1], good + b"\0"):
            path.write_bytes(data)
            with pytest.raises(FlowInputError, match=f"{name}: has {len(data)} bytes"):
                VectorSet(exported).check()
    finally:
        path.write_bytes(good)


def test_damaged_accuracy_of_the_cache_is_an_input_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COREWRIGHT_BUILD", str(tmp_path))
    graph, images = network(), np.zeros((2, 4, 5, 2), dtype=np.int64)
    right = accuracy(graph, images, np.zeros(2, dtype=np.int64))
    (path,) = tmp_path.rglob("accuracy.json")
    for data in (b"", b"[", b"true", b"2.0", b"NaN", b'"1"', b"null", b"\xff"):
        path.write_bytes(data)
        with pytest.raises(FlowInputError, match=r"accuracy\.json: "):
            accuracy(graph, images, np.zeros(2, dtype=np.int64))
    path.write_bytes(json.dumps(right).encode())
    assert accuracy(graph, images, np.zeros(2, dtype=np.int64)) == right


def test_damaged_core_file_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "lenet5.core"
    good = (repository_root() / "models/lenet5/lenet5.core").read_bytes()
    variants = [*damaged_bytes(good, SEED, 60), b"", b"CAPI=2:\n" + b"[" * 5000, b"\xff\xfe"]
    variants += [b"CAPI=2:\nname: x\ngenerate: {a: {generator: system}}\n"]
    variants += [b"CAPI=2:\nname: a:b:c\ngenerate: {a: {generator: system, parameters: 3}}\n"]
    refused, _ = refuses(read_system, FlowInputError, path, variants)
    assert refused > 3


# ------------------------------------------------------------------------------ arrays, datasets


def test_damaged_reference_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "reference.npz"
    arrays = {
        "test_images": np.arange(48, dtype=np.int8).reshape(2, 4, 3, 2),
        "test_labels": np.arange(2, dtype=np.int8),
        "layer:y": np.arange(12, dtype=np.int8).reshape(2, 2, 3, 1),
    }
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    good, entries = path.read_bytes(), unpacked(path)

    def same(reference: Any) -> bool:
        return np.array_equal(reference.images, arrays["test_images"])

    variants = (*damaged_bytes(good, SEED, 300), *other_files(good))
    refused, _ = refuses(reference_of, FlowInputError, path, variants, same)
    assert refused > 200
    odd = [packed({**entries, "test_images.npy": data}) for data in ODD_ARRAYS]
    odd += [packed({**entries, "test_labels.npy": npy(np.arange(3))})]
    assert refuses(reference_of, FlowInputError, path, odd) == (len(odd), 0)


def test_damaged_integer_weights_are_a_builder_error(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    arrays = {"a.weights": np.arange(60).reshape(5, 12), "a.bias": np.arange(12)}
    np.savez(path, **arrays)  # type: ignore[arg-type]
    good, entries = path.read_bytes(), unpacked(path)

    def same(loaded: Any) -> bool:
        return all(np.array_equal(loaded[name], array) for name, array in arrays.items())

    variants = (*damaged_bytes(good, SEED, 300), *other_files(good))
    refuses(load_integer_weights, BuilderError, path, variants, same)
    floats = packed({**entries, "a.bias.npy": npy(np.zeros(12))})
    assert refuses(load_integer_weights, BuilderError, path, [floats]) == (1, 0)


@pytest.mark.parametrize("end", ["", ".gz"])
def test_damaged_idx_file_is_a_dataset_error(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"images{end}"
    images = np.random.default_rng(1).integers(0, 256, (5, 6, 7), np.uint8)
    plain = b"\0\0\x08\x03" + struct.pack(">3I", *images.shape) + images.tobytes()
    good = gzip.compress(plain, mtime=0) if end else plain
    same = (lambda array: np.array_equal(array, images)) if end else (lambda _: True)
    variants = (*damaged_bytes(good, SEED, 400), *other_files(good))
    refused, _ = refuses(read_idx, DatasetError, path, variants, same)
    assert refused > 200
    # Declared shapes that the file has not; more dimensions than an array may have.
    headers = [b"\0\0\x08\x03" + struct.pack(">3I", *[2**32 - 1] * 3)]
    headers += [b"\0\0\x08\xff" + struct.pack(">255I", *[1] * 255) + b"x"]
    headers += [b"\0\0\x08\x02" + struct.pack(">2I", 2**31, 2)]
    odd = [gzip.compress(data) if end else data for data in headers]
    assert refuses(read_idx, DatasetError, path, odd) == (len(odd), 0)


# ---------------------------------------------------------------------------------------- memory

# Run with little memory: whatever a file says about itself, loading it ends in the loader's error.
BOMBS = """
import resource, sys
from pathlib import Path
from corewright import files
from corewright.builder import BuilderError, load_weights
from corewright.datasets import DatasetError, load_mnist, read_idx
from corewright.flow import FlowInputError
from corewright.flow.system import reference_of
from corewright.graph import Graph, GraphError
from corewright.hardware import Hardware

kinds = {
    "cwgraph": (Graph.load, GraphError),
    "json": (Hardware.from_json, ValueError),
    "gz": (read_idx, DatasetError),
    "npz": (reference_of, FlowInputError),
    "weights": (load_weights, BuilderError),
    "mnist": (load_mnist, DatasetError),
}
files.UNPACKED_BYTES = int(sys.argv[1])
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
limit = used + 4 * files.UNPACKED_BYTES
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for name in sys.argv[2:]:
    load, error = kinds[name.rpartition(".")[2]]
    try:
        load(Path(name))
    except error as raised:
        assert name in str(raised), raised
        print(raised)
    else:
        sys.exit(f"{name} was accepted")
"""


def zeros(path: Path, entries: dict[str, bytes], name: str, prefix: bytes, size: int) -> None:
    """Write an archive with an entry of a beginning and zeros, which pack to a thousandth."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, data in entries.items():
            if other != name:
                archive.writestr(other, data)
        with archive.open(name, "w") as file:
            file.write(prefix)
            for _ in range(size >> 20):
                file.write(bytes(1 << 20))


def test_bombs_and_giant_shapes_take_no_memory(tmp_path: Path) -> None:
    allowed = 32 << 20
    size = 2 * allowed
    entries = unpacked(network().save(tmp_path / "model.cwgraph"))
    name = next(name for name in entries if name.endswith("weights.npy"))
    prefix = giant(f"({size // 8},)")
    zeros(tmp_path / "weights.cwgraph", entries, name, prefix, size)
    zeros(tmp_path / "json.cwgraph", entries, "graph.json", b"", size)
    zeros(tmp_path / "a.npz", {}, "test_images.npy", prefix, size)
    for other in ("a.weights", "a.mnist"):
        (tmp_path / other).hardlink_to(tmp_path / "a.npz")
    with gzip.open(tmp_path / "a.gz", "wb", compresslevel=1) as file:
        file.write(b"\0\0\x08\x01" + struct.pack(">I", size))
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    # Sparse: no disk holds what it says, and no reader needs all of it.
    with (tmp_path / "long.json").open("wb") as file:
        file.truncate(1 << 33)
    header = json.loads(entries["graph.json"])
    for node in header["nodes"]:
        node["output"]["channels"] = 1 << 30
    (tmp_path / "wide.cwgraph").write_bytes(
        packed({**entries, "graph.json": json.dumps(header).encode()})
    )
    pool = {
        "type": "upsample", "name": "up", "input": "x", "factors": [1, 1],
        "output": {**header["input"], "name": "u", "channels": 1 << 30},
    }  # fmt: skip
    header["nodes"], header["input"]["channels"] = [pool], 1 << 30
    (tmp_path / "giant.cwgraph").write_bytes(packed({"graph.json": json.dumps(header).encode()}))
    names = sorted(str(path) for path in tmp_path.iterdir() if path.name != "model.cwgraph")
    done = subprocess.run(
        [sys.executable, "-c", BOMBS, str(allowed), *names],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(names)
