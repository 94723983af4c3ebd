# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Datasets: values, splits, file formats, errors."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from corewright.datasets import DatasetError, load_digits, load_mnist, read_idx, resize_bilinear


def test_digits_are_split_once_and_for_all() -> None:
    first, second = load_digits(), load_digits()
    assert first.x_train.shape == (1438, 28, 28, 1)
    assert first.x_test.shape == (359, 28, 28, 1)
    assert first.x_train.dtype == np.float32
    assert first.x_train.min() == -1
    assert first.x_train.max() == 1
    assert np.array_equal(first.x_test, second.x_test)
    assert np.array_equal(first.y_train, second.y_train)
    # Stratified: every class has its share.
    assert np.ptp(np.bincount(first.y_test)) <= 3


def test_train_and_test_images_are_disjoint_and_complete() -> None:
    data = load_digits((8, 8))
    train = {image.tobytes() for image in data.x_train}
    assert not train & {image.tobytes() for image in data.x_test}
    from sklearn.datasets import load_digits as original

    pixels = np.concatenate([data.x_train, data.x_test])[..., 0]
    expected = (original().images / 8 - 1).astype(np.float32)
    assert np.array_equal(np.sort(pixels.sum(axis=(1, 2))), np.sort(expected.sum(axis=(1, 2))))


def test_bilinear_resize_interpolates_between_pixel_centres() -> None:
    image = np.array([[[0.0, 1.0], [2.0, 3.0]]])
    result = resize_bilinear(image, (2, 4))
    assert np.allclose(result[0, 0], [0, 0.25, 0.75, 1])
    assert np.allclose(resize_bilinear(image, (2, 2)), image)
    assert np.allclose(resize_bilinear(image, (1, 1)), 1.5)
    assert np.allclose(resize_bilinear(np.full((2, 5, 3), 7.0), (11, 13)), 7)


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_an_empty_split_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="test_fraction is"):
        load_digits(test_fraction=fraction)


def idx(array: np.ndarray) -> bytes:
    return (
        b"\0\0\x08"
        + bytes([array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + (array.astype(np.uint8).tobytes())
    )


ARRAYS = {
    "train-images": np.arange(3 * 28 * 28).reshape(3, 28, 28) % 256,
    "train-labels": np.array([1, 2, 3]),
    "t10k-images": np.arange(2 * 28 * 28).reshape(2, 28, 28) % 251,
    "t10k-labels": np.array([4, 5]),
}


def write_idx(folder: Path, mark: str, zipped: bool) -> None:
    for stem, array in ARRAYS.items():
        name = f"{stem}{mark}idx{array.ndim}-ubyte" + (".gz" if zipped else "")
        data = idx(array)
        (folder / name).write_bytes(gzip.compress(data) if zipped else data)


@pytest.mark.parametrize(("mark", "zipped"), [("-", False), ("-", True), (".", False)])
def test_mnist_is_read_from_idx_files(tmp_path: Path, mark: str, zipped: bool) -> None:
    write_idx(tmp_path, mark, zipped)
    data = load_mnist(tmp_path)
    assert data.x_train.shape == (3, 28, 28, 1)
    expected = ARRAYS["t10k-images"][..., None] / 127.5 - 1
    assert np.allclose(data.x_test, expected, atol=1e-6)
    assert data.y_train.tolist() == [1, 2, 3]
    assert (data.x_train.min(), data.x_train.max()) == (-1, 1)


def test_mnist_is_read_from_npz(tmp_path: Path) -> None:
    names = ("x_train", "y_train", "x_test", "y_test")
    arrays = {n: a.astype(np.uint8) for n, a in zip(names, ARRAYS.values(), strict=True)}
    np.savez(tmp_path / "mnist.npz", **arrays)  # type: ignore[arg-type]
    for path in (tmp_path, tmp_path / "mnist.npz"):
        assert load_mnist(path).y_test.tolist() == [4, 5]


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file or folder"):
        load_mnist(tmp_path / "none")
    with pytest.raises(DatasetError, match=r"train-images.*exists"):
        load_mnist(tmp_path)
    (tmp_path / "a.npz").write_bytes(b"nonsense")
    with pytest.raises(DatasetError, match=r"a\.npz: not an \.npz"):
        load_mnist(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", other=np.zeros(1))
    with pytest.raises(DatasetError, match=r"b\.npz.*legal is an \.npz with"):
        load_mnist(tmp_path / "b.npz")
    write_idx(tmp_path, "-", False)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(4)))
    with pytest.raises(DatasetError, match="train images have shape"):
        load_mnist(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PNG!", "legal is an IDX file"),
        (b"\0\0\x08\x03\0\0", "ends within its header"),
        (idx(np.zeros((2, 3)))[:-1], "has 17 bytes, its header"),
    ],
)
def test_idx_files_are_checked(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(DatasetError, match=message):
        read_idx(tmp_path / "file")
    (tmp_path / "file.gz").write_bytes(b"\x1f\x8bbroken")
    with pytest.raises(DatasetError, match="damaged gzip"):
        read_idx(tmp_path / "file.gz")
