# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A run's report: its page, its JUnit XML, failures by signature."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from corewright.files import UnreadableFileError
from corewright.regress import CaseResult, Report, all_suites, html_report, junit_report
from corewright.regress.html import coverage_section, trend_section
from corewright.regress.junit import read_junit
from corewright.regress.tests import faults
from corewright.regress.triage import buckets, log_excerpt

PROVENANCE = {
    "commit": "0123456789abcdef+",
    "date": "2026-11-27T11:19:44+00:00",
    "verilator": "Verilator 5.048",
    "fusesoc": None,
}


def report(tmp_path: Path | None = None) -> Report:
    """A run of seven cases, of which three passed, and two that did not run."""
    passed = CaseResult("misbehaving", 3, 0, "passed", bins=("case:even",), seconds=1.5)
    detail = "tensor a & b\x00\x1b[1m"
    if tmp_path is not None:
        log = tmp_path / "run.log"
        log.write_text("\n".join(f"line {number}" for number in range(100)))
        detail += f"\nlog: {log}"
    failed = replace(
        passed, index=3, verdict="failed", signature="mismatch in <Conv>", detail=detail
    )
    cycles = {"simulated_cycles": 1_250_000, "waves": "waves<1>.fst"}
    results = (
        passed,
        replace(passed, index=1, seconds=9.25, summary={"simulated_cycles": 1000}),
        replace(passed, index=2),
        replace(failed, summary=cycles),
        replace(failed, index=4, verdict="error", signature="crash: SIGSEGV", detail=""),
        replace(failed, index=5),
        replace(failed, index=6, seconds=0.25),
    )
    return Report(faults.MISBEHAVING, 3, results, 20.0, not_run=2)


# ------------------------------------------------------------------------------------ the page

VOID = {"meta", "br", "hr", "img", "input", "link", "rect", "circle", "line", "path"}


