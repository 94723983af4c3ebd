# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Each rule of the bench's protocol checkers is broken once, and its own assertion says so."""

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from corewright.testing.cocotb_runner import must_fail

FOLDER = Path(__file__).resolve().parent

REQUEST_RULES = {
    "valid_drops": "RequestStable_A",
    "address_changes": "RequestStable_A",
    "length_changes": "RequestStable_A",
    "wrapping_burst": "BurstIsFullWidthIncr_A",
    "narrow_burst": "BurstIsFullWidthIncr_A",
    "page_crossed": "BurstInsideOnePage_A",
    "too_long": "BurstLength_A",
    "below_window": "InsideWindow_A",
    "beyond_window": "InsideWindow_A",
    "over_the_end": "InsideWindow_A",
}
CASES = [
    *(("cw_axi_read_checker", fault, f"Read{rule}") for fault, rule in REQUEST_RULES.items()),
    ("cw_axi_read_checker", "below_other", "ReadInsideWindow_A"),
    ("cw_axi_read_checker", "beyond_other", "ReadInsideWindow_A"),
    ("cw_axi_read_checker", "over_the_other_end", "ReadInsideWindow_A"),
    ("cw_axi_read_checker", "without_run", "NoReadWithoutRun_A"),
    *(("cw_axi_write_checker", fault, f"Write{rule}") for fault, rule in REQUEST_RULES.items()),
    ("cw_axi_write_checker", "without_run", "NoWriteWithoutRun_A"),
    ("cw_axi_write_checker", "data_without_run", "NoWriteWithoutRun_A"),
    ("cw_axi_write_checker", "data_changes", "WriteDataStable_A"),
    ("cw_axi_write_checker", "data_drops", "WriteDataStable_A"),
    ("cw_axi_write_checker", "last_early", "WriteLastAgreesWithLength_A"),
    ("cw_axi_write_checker", "last_missing", "WriteLastAgreesWithLength_A"),
    ("cw_axi_write_checker", "data_without_address", "WriteLastAgreesWithLength_A"),
    ("cw_axil_checker", "response_drops", "RegisterResponseStable_A"),
    ("cw_axil_checker", "response_changes", "RegisterDataStable_A"),
    ("cw_axil_checker", "data_drops", "RegisterDataStable_A"),
    ("cw_axil_checker", "response_unasked", "RegisterResponseAsked_A"),
    ("cw_axil_checker", "data_unasked", "RegisterDataAsked_A"),
    ("cw_axil_checker", "write_error", "RegisterWriteOkay_A"),
    ("cw_axil_checker", "read_error", "RegisterReadOkay_A"),
]


# Where an assertion failed: when, and its name.
FAILED = re.compile(r"^\[(\d+)\] %Error: .* Assertion failed in \S*\.(\w+_A)\b", re.MULTILINE)
# A checker's faults, and the assertions that failed in the time of each.
Reports = dict[str, set[str]]


def _reports(folder: Path, checker: str) -> Reports:
    """Drive all faults of a checker in one run, which goes on behind assertions that fail."""
    must_fail(
        checker,
        "tb_checkers",
        [FOLDER / f"{checker}.sv"],
        {} if checker == "cw_axil_checker" else {"MaxBurst": 16},
        folder / checker,
        match="Assertion failed",
        plusargs=["+verilator+error+limit+1000"],
    )
    (run,) = (folder / checker).iterdir()
    failed = [(int(time), name) for time, name in FAILED.findall((run / "run.log").read_text())]
    times = json.loads((run / "faults.json").read_text())
    reports = {
        fault: {name for time, name in failed if first < time <= last}
        for fault, (first, last) in times.items()
    }
    assert set.union(*reports.values()) == {name for _, name in failed}
    return reports


@pytest.fixture(scope="module", name="reports")
def _reports_of_checkers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Reports]:
    return functools.cache(functools.partial(_reports, tmp_path_factory.mktemp("checkers")))


@pytest.mark.parametrize(
    "checker", ["cw_axi_read_checker", "cw_axi_write_checker", "cw_axil_checker"]
)
def test_legal_traffic_passes(checker: str, reports: Callable[[str], Reports]):
    assert reports(checker)["none"] == set()


@pytest.mark.parametrize(("checker", "fault", "assertion"), CASES)
def test_broken_rule_is_reported(
    checker: str, fault: str, assertion: str, reports: Callable[[str], Reports]
):
    assert assertion in reports(checker)[fault]
