# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Reading files that may be damaged, and writing where there may be no room.

A loader reads through this module and raises its own error from :class:`UnreadableFileError`. Of
memory a file costs a multiple of its own size at the most, whatever it says about itself: archives
are read entry by entry within an allowance, and an array's declared shape has to be what its bytes
hold before anything is made of it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import lzma
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# Everything that decoders raise on bytes that nobody wrote; a RuntimeError is also what too deep
# a nesting, an encrypted entry or an unknown compression is.
DAMAGE = (
    *(OSError, EOFError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError),
    *(RuntimeError, MemoryError, SyntaxError, struct.error, zlib.error, lzma.LZMAError),
    zipfile.BadZipFile,
)
# What an archive may hold unpacked: so many bytes, or so many times its own size. The first has
# room for a large network of zeros, the second for the densest that real weights are packed.
UNPACKED_BYTES = 256 << 20
UNPACKED_RATIO = 64
# Descriptions are small; an object of three characters is one of hundred bytes in memory.
JSON_BYTES = 16 << 20
_MESSAGE = 400
# The record at an archive's end: how many entries its list has, its length and where it is. A
# comment may follow it.
_END = struct.Struct("<10xHII2x")
_MOST, _LARGE = 0xFFFF, 0xFFFFFFFF


class UnreadableFileError(ValueError):
    """A file cannot be read or is damaged: the message says why, and its caller which file."""


class OutputError(OSError):
    """A file or folder cannot be written; ``filename`` is its path.

    ``strerror`` says why, and which variable or option names another place.
    """

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


def brief(error: object) -> str:
    """Return an error's text on one line, without what a damaged file may have put into it."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _MESSAGE else f"{text[:_MESSAGE]}..."


def reason(error: BaseException) -> str:
    """Return why something could not be read."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    if isinstance(error, KeyError):
        return f"{brief(error)} is missing"
    return brief(error)


# --------------------------------------------------------------------------------------- reading


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """Return the contents of a file of at most ``limit`` bytes.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFileError: it is larger, a folder, or cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            # Also of what never ends, a device or a pipe.
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"cannot be read: {reason(error)}") from error
    if len(data) > limit:
        raise UnreadableFileError(f"has more than {limit} bytes, legal is up to that")
    return data


def parse_json(data: bytes) -> Any:
    """Return the value of a JSON text in UTF-8.

    Raises:
        UnreadableFileError: it is none, or longer than ``JSON_BYTES``.
    """
    if len(data) > JSON_BYTES:
        raise UnreadableFileError(f"has {len(data)} bytes of JSON, legal is up to {JSON_BYTES}")
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"not a JSON file: {reason(error)}") from error


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return the value of a JSON file; raises as :func:`read_bytes` and :func:`parse_json`."""
    return parse_json(read_bytes(path, JSON_BYTES))


def parse_npy(data: bytes) -> npt.NDArray[Any]:
    """Return the array of an ``.npy`` file's bytes, read-only; objects are refused.

    Raises:
        UnreadableFileError: it is none, or has not the bytes that its header declares.
    """
    buffer = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(buffer)
        if version == (1, 0):
            shape, transposed, dtype = np.lib.format.read_array_header_1_0(buffer)
        elif version == (2, 0):
            shape, transposed, dtype = np.lib.format.read_array_header_2_0(buffer)
        else:
            raise UnreadableFileError(f"has .npy version {version}, legal are (1, 0) and (2, 0)")
        if dtype.hasobject:
            raise UnreadableFileError("holds Python objects, legal are numbers")
        start = buffer.tell()
        declared = math.prod(shape) * dtype.itemsize
        if declared != len(data) - start:
            raise UnreadableFileError(
                f"declares shape {brief(shape)} of {dtype}, {declared} bytes, and has "
                f"{len(data) - start}"
            )
        array = np.frombuffer(data, dtype, offset=start)
        return array.reshape(shape, order="F" if transposed else "C")
    except UnreadableFileError:
        raise
    except DAMAGE as error:
        raise UnreadableFileError(f"not an .npy array: {reason(error)}") from error