class WellFormed(HTMLParser):
    """Elements that are opened and closed in order, and what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.wrong: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href", "xmlns")]
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names) or any("<" in (value or "") for _, value in attrs):
            self.wrong.append(f"attributes of {tag}: {attrs}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def parsed(page: str) -> WellFormed:
    checker = WellFormed()
    checker.feed(page)
    checker.close()
    assert not checker.wrong and not checker.open, (checker.wrong, checker.open)
    assert not checker.links and "script" not in checker.seen and "http" not in page
    return checker


HISTORY = [
    {"suite": "x<y", "date": f"2026-11-0{n}", "commit": "abc", "passed": 9, "failed": n, "rate": 5}
    for n in (0, 1)
]


def test_page_is_whole_and_needs_no_other_file(tmp_path: Path) -> None:
    page = html_report(report(tmp_path), provenance=PROVENANCE, history=HISTORY)
    checker = parsed(page)
    assert checker.seen.count("html") == checker.seen.count("h1") == 1
    assert 'name="viewport"' in page and "<Conv>" not in page
    text = "\n".join(checker.text)
    for part in (
        *("mismatch in <Conv>", "crash: SIGSEGV", "tensor a & b", "waves<1>.fst", "line 99"),
        *("0123456789abcdef (with uncommitted changes)", "Verilator 5.048", "not there"),
        *("1,251,000", "x<y", "interrupted, 2 cases did not run"),
    ):
        assert part in text, part
    assert "line 1\n" not in text
    for failure in report().failures:
        assert str(failure.id) in text
    assert "./cw regress misbehaving --replay misbehaving-3-3" in text


def test_verdict_and_failures_come_first() -> None:
    page = html_report(report(), provenance=PROVENANCE)
    order = ["failed: 3 failed and 1 errors of 7 cases", "Failures by", "Measured", "Coverage"]
    places = [page.index(part) for part in order]
    assert places == sorted(places)
    good = replace(report(), results=report().results[:3], not_run=0)
    page = html_report(good)
    parsed(page)
    assert "passed: all 3 cases" in page and "Failures by" not in page


def test_slowest_cases_are_named_in_order() -> None:
    page = html_report(report())
    slowest = page[page.index("Slowest cases") :]
    assert slowest.index("misbehaving-3-1") < slowest.index("misbehaving-3-0")
    assert "9.25" in slowest


def test_numbers_of_bins_cannot_be_taken_for_their_names() -> None:
    coverage = {
        "line": 0.98,
        "branch": {"share": 0.951, "points": 20},
        "toggle": None,
        "functional": 0.75,
        "bins": {"stride": {"1": 12, "2": 1, "3 or more": 0}, "batch": {"1": 5}},
    }
    text = "".join(coverage_section(coverage))
    cells = dict(re.findall(r'class="bin">([^<]*)</span><span class="cases">([^<]*)</span>', text))
    assert cells == {"1": "5 cases", "2": "1 case", "3 or more": "never"}
    assert "98.0 %" in text and "95.1 %" in text and "not measured" in text
    assert "3 of 4 hit" in text and text.index("Never hit") < text.index("all bins")


def test_trend_shows_a_single_failure() -> None:
    text = "".join(trend_section(HISTORY))
    heights = re.findall(r'class="bad"[^>]*height="([\d.]+)"', text)
    assert [float(height) > 0 for height in heights] == [False, True]
    assert text.index("2026-11-01", text.index("<table>")) < text.index(
        "2026-11-00", text.index("<table>")
    )
    assert not list(trend_section([]))


# ------------------------------------------------------------------------------------ JUnit

# Of the schema that Jenkins reads: attributes that there are, elements that may stand within.
ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {
        *("name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"),
    },
    "properties": set[str](),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
}
WITHIN = {
    "testsuites": ("testsuite",),
    "testsuite": ("properties", "testcase"),
    "properties": ("property",),
    "testcase": ("failure", "error", "skipped"),
}


def check_schema(element: ElementTree.Element) -> None:
    """The rules of the schema, for an element and those within."""
    assert set(element.attrib) == ATTRIBUTES[element.tag]
    order = WITHIN.get(element.tag, ())
    children = [child.tag for child in element]
    assert set(children) <= set(order)
    assert children == sorted(children, key=order.index)
    if element.tag == "testcase":
        assert len(children) <= 1
    if element.tag == "testsuite":
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.attrib["timestamp"])
        for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.attrib[kind]) == len(element.findall(f"testcase/{tag}"))
        assert int(element.attrib["tests"]) == len(element.findall("testcase"))
        times = sum(float(case.attrib["time"]) for case in element.findall("testcase"))
        assert float(element.attrib["time"]) == pytest.approx(times)
    for child in element:
        check_schema(child)


def test_junit_follows_the_schema(tmp_path: Path) -> None:
    text = junit_report(report(), PROVENANCE)
    root = ElementTree.fromstring(text.encode())
    check_schema(root)
    suite = root[0]
    names = {case.attrib["name"] for case in suite.findall("testcase")}
    assert {str(result.id) for result in report().results} < names
    properties = {p.attrib["name"]: p.attrib["value"] for p in suite.iter("property")}
    assert properties["seed"] == "3" and properties["commit"] == PROVENANCE["commit"]
    (failure,) = suite.findall("testcase[@name='misbehaving-3-3']/failure")
    # What XML cannot hold is replaced.
    assert failure.text and "tensor a & b\ufffd\ufffd[1m" in failure.text
    assert "--replay misbehaving-3-3" in failure.text

    path = tmp_path / "junit.xml"
    path.write_text(text, encoding="utf-8")
    tests = read_junit(path)
    assert tests.passed == 3 and len(tests.failed) == 4 and len(tests.skipped) == 2
    name = "corewright.regress.misbehaving::misbehaving-3-3"
    assert tests.failed[name] == "mismatch in <Conv>" and tests.seconds[name] == 1.5


def test_what_is_no_junit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    for text in ("", "<a>", "<a><testcase name='x' time='soon'/></a>"):
        path.write_text(text)
        with pytest.raises(UnreadableFileError):
            read_junit(path)
    with pytest.raises(FileNotFoundError):
        read_junit(tmp_path / "none")


# ------------------------------------------------------------------------------------ buckets


def test_buckets_hold_all_failures_the_most_frequent_first(tmp_path: Path) -> None:
    found = buckets(report(tmp_path).failures)
    assert [(b.signature, len(b.results)) for b in found] == [
        ("mismatch in <Conv>", 3),
        ("crash: SIGSEGV", 1),
    ]
    values: dict[str, Any] = found[0].to_dict()
    assert (values["failed"], values["errors"], values["count"]) == (3, 0, 3)
    assert values["shrink"] == "./cw regress misbehaving --shrink misbehaving-3-3"
    assert values["log"].splitlines()[-1] == "line 99" and len(values["log"].splitlines()) == 25
    # Only where it can be done.
    assert [bucket["shrink"] for bucket in report().to_dict()["buckets"]] == [None, None]
    shown = replace(report(), suite=all_suites()["graphs"])
    assert all(
        bucket["shrink"]
        for bucket in replace(shown, results=_covering_nothing(shown)).to_dict()["buckets"]
    )


def _covering_nothing(shown: Report) -> tuple[CaseResult, ...]:
    return tuple(replace(result, bins=()) for result in shown.results)


def test_a_log_that_is_not_here_is_no_excerpt(tmp_path: Path) -> None:
    assert log_excerpt(f"wrong\nlog: {tmp_path / 'none'}") == "" == log_excerpt("wrong")
