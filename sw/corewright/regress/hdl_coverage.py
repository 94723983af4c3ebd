# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What of the RTL was exercised: lines, branches and bits, merged over all models of a source.

Counted is ``core/*/rtl`` and ``ip/*/rtl``, also the registers, which are generated of this tree's
own description. Not counted is what stands between ```ifndef SYNTHESIS`` and its end: assertions
and checks of parameters. Three measures, each over source lines, whatever the parameters were:

* line: a line with a statement is covered if any model executed it; a line with a condition, if
  any evaluated it;
* branch: each way that an ``if``, ``case`` or ``?:`` goes, ``else`` also where nothing is written;
* toggle: a bit is covered if instances saw it rise, and saw it fall. Signals of more than 256 bits
  have none: Verilator leaves them out.

A block's ``dv/coverage.toml`` names points that cannot be reached, each with its reason::

    [[exclusion]]
    file = "rtl/cw_x.sv"
    metric = "branch"           # line, branch or toggle
    text = "default: state_d"   # part of each source line that is meant
    what = "case"               # optional: of a branch its way, of a bit its name, as a glob
    reason = "the states are an enumeration, whose four values are all listed above it"
"""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from corewright.environment import repository_root
from corewright.flow.coverage_data import Data, Point, digests, hdl_sources, read_data
from corewright.flow.errors import FlowInputError

METRICS = ("line", "branch", "toggle")
# Shares that are wanted of the tree, and of points that may be excluded.
GOALS = {"line": 0.98, "branch": 0.95, "toggle": 0.90}
EXCLUDED_AT_MOST = 0.02
EXCLUSIONS = "dv/coverage.toml"
_KEYS = {"file", "metric", "text", "what", "reason"}
_CHECKS_BEGIN, _CHECKS_END = "`ifndef SYNTHESIS", "`endif"
_MODULE = re.compile(r"^module\s", re.MULTILINE)
_BIT = re.compile(r"(.*)\[(\d+)\]")
_RISE, _FALL = 1, 2
_DIRECTIONS = {"0->1": _RISE, "1->0": _FALL}


class Place(NamedTuple):
    """One point of one measure: a line, a way of a branch, a bit.

    Attributes:
        file: from the root.
        line: from 1.
        what: empty for a line; ``if``, ``else``, ... for a branch; a bit's name.
        column: tells branches of a line apart.
    """

    file: str
    line: int
    what: str = ""
    column: int = 0


@dataclass(frozen=True)
class Exclusion:
    """Points that do not count, see the module."""

    block: str
    file: str
    metric: str
    text: str
    what: str
    reason: str


@dataclass(frozen=True)
class Hole:
    """What was not covered of one source line and measure.

    Attributes:
        file: from the root.
        line: from 1.
        metric: one of ``METRICS``.
        what: ways of a branch, or bits: ``count_q[7:4]``; empty for a line.
        points: how many.
    """

    file: str
    line: int
    metric: str
    what: str
    points: int


@dataclass(frozen=True)
class Tally:
    """Points of one measure.

    Attributes:
        covered: of those that count.
        total: that count.
        excluded: that would count as well.
    """

    covered: int
    total: int
    excluded: int = 0

    @property
    def share(self) -> float | None:
        """Covered of those that count; None where there are none."""
        return self.covered / self.total if self.total else None

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.covered + other.covered, self.total + other.total, self.excluded + other.excluded
        )


@dataclass(frozen=True)
class HdlCoverage:
    """What is covered.

    Attributes:
        blocks: by block (``ip/axis_fifo``) and measure.
        holes: in order of their places.
        not_compiled: modules' sources of which there are no points: no bench that ran has them.
        other_sources: sources of which data were left out, for it was measured on another text.
        exclusions: each with the points that it took out.
        needless: exclusions, or the part of them, that were covered.
    """

    blocks: Mapping[str, Mapping[str, Tally]]
    holes: Sequence[Hole]
    not_compiled: Sequence[str]
    other_sources: Sequence[str]
    exclusions: Sequence[tuple[Exclusion, int]] = field(default=())
    needless: Sequence[tuple[Exclusion, int]] = field(default=())

    @property
    def total(self) -> dict[str, Tally]:
        """All blocks together, by measure."""
        return {
            metric: sum((tallies[metric] for tallies in self.blocks.values()), Tally(0, 0))
            for metric in METRICS
        }

    @property
    def shortcomings(self) -> list[str]:
        """What keeps it from ``GOALS``, a line each; empty if they are reached."""
        told = []
        for metric, tally in self.total.items():
            if (share := tally.share) is None or share < GOALS[metric]:
                got = "nothing" if share is None else f"{100 * share:.2f} %"
                told.append(f"{metric} coverage is {got}, wanted are {100 * GOALS[metric]:.0f} %")
            if tally.excluded > EXCLUDED_AT_MOST * (tally.total + tally.excluded):
                told.append(
                    f"{tally.excluded} of {tally.total + tally.excluded} {metric} points are "
                    f"excluded, legal are {100 * EXCLUDED_AT_MOST:.0f} %"
                )
        if self.not_compiled:
            told.append(f"in no bench that ran: {', '.join(self.not_compiled)}")
        return told

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-compatible; shares are None where there is nothing to cover."""
        return {
            "total": _numbers(self.total),
            "blocks": {name: _numbers(tallies) for name, tallies in self.blocks.items()},
            "goals": GOALS,
            "shortcomings": self.shortcomings,
            "not_compiled": list(self.not_compiled),
            "other_sources": list(self.other_sources),
            "exclusions": [_exclusion(*pair) for pair in self.exclusions],
            "needless_exclusions": [_exclusion(*pair) for pair in self.needless],
            "holes": [vars(hole) for hole in self.holes],
        }


def _numbers(tallies: Mapping[str, Tally]) -> dict[str, Any]:
    return {metric: {**vars(tally), "share": tally.share} for metric, tally in tallies.items()}


def _exclusion(exclusion: Exclusion, points: int) -> dict[str, Any]:
    return {**vars(exclusion), "points": points}


# ---------------------------------------------------------------------------------------- sources


def block_of(file: str) -> str:
    """Return the block that a source from the root belongs to: ``ip/axis_fifo``."""
    return "/".join(file.split("/")[:2])


def check_lines(text: str) -> set[int]:
    """Return the lines, from 1, of a source that are for simulation only."""
    found: set[int] = set()
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        inside |= line.strip().startswith(_CHECKS_BEGIN)
        if inside:
            found.add(number)
            inside = not line.strip().startswith(_CHECKS_END)
    return found


def read_exclusions(root: Path | None = None) -> list[Exclusion]:
    """Return the exclusions of all blocks.

    Raises:
        FlowInputError: one is incomplete, or names a source or a text that is not there.
    """
    root = root or repository_root()
    found: list[Exclusion] = []
    for block in sorted({block_of(file) for file in hdl_sources(root)}):
        path = root / block / EXCLUSIONS
        if path.is_file():
            found += _exclusions_of(root, block, path)
    return found


def _exclusions_of(root: Path, block: str, path: Path) -> Iterator[Exclusion]:
    where = f"{block}/{EXCLUSIONS}"
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FlowInputError(f"{where} is no TOML: {error}") from error
    if unknown := sorted(set(contents) - {"exclusion"}):
        raise FlowInputError(f"{where} has '{unknown[0]}', legal is [[exclusion]]")
    for number, entry in enumerate(contents.get("exclusion", []), start=1):
        here = f"{where}, exclusion {number}"
        missing = sorted(_KEYS - {"what"} - set(entry))
        if missing or set(entry) - _KEYS:
            raise FlowInputError(
                f"{here} has {', '.join(sorted(entry))}, legal are {', '.join(sorted(_KEYS))}"
            )
        if bad := [key for key, value in entry.items() if not str(value).strip()]:
            raise FlowInputError(f"{here}: '{bad[0]}' is empty")
        if entry["metric"] not in METRICS:
            raise FlowInputError(
                f"{here} has metric '{entry['metric']}', legal are {', '.join(METRICS)}"
            )
        file = f"{block}/{entry['file']}"
        if file not in hdl_sources(root):
            raise FlowInputError(f"{here}: {file} is none of the block's sources")
        if entry["text"] not in (root / file).read_text(encoding="utf-8"):
            raise FlowInputError(f"{here}: {file} has no line with {entry['text']!r}")
        what = entry.get("what", "*")
        yield Exclusion(block, file, entry["metric"], entry["text"], what, entry["reason"])


# ------------------------------------------------------------------------------------------ merge


class Merger:
    """Puts data of any number of models together.

    Args:
        root: of the tree.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or repository_root()
        self._digests = dict(digests(self._root))
        self._lines: dict[Place, bool] = {}
        self._branches: dict[Place, bool] = {}
        self._toggles: dict[Place, int] = {}
        self._other: set[str] = set()

    def add(self, data: Data) -> None:
        """Add the points of sources that the tree still has as they were compiled."""
        same = {name for name, digest in data.sources.items() if self._digests.get(name) == digest}
        self._other |= set(data.sources) - same
        for point, count in data.counts.items():
            if point.file not in same:
                continue
            if point.kind == "toggle":
                self._add_toggle(point, count > 0)
            elif point.kind in ("line", "branch"):
                self._add_statement(point, count > 0)

    def _add_toggle(self, point: Point, hit: bool) -> None:
        bit, _, direction = point.what.rpartition(":")
        place = Place(point.file, point.line, bit)
        seen = _DIRECTIONS.get(direction, 0) if hit else 0
        self._toggles[place] = self._toggles.get(place, 0) | seen

    def _add_statement(self, point: Point, hit: bool) -> None:
        for line in {point.line, *line_numbers(point.lines)}:
            place = Place(point.file, line)
            self._lines[place] = self._lines.get(place, False) or hit
        if point.what != "block":
            place = Place(point.file, point.line, point.what, point.column)
            self._branches[place] = self._branches.get(place, False) or hit

    def result(self, blocks: Sequence[str] = ()) -> HdlCoverage:
        """Return what is covered of some blocks, or of all.

        Raises:
            FlowInputError: there is no such block, or a file of exclusions is wrong.
        """
        files = hdl_sources(self._root)
        known = sorted({block_of(file) for file in files})
        if unknown := [block for block in blocks if block not in known]:
            raise FlowInputError(f"there is no block '{unknown[0]}', legal are {', '.join(known)}")
        wanted = [file for file in files if not blocks or block_of(file) in blocks]
        texts = {file: (self._root / file).read_text(encoding="utf-8") for file in wanted}
        points: dict[str, dict[Place, bool]] = {
            "line": self._lines,
            "branch": self._branches,
            "toggle": {place: seen == _RISE | _FALL for place, seen in self._toggles.items()},
        }
        points = {metric: _counting(places, texts) for metric, places in points.items()}
        exclusions = [item for item in read_exclusions(self._root) if item.file in texts]
        excluded, needless = _excluded(points, exclusions, texts)
        left = {
            metric: {place: hit for place, hit in places.items() if place not in excluded[metric]}
            for metric, places in points.items()
        }
        measured = {place.file for places in points.values() for place in places}
        taken = [
            (item, sum(owner is item for places in excluded.values() for owner in places.values()))
            for item in exclusions
        ]
        return HdlCoverage(
            _tallies(left, excluded),
            sorted(_holes(left, self._toggles), key=_order),
            [file for file in wanted if file not in measured and _MODULE.search(texts[file])],
            sorted(self._other & set(wanted)),
            taken,
            needless,
        )


def _order(hole: Hole) -> tuple[str, int, int, str]:
    return hole.file, hole.line, METRICS.index(hole.metric), hole.what


def line_numbers(text: str) -> Iterator[int]:
    """Yield the numbers of ``36-38,40``."""
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _counting(places: Mapping[Place, bool], texts: Mapping[str, str]) -> dict[Place, bool]:
    checks = {file: check_lines(text) for file, text in texts.items()}
    return {
        place: hit
        for place, hit in places.items()
        if place.file in checks and place.line not in checks[place.file]
    }


def _excluded(
    points: Mapping[str, Mapping[Place, bool]],
    exclusions: Sequence[Exclusion],
    texts: Mapping[str, str],
) -> tuple[dict[str, dict[Place, Exclusion]], list[tuple[Exclusion, int]]]:
    """Return by measure the points that do not count, with why; and what is covered all the same.

    A point that is covered counts, whatever is said of it.
    """
    found: dict[str, dict[Place, Exclusion]] = {metric: {} for metric in METRICS}
    needless = []
    for item in exclusions:
        lines = texts[item.file].splitlines()
        covered = 0
        for place, hit in points[item.metric].items():
            meant = place.file == item.file and item.text in lines[place.line - 1]
            if not meant or not _matches(place.what, item.what):
                continue
            covered += hit
            if not hit:
                found[item.metric].setdefault(place, item)
        if covered:
            needless.append((item, covered))
    return found, needless


def _matches(name: str, pattern: str) -> bool:
    # Brackets are indices here, not sets of characters.
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _tallies(
    left: Mapping[str, Mapping[Place, bool]], excluded: Mapping[str, Mapping[Place, Exclusion]]
) -> dict[str, dict[str, Tally]]:
    counts: dict[str, dict[str, list[int]]] = {}
    for metric in METRICS:
        for place, hit in left[metric].items():
            own = counts.setdefault(block_of(place.file), {}).setdefault(metric, [0, 0, 0])
            own[0] += hit
            own[1] += 1
        for place in excluded[metric]:
            counts.setdefault(block_of(place.file), {}).setdefault(metric, [0, 0, 0])[2] += 1
    return {
        block: {metric: Tally(*own.get(metric, (0, 0, 0))) for metric in METRICS}
        for block, own in sorted(counts.items())
    }


def _holes(
    left: Mapping[str, Mapping[Place, bool]], toggles: Mapping[Place, int]
) -> Iterator[Hole]:
    by_line: dict[tuple[str, int, str], list[Place]] = {}
    for metric in METRICS:
        for place in sorted(place for place, hit in left[metric].items() if not hit):
            by_line.setdefault((place.file, place.line, metric), []).append(place)
    for (file, line, metric), places in by_line.items():
        if metric == "toggle":
            seen = {_RISE: " never falls", _FALL: " never rises", 0: ""}
            what = bit_ranges([(place.what, seen[toggles[place]]) for place in places])
        else:
            what = ", ".join(place.what for place in places if place.what)
        yield Hole(file, line, metric, what, len(places))


def bit_ranges(bits: Iterable[tuple[str, str]]) -> str:
    """Return names of bits, neighbours with one remark as a range: ``a[7:4], b never falls``."""
    names: dict[tuple[str, str], list[int]] = {}
    for bit, remark in bits:
        match = _BIT.fullmatch(bit)
        numbers = names.setdefault((match[1] if match else bit, remark), [])
        if match:
            numbers.append(int(match[2]))
    told = []
    for (name, remark), numbers in names.items():
        told += [f"{name}{part}{remark}" for part in _ranges(sorted(numbers))] or [name + remark]
    return ", ".join(told)


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    first = 0
    for place, number in enumerate(numbers):
        if place + 1 == len(numbers) or numbers[place + 1] != number + 1:
            low = numbers[first]
            yield f"[{number}:{low}]" if low != number else f"[{low}]"
            first = place + 1


def read_folders(folders: Iterable[Path], blocks: Sequence[str] = ()) -> HdlCoverage:
    """Return what runs have collected in folders, see :mod:`corewright.flow.coverage_data`.

    Raises:
        FlowInputError: a folder is none or holds no data, or data are damaged.
    """
    merger = Merger()
    for folder in folders:
        if not folder.is_dir():
            raise FlowInputError(f"'{folder}' is no folder, legal is one that runs added to")
        files = sorted(folder.glob("*.dat"))
        if not files:
            raise FlowInputError(f"'{folder}' has no coverage (*.dat), legal is one with some")
        for file in files:
            merger.add(read_data(file))
    return merger.result(blocks)
