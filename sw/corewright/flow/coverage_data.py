# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Coverage that Verilator's models write: its format, and a folder in which runs add up.

``COREWRIGHT_COVERAGE=FOLDER`` makes every bench, cocotb's and the accelerator's, be compiled with
coverage, and each run that passes add its counts to a file of its model in the folder. The files
are Verilator's own format, less the instances, with lines ``# source PATH SHA-256`` of the sources
that were compiled. :mod:`corewright.regress.hdl_coverage` says what is covered.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from corewright.environment import repository_root
from corewright.files import writing
from corewright.flow.cache import locked
from corewright.flow.errors import FlowInputError

COVERAGE_VARIABLE = "COREWRIGHT_COVERAGE"
# Not --coverage: of its further kinds (states, expressions, user's) the first ends Verilator 5.048
# with an internal error where a memory is written.
VERILATOR_OPTIONS = ("--coverage-line", "--coverage-toggle")
_HEADER = b"# SystemC::Coverage-3"
_POINT = re.compile(rb"C '([^']*)' (\d+)")
_SOURCE = re.compile(rb"# source (\S+) ([0-9a-f]{64})")
_MOVED_BY = f"{COVERAGE_VARIABLE}=FOLDER"
# Where counted sources stand, below the root: see hdl_sources.
_BLOCKS = ("core", "ip")


class Point(NamedTuple):
    """What Verilator counts.

    Attributes:
        file: the source, as the model names it.
        line: of the source, from 1.
        column: of the source; Verilator adds 1 for what is not taken.
        kind: ``line``, ``branch``, ``toggle``, or another that nothing here counts.
        what: ``block``, ``if``, ``else``, ...; of a toggle the bit and its direction.
        lines: lines that are executed with it, as ``36-38,40``; empty for none but its own.
    """

    file: str
    line: int
    column: int
    kind: str
    what: str
    lines: str = ""


class Data(NamedTuple):
    """The contents of a file.

    Attributes:
        sources: SHA-256 of the sources that were compiled, by the names that points have; empty
            in what a model wrote.
        counts: how often each point was hit, in all instances.
    """

    sources: dict[str, str]
    counts: dict[Point, int]


def coverage_folder() -> Path | None:
    """Return the folder that runs add their coverage to, from the environment; None: nobody asked.

    Raises:
        FlowInputError: what is named is a file.
    """
    named = os.environ.get(COVERAGE_VARIABLE, "")
    if not named:
        return None
    folder = Path(named).absolute()
    if folder.exists() and not folder.is_dir():
        raise FlowInputError(f"{COVERAGE_VARIABLE} is '{named}', a file, legal is a folder")
    return folder


def hdl_sources(root: Path | None = None) -> list[str]:
    """Return the sources whose coverage counts, from the root: ``core/*/rtl``, ``ip/*/rtl``."""
    root = root or repository_root()
    return sorted(
        path.relative_to(root).as_posix()
        for part in _BLOCKS
        for path in (root / part).glob("*/rtl/**/*.sv")
    )


