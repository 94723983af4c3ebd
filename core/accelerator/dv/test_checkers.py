# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Each rule of the bench's protocol checkers is broken once, and its own assertion says so."""

from pathlib import Path

import pytest

from corewright.testing.cocotb_runner import must_fail, run_cocotb

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


def _model(checker: str) -> tuple[str, str, list[Path], dict[str, int]]:
    """Top, bench, sources and parameters."""
    parameters = {} if checker == "cw_axil_checker" else {"MaxBurst": 16}
    return checker, "tb_checkers", [FOLDER / f"{checker}.sv"], parameters


@pytest.mark.parametrize(
    "checker", ["cw_axi_read_checker", "cw_axi_write_checker", "cw_axil_checker"]
)
def test_legal_traffic_passes(checker: str):
    run_cocotb(*_model(checker), bench_options={"fault": "none"})


@pytest.mark.parametrize(("checker", "fault", "assertion"), CASES)
def test_broken_rule_is_reported(checker: str, fault: str, assertion: str, tmp_path: Path):
    options = {"fault": fault}
    must_fail(*_model(checker), tmp_path, match=rf"\.{assertion}\b", bench_options=options)
