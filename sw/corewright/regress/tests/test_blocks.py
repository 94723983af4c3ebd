# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""The suites ``blocks`` and ``proofs``: what they run, and how they name what they find."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from corewright.environment import EnvironmentUnusableError, repository_root
from corewright.flow.block_benches import RANDOM, block_benches
from corewright.flow.cocotb_bench import BenchHung, BenchTestsFailed, CocotbFailure
from corewright.flow.errors import FlowError
from corewright.regress import CaseResult, Report, all_suites, execute
from corewright.regress.blocks import CASES_A_MODEL, BlockSuite, signature_of_failure
from corewright.regress.case import CheckFailed
from corewright.regress.proofs import Proof, ProofSuite, all_proofs, prove

SEED = 5
FIFO = "ip/axis_fifo/cw_axis_fifo"


class FifoSuite(BlockSuite):
    """The FIFO's bench alone, of a tree in which it may have a bug."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def benches(self):
        return tuple(block_benches(self.folder))


def test_a_round_has_every_bench_once_with_a_legal_configuration() -> None:
    suite = BlockSuite()
    count = len(suite.benches)
    for turn in range(2):
        models = [suite.model(SEED, turn * count + place) for place in range(count)]
        assert sorted(bench.name for bench, _ in models) == sorted(suite.bins)
        for bench, configuration in models:
            assert configuration.name in suite.bins[bench.name]
    order = [suite.model(SEED, group)[0].name for group in range(count)]
    assert order != [suite.model(SEED + 1, group)[0].name for group in range(count)]
    groups = [suite.group(index) for index in range(3 * CASES_A_MODEL)]
    assert groups == [group for group in (0, 1, 2) for _ in range(CASES_A_MODEL)]


def test_configurations_are_drawn_where_a_bench_allows_it() -> None:
    suite = BlockSuite()
    drawn = [suite.model(SEED, group) for group in range(4 * len(suite.benches))]
    for bench, configuration in drawn:
        assert bench.random is not None or configuration.name != RANDOM
    random = [each for bench, each in drawn if each.name == RANDOM]
    assert 0.25 < len(random) / len(drawn) < 0.75
    assert suite.model(SEED, 7) == suite.model(SEED, 7)


def test_a_case_passes_and_says_what_it_ran() -> None:
    suite = FifoSuite(repository_root() / "ip" / "axis_fifo" / "dv")
    result = execute(suite, SEED, 0)
    assert (result.verdict, result.detail) == ("passed", "")
    assert result.summary["bench"] == FIFO
    assert set(result.summary["parameters"]) == {"Width", "Depth"}
    assert result.bins == (f"{FIFO}:{result.summary['configuration']}",)
    # The same model, another seed of the bench.
    again = execute(suite, SEED, 1)
    assert again.summary["parameters"] == result.summary["parameters"]
    assert again.summary["bench_seed"] != result.summary["bench_seed"]
    report = Report(suite, SEED, (result, again), 1.0).to_dict()
    assert report["coverage"]["bins"][FIFO][result.summary["configuration"]] == 2


def test_a_bug_is_a_failure_that_names_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository_root()
    shutil.copytree(root / "ip" / "axis_fifo", tmp_path / "axis_fifo")
    suite = FifoSuite(tmp_path / "axis_fifo" / "dv")
    source = tmp_path / "axis_fifo" / "rtl" / "cw_axis_fifo.sv"
    text = source.read_text(encoding="utf-8")
    # No assertion of its own sees wrong data.
    sound = "assign m_axis_tdata = "
    assert text.count(sound) == 2
    source.write_text(text.replace(sound, f"{sound}~"), encoding="utf-8")
    monkeypatch.setattr("corewright.flow.block_benches.sources_of", lambda *_: [source])
    result = execute(suite, SEED, 0)
    assert result.verdict == "failed", result.detail
    assert result.signature == ("tb_axis_fifo: beats_arrive_in_order_and_are_counted_under_stalls")
    assert f"reproduce: {result.id.command}" in result.detail
    assert CaseResult.from_dict(result.to_dict()) == result


def test_signatures_of_other_ends() -> None:
    assert signature_of_failure("tb_x", BenchHung("no end")) == "tb_x: no end"
    log = "[12] %Error: cw_x.sv:3: Assertion failed in TOP.cw_x.u_y.PayloadStable_A: text"
    assert signature_of_failure("tb_x", CocotbFailure(log)) == "tb_x: assertion PayloadStable_A"
    failed = BenchTestsFailed("")
    failed.tests = ("moves/stall=0.5", "holds")
    assert signature_of_failure("tb_x", failed) == "tb_x: moves"
    assert signature_of_failure("tb_x", CocotbFailure("no test ran")) is None


def test_without_cocotb_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EnvironmentUnusableError, match="cocotb is not installed: pip install"):
        BlockSuite().prepare(SEED, 0)


# ------------------------------------------------------------------------------------ proofs


def test_every_task_of_every_core_is_a_case() -> None:
    suite = ProofSuite()
    files = list(repository_root().glob("*/*/dv/formal/*.sby"))
    assert len({proof.core for proof in suite.proofs}) >= len(files)
    assert suite.default_cases == len(suite.proofs) == len(set(suite.proofs)) > 40
    assert set(suite.bins) >= {"ip/axi_dma", "ip/axis_skid", "core/engine"}
    assert suite.bins["ip/axis_skid"] == ("prove", "cover")
    assert "proofs" in all_suites() and "blocks" in all_suites()


def test_a_target_formal_without_tasks_is_refused(tmp_path: Path) -> None:
    formal = tmp_path / "ip" / "x" / "dv" / "formal"
    formal.mkdir(parents=True)
    (tmp_path / "ip" / "x" / "x.core").write_text(
        'CAPI=2:\nname: "corewright:ip:x:0.1.0"\ntargets:\n  formal: {}\n', encoding="utf-8"
    )
    with pytest.raises(FlowError, match=r"not one \.sby file with tasks"):
        all_proofs(tmp_path)
    (formal / "x.sby").write_text("[tasks]\none prove\n[options]\n", encoding="utf-8")
    assert all_proofs(tmp_path) == [Proof("corewright:ip:x:0.1.0", "one")]


def test_a_counterexample_is_a_failure_that_names_the_assertion(tmp_path: Path) -> None:
    library = tmp_path / "library"
    shutil.copytree(repository_root() / "ip" / "axis_skid", library / "axis_skid")
    source = library / "axis_skid" / "rtl" / "cw_axis_skid.sv"
    core = library / "axis_skid" / "axis_skid.core"
    text = source.read_text(encoding="utf-8")
    assert "ready_q <= !skid_valid_d;" in text
    source.write_text(text.replace("ready_q <= !skid_valid_d;", "ready_q <= 1'b1;"), "utf-8")
    # A name of its own beside the tree's.
    name = core.read_text(encoding="utf-8").replace(":axis_skid:0.1.0", ":axis_skid_bug:0.1.0")
    core.write_text(name, encoding="utf-8")
    proof = Proof("corewright:ip:axis_skid_bug:0.1.0", "prove")
    with pytest.raises(CheckFailed) as raised:
        prove(proof, tmp_path, "--cores-root", str(library))
    assert raised.value.signature.startswith("ip/axis_skid_bug prove: ")
    assert "goal" not in raised.value.signature
    assert str(tmp_path / "log") in raised.value.detail