def read_data(path: Path) -> Data:
    """Read a file that a model, or :func:`collect`, has written.

    Raises:
        FlowInputError: it cannot be read, or is no coverage of Verilator's.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FlowInputError(f"'{path}' cannot be read: {error.strerror}") from error
    lines = content.split(b"\n")
    if lines[0].rstrip() != _HEADER:
        raise FlowInputError(
            f"'{path}' is no coverage data: its first line is {lines[0][:40]!r}, "
            f"legal is {_HEADER.decode()!r}"
        )
    sources: dict[str, str] = {}
    counts: dict[Point, int] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line[:1] == b"C":
            match = _POINT.fullmatch(line)
            point = None if match is None else _point(match[1])
            if match is None or point is None:
                raise FlowInputError(f"'{path}', line {number}: {line[:60]!r} is no point")
            counts[point] = counts.get(point, 0) + int(match[2])
        elif source := _SOURCE.fullmatch(line):
            sources[source[1].decode()] = source[2].decode()
    if content[-1:] != b"\n":
        raise FlowInputError(f"'{path}' ends within a line: whoever wrote it was stopped")
    return Data(sources, counts)


def _point(text: bytes) -> Point | None:
    fields = dict(
        pair.split(b"\2", 1) for pair in text.split(b"\1") if pair and pair.count(b"\2") == 1
    )
    try:
        return Point(
            fields[b"f"].decode(),
            int(fields[b"l"]),
            int(fields.get(b"n", b"0")),
            fields[b"t"].decode(),
            fields[b"o"].decode(),
            fields.get(b"S", b"").decode(),
        )
    except (KeyError, ValueError):
        return None


def run_counted(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
    """Run an accelerator's bench as ``subprocess.run`` does; what it covers counts if it passes.

    A run that ends with another status than 0 proves nothing, and adds nothing.

    Args:
        command: the executable of :func:`corewright.flow.compiled_bench.build_bench`, with all its
            plusargs but ``+coverage``.
        options: of ``subprocess.run``, all but ``check``.

    Raises:
        FlowInputError: the folder is a file.
        OutputError: it cannot be written.
    """
    if coverage_folder() is None:
        return subprocess.run(command, check=False, **options)
    with tempfile.TemporaryDirectory(prefix="coverage-") as folder:
        counts = Path(folder) / "coverage.dat"
        done = subprocess.run([*command, f"+coverage={counts}"], check=False, **options)
        # A model that was compiled before anybody asked has none.
        if done.returncode == 0 and counts.is_file():
            collect(counts, Path(command[0]).parent)
    return done


def collect(written: Path, model: Path) -> None:
    """Add what a run has written to the folder that is asked for, and remove it.

    Kept are points of :func:`hdl_sources`, with a digest of what was compiled. Any number of
    processes may do this at the same time.

    Args:
        written: the run's file.
        model: the model's folder: relative names of sources are from there, and its own name is
            unique among models.

    Raises:
        FlowInputError: nobody asked, or there is no such file or it is damaged.
        OutputError: the folder cannot be written.
    """
    folder = coverage_folder()
    if folder is None:
        raise FlowInputError(f"{COVERAGE_VARIABLE} is not set, legal is a folder")
    new = _of_the_tree(read_data(written), model)
    target = folder / f"{model.name}.dat"
    with writing(folder, _MOVED_BY):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "locks" / model.name):
            if target.is_file():
                new = merged([read_data(target), new])
            write_data(target, new)
    written.unlink()


def merged(parts: Iterable[Data]) -> Data:
    """Return the sum of what runs of one model counted."""
    sources: dict[str, str] = {}
    counts: dict[Point, int] = {}
    for part in parts:
        sources |= part.sources
        for point, count in part.counts.items():
            counts[point] = counts.get(point, 0) + count
    return Data(sources, counts)


def write_data(path: Path, data: Data) -> None:
    """Write a file that :func:`read_data` reads, and Verilator's own programs; by one rename."""
    lines = [_HEADER.decode()]
    lines += [f"# source {name} {digest}" for name, digest in sorted(data.sources.items())]
    for point, count in sorted(data.counts.items()):
        fields = {"f": point.file, "l": point.line, "n": point.column, "t": point.kind}
        fields |= {"page": f"v_{point.kind}/{Path(point.file).stem}", "o": point.what}
        if point.lines:
            fields["S"] = point.lines
        text = "".join(f"\1{key}\2{value}" for key, value in fields.items())
        lines.append(f"C '{text}' {count}")
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    Path(name).chmod(0o644)
    Path(name).replace(path)


def _of_the_tree(data: Data, model: Path) -> Data:
    """Return the points of the tree's sources, named from the root, with digests."""
    # FuseSoC copies files below a folder of the core's name: what is left is the path in the core.
    known = {_within_block(name): name for name in hdl_sources()}
    names: dict[str, str | None] = {}
    sources = {}
    for file in {point.file for point in data.counts}:
        names[file] = name = known.get(_within_block(file))
        if name is not None:
            sources[name] = _digest(model / file)
    counts: dict[Point, int] = {}
    for point, count in data.counts.items():
        if (name := names[point.file]) is not None:
            # Instances of different parameters are apart until now.
            own = point._replace(file=name)
            counts[own] = counts.get(own, 0) + count
    return Data({name: digest for name, digest in sources.items() if digest}, counts)


def _within_block(file: str) -> str:
    """Return a path from its last folder ``rtl``: unique in the tree; empty without one."""
    _, found, rest = f"/{file}".rpartition("/rtl/")
    return rest if found else ""


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        # Points of a source that is not there any more are nobody's.
        return ""


def digests(root: Path | None = None) -> Iterator[tuple[str, str]]:
    """Yield the name and SHA-256 of each of :func:`hdl_sources`, as the tree is now."""
    root = root or repository_root()
    for name in hdl_sources(root):
        yield name, _digest(root / name)