class Archive:
    """A zip archive whose entries are read whole, as far as the allowance goes.

    Attributes:
        names: of the entries.
    """

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self.names = archive.namelist()
        self._left = allowance(size)

    def read(self, name: str) -> bytes:
        """Return an entry's bytes, whose checksum was compared.

        Raises:
            UnreadableFileError: there is no such entry, or it is damaged or too large.
        """
        try:
            info = self._archive.getinfo(name)
            self._left = spend(self._left, info.file_size)
            with self._archive.open(info) as file:
                # To the end, where the checksum is compared.
                data = file.read(info.file_size + 1)
        except UnreadableFileError as error:
            raise UnreadableFileError(f"entry {brief(name)}: {error}") from error
        except DAMAGE as error:
            raise UnreadableFileError(f"entry {brief(name)}: {reason(error)}") from error
        if len(data) != info.file_size:
            raise UnreadableFileError(f"entry {brief(name)}: ends early")
        return data


def allowance(size: int) -> int:
    """Return how many bytes a packed file of ``size`` bytes may hold."""
    return max(UNPACKED_BYTES, UNPACKED_RATIO * size)


def spend(left: int, size: int) -> int:
    """Return what is left of an allowance; raises UnreadableFileError where it is overdrawn."""
    if size > left:
        raise UnreadableFileError(
            f"unpacks to {size} bytes, legal is {UNPACKED_RATIO} times the file's own size or "
            f"{UNPACKED_BYTES} bytes in all"
        )
    return left - size


@contextlib.contextmanager
def open_archive(path: str | os.PathLike[str]) -> Iterator[Archive]:
    """Open a zip archive.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFileError: it is a folder, no archive, or damaged.
    """
    file = Path(path)
    if file.exists() and not file.is_file():
        raise UnreadableFileError("cannot be read: it is no regular file")
    try:
        size = file.stat().st_size
        archive = zipfile.ZipFile(file)
    except FileNotFoundError:
        raise
    except DAMAGE as error:
        raise UnreadableFileError(f"not an archive: {reason(error)}") from error
    with archive:
        _check_entries(file, size, archive.namelist())
        yield Archive(archive, size)


def _check_entries(file: Path, size: int, names: list[str]) -> None:
    """Raise UnreadableFileError if entries are missing from a damaged archive's own list.

    zipfile reads as many as the list's declared size holds, and no checksum covers that.
    """
    first = max(0, size - _END.size - _MOST)
    with file.open("rb") as raw:
        raw.seek(first)
        tail = raw.read()
    place = tail.rfind(b"PK\x05\x06")
    count, length, start = _END.unpack(tail[place : place + _END.size].ljust(_END.size, b"\0"))
    if len(set(names)) != len(names):
        raise UnreadableFileError("not an archive: entries of the same name")
    # The largest number stands for one that another record holds.
    if _MOST != count != len(names) or (start < _LARGE and start + length != first + place):
        raise UnreadableFileError(f"not an archive: its list of {len(names)} entries is damaged")


def read_npz(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an ``.npz`` file, read-only.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFileError: it is none, or damaged.
    """
    arrays = {}
    with open_archive(path) as archive:
        for entry in archive.names:
            name = entry.removesuffix(".npy")
            try:
                arrays[name] = parse_npy(archive.read(entry))
            except UnreadableFileError as error:
                raise UnreadableFileError(f"'{brief(name)}': {error}") from error
    return arrays


# --------------------------------------------------------------------------------------- writing


@contextlib.contextmanager
def writing(path: str | os.PathLike[str], moved_by: str) -> Iterator[None]:
    """Raise what the system says about writing to ``path`` as an :class:`OutputError`.

    The system's own error names no file when a disk is full, and never what to do.

    Args:
        path: what is written.
        moved_by: what names another place, such as ``--json FILE``.
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        number = error.errno or errno.EIO
        why = f"{error.strerror or error} ({moved_by} names another place)"
        raise OutputError(number, why, os.fspath(path)) from error


def write_output(path: Path | None, text: str, option: str = "--json FILE") -> None:
    """Write a file, with its folders, where an option asked for one.

    Raises:
        OutputError: it cannot be written.
    """
    if path is None:
        return
    with writing(path, option):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def check_output(path: Path | None, option: str) -> None:
    """Find out before the work that :func:`write_output` would fail behind it.

    Raises:
        OutputError: the file cannot be written.
    """
    if path is None or (path.exists() and not path.is_dir() and not path.is_file()):
        # Opening a pipe would wait for its reader.
        return
    with writing(path, option):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        with path.open("a"):
            pass
        if new:
            path.unlink()


def check_writable(folder: Path, moved_by: str) -> None:
    """Make a folder if needed, write a page to it and take it away.

    Raises:
        OutputError: that does not work.
    """
    with writing(folder, moved_by):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        try:
            probe.write_bytes(bytes(4096))
        finally:
            probe.unlink(missing_ok=True)
