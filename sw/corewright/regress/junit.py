# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""A run's report as JUnit XML, and what others' JUnit XML says.

One ``testsuite`` with a ``testcase`` a case; failed checks are ``failure``, what could not be
checked is ``error``, as in the schema that Jenkins reads. Times are processor seconds.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

from corewright.files import UnreadableFileError, read_bytes, reason
from corewright.regress.report import Report

# Control characters that XML 1.0 cannot hold, in no form.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_BYTES = 64 << 20


def junit_report(report: Report, provenance: Mapping[str, Any]) -> str:
    """Return the XML of a run.

    Args:
        report: the run.
        provenance: see :func:`corewright.environment.provenance`; becomes properties.
    """
    values = report.to_dict()
    seconds = sum(result.seconds for result in report.results)
    counts = {
        "tests": str(values["cases"] + values["not_run"]),
        "failures": str(values["failed"]),
        "errors": str(values["errors"]),
        "skipped": str(values["not_run"]),
        "time": f"{seconds:.3f}",
    }
    root = ElementTree.Element("testsuites", {"name": "corewright", **counts})
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": f"regress.{report.suite.name}",
            **counts,
            # The schema's time has no zone; it is UTC.
            "timestamp": str(provenance["date"])[:19],
            "hostname": socket.gethostname(),
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    facts = {"seed": report.seed, "compile_share": values["compile_share"], **provenance}
    for name, value in facts.items():
        ElementTree.SubElement(
            properties, "property", {"name": name, "value": _text("" if value is None else value)}
        )
    classname = f"corewright.regress.{report.suite.name}"
    for result in report.results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {"classname": classname, "name": str(result.id), "time": f"{result.seconds:.3f}"},
        )
        if result.verdict != "passed":
            kind = "failure" if result.verdict == "failed" else "error"
            attributes = {"type": _text(result.signature), "message": _text(result.signature)}
            failure = ElementTree.SubElement(case, kind, attributes)
            failure.text = _text(f"{report.command_of(result)}\n{result.detail}")
    for number in range(report.not_run):
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {"classname": classname, "name": f"not run {number + 1}", "time": "0"},
        )
        ElementTree.SubElement(case, "skipped", {"message": "the run was interrupted"})
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _text(value: object) -> str:
    return _ILLEGAL.sub("\ufffd", str(value))


@dataclass(frozen=True)
class Tests:
    """What a JUnit file says.

    Attributes:
        passed: number of tests that did.
        failed: by test, ``CLASSNAME::NAME``, what went wrong, in a line.
        skipped: by test, why it did not run.
        seconds: of each test.
    """

    passed: int
    failed: dict[str, str]
    skipped: dict[str, str]
    seconds: dict[str, float]


def read_junit(path: Path) -> Tests:
    """Read a JUnit file, of pytest or of :func:`junit_report`.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFileError: it is none.
    """
    try:
        root = ElementTree.fromstring(read_bytes(path, _MOST_BYTES))
    except (ElementTree.ParseError, ExpatError) as error:
        raise UnreadableFileError(f"not XML: {reason(error)}") from error
    failed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    seconds: dict[str, float] = {}
    for case in root.iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        try:
            seconds[name] = seconds.get(name, 0.0) + float(case.get("time", "0"))
        except ValueError as error:
            raise UnreadableFileError(f"time of {name}: {reason(error)}") from error
        for child in case:
            message = " ".join((child.get("message") or child.text or child.tag).split())[:300]
            if child.tag in ("failure", "error"):
                failed[name] = message
            elif child.tag == "skipped":
                skipped[name] = message
    passed = len(set(seconds) - set(failed) - set(skipped))
    return Tests(passed, failed, skipped, seconds)
