# Copyright corewright contributors
# SPDX-License-Identifier: Apache-2.0
"""Labelled images for training and for checking accuracy, always the same split.

Pixels are float32 in [-1, 1]: black is -1, so that a signed input word uses its whole range
(the brightest pixel, +1, saturates to the largest word).
"""

from __future__ import annotations

import gzip
import math
import os
import struct
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corewright.files import (
    DAMAGE,
    UnreadableFileError,
    allowance,
    brief,
    read_npz,
    reason,
)

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

_IDX_STEMS = {
    "x_train": "train-images",
    "y_train": "train-labels",
    "x_test": "t10k-images",
    "y_test": "t10k-labels",
}


class DatasetError(ValueError):
    """A data file is missing, damaged or of another kind: the message names it."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images (N, H, W, C) float32 in [-1, 1] and labels (N,) int64, split for train and test."""

    name: str
    x_train: Images
    y_train: Labels
    x_test: Images
    y_test: Labels


def resize_bilinear(images: npt.NDArray[np.floating], size: tuple[int, int]) -> Images:
    """Resize (N, H, W) to (N, size[0], size[1]), float32.

    Bilinear with half-pixel centres and edge replication (like OpenCV's INTER_LINEAR).
    """
    first = _interpolation(images.shape[1], size[0])
    second = _interpolation(images.shape[2], size[1])
    return np.einsum("hi,nij,wj->nhw", first, images, second, optimize=True).astype(np.float32)


def _interpolation(source: int, target: int) -> npt.NDArray[np.float64]:
    """(target, source) matrix of linear interpolation weights; each row sums to 1."""
    position = (np.arange(target) + 0.5) * source / target - 0.5
    position = np.clip(position, 0, source - 1)
    lower = np.minimum(np.floor(position).astype(int), source - 1)
    upper = np.minimum(lower + 1, source - 1)
    fraction = position - lower
    matrix = np.zeros((target, source))
    rows = np.arange(target)
    np.add.at(matrix, (rows, lower), 1 - fraction)
    np.add.at(matrix, (rows, upper), fraction)
    return matrix


def load_digits(size: tuple[int, int] = (28, 28), test_fraction: float = 0.2) -> Dataset:
    """scikit-learn's 1797 handwritten digits, 8x8 pixels resized bilinearly to ``size``.

    The split is stratified and fixed: of every class the same images are the test set, a
    fraction of ``test_fraction``. Needs scikit-learn, no network.
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction is {test_fraction}, legal is between 0 and 1")
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size is {size}, legal are two numbers from 1")
    from sklearn.datasets import load_digits as load

    data = load()
    images = resize_bilinear(data.images / 8.0 - 1.0, size)[..., None]
    labels = data.target.astype(np.int64)
    order = np.random.default_rng(1797).permutation(len(labels))
    is_test = np.zeros(len(labels), dtype=bool)
    for digit in range(10):
        members = order[labels[order] == digit]
        is_test[members[: round(len(members) * test_fraction)]] = True
    train, test = order[~is_test[order]], order[is_test[order]]
    return Dataset("digits", images[train], labels[train], images[test], labels[test])


def load_mnist(path: str | os.PathLike[str]) -> Dataset:
    """MNIST from the user's files: 28x28x1 images in [-1, 1].

    ``path`` is a folder with the four IDX files (plain or .gz, ``train-images-idx3-ubyte`` or
    ``train-images.idx3-ubyte`` and so on) or Keras's ``mnist.npz`` (or the folder it lies in).
    Raises :class:`DatasetError` for a missing or damaged file.
    """
    root = Path(path)
    if root.is_dir() and (root / "mnist.npz").is_file():
        root = root / "mnist.npz"
    if root.is_file():
        arrays = _read_npz(root)
    elif root.is_dir():
        arrays = {key: read_idx(_find_idx(root, stem)) for key, stem in _IDX_STEMS.items()}
    else:
        raise DatasetError(f"{root}: no such file or folder; legal is a folder or an .npz file")
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.ndim != 3 or y.shape != x.shape[:1] or x.dtype != np.uint8:
            raise DatasetError(
                f"{root}: {part} images have shape {x.shape} and type {x.dtype}, labels "
                f"{y.shape}; legal are (N, H, W) bytes and (N,)"
            )
    x_train, x_test = (
        (arrays[key].astype(np.float32) / 127.5 - 1)[..., None] for key in ("x_train", "x_test")
    )
    y_train, y_test = (arrays[key].astype(np.int64) for key in ("y_train", "y_test"))
    return Dataset("mnist", x_train, y_train, x_test, y_test)


def _read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        arrays = read_npz(path)
    except (FileNotFoundError, UnreadableFileError) as error:
        raise DatasetError(f"{path}: not an .npz file: {reason(error)}") from error
    if missing := [key for key in _IDX_STEMS if key not in arrays]:
        raise DatasetError(
            f"{path}: has no {', '.join(missing)}; legal is an .npz with {list(_IDX_STEMS)}"
        )
    return {key: arrays[key] for key in _IDX_STEMS}


def _find_idx(folder: Path, stem: str) -> Path:
    dimension = 3 if stem.endswith("images") else 1
    names = [f"{stem}{mark}idx{dimension}-ubyte{end}" for mark in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(f"{folder}: none of {names} exists")


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, gzipped if its name ends in .gz.

    Format: two zero bytes, type 0x08, dimension count, big-endian sizes, data (LeCun's MNIST
    page). Raises :class:`DatasetError` if it is anything else.
    """
    path = Path(path)
    kind = "damaged gzip file" if path.suffix == ".gz" else "cannot be read"
    try:
        size = path.stat().st_size
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return _idx_array(file, allowance(size) if path.suffix == ".gz" else size)
    except UnreadableFileError as error:
        raise DatasetError(f"{path}: {error}") from error
    except DAMAGE as error:
        raise DatasetError(f"{path}: {kind}: {reason(error)}") from error


def _idx_array(file: BufferedIOBase, most: int) -> npt.NDArray[np.uint8]:
    """Read the array, of at most ``most`` bytes, that a file holds."""
    start = file.read(4)
    if len(start) < 4 or start[:3] != b"\0\0\x08":
        raise UnreadableFileError(f"starts with {start!r}, legal is an IDX file of bytes")
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise UnreadableFileError("ends within its header")
    shape = struct.unpack(f">{start[3]}I", sizes)
    expected = math.prod(shape)
    data = file.read(min(expected, most) + 1)
    if len(data) != expected:
        has = f"has {len(start + sizes + data)}" if len(data) < expected else "has more"
        raise UnreadableFileError(
            f"{has} bytes, its header {brief(shape)} says {len(start + sizes) + expected}"
        )
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)
