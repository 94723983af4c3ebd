# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Coverage of the RTL: Verilator's files, what is merged, what does not count, and the reports."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from corewright.cli.main import main
from corewright.environment import repository_root
from corewright.files import OutputError
from corewright.flow import FlowInputError
from corewright.flow.coverage_data import (
    COVERAGE_VARIABLE,
    Data,
    Point,
    collect,
    digests,
    hdl_sources,
    read_data,
    write_data,
)
from corewright.regress import LocalScheduler, Report, all_suites, html_report, run_suite
from corewright.regress.hdl_coverage import (
    EXCLUDED_AT_MOST,
    METRICS,
    Merger,
    Tally,
    bit_ranges,
    check_lines,
    line_numbers,
    read_exclusions,
    read_folders,
)
from corewright.regress.html import coverage_page
from corewright.testing.cocotb_runner import run_cocotb, sources_of

FIFO = "ip/axis_fifo/rtl/cw_axis_fifo.sv"
BLOCK = """\
module cw_x (
    input  logic clk_i,
    output logic [7:0] count_q
);
  always_ff @(posedge clk_i) begin
    if (count_q == 8'd9) count_q <= '0;  // a < b & "c"
    else if (count_q > 8'd20) count_q <= 8'd1;
    else count_q <= count_q + 8'd1;
  end
`ifndef SYNTHESIS
  initial if (Width < 1) $fatal(1, "Width");
`endif
endmodule
"""
COUNT_LINE, IF_LINE, ELSIF_LINE, ELSE_LINE, CHECK_LINE = 3, 6, 7, 8, 11


def text_of(*points: tuple[str, int]) -> str:
    """A file as Verilator writes it; fields are joined by |, names and values by =."""
    lines = ["# SystemC::Coverage-3"]
    for fields, count in points:
        pairs = [pair.split("=", 1) for pair in fields.split("|")]
        lines.append(f"C '{''.join(f'{chr(1)}{k}{chr(2)}{v}' for k, v in pairs)}' {count}")
    return "\n".join(lines) + "\n"


def point(line: int, kind: str, what: str, lines: str = "", column: int = 5) -> Point:
    return Point("ip/x/rtl/cw_x.sv", line, column, kind, what, lines)


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    (tmp_path / "ip/x/rtl").mkdir(parents=True)
    (tmp_path / "ip/x/dv").mkdir()
    (tmp_path / "ip/x/rtl/cw_x.sv").write_text(BLOCK)
    (tmp_path / "ip/x/rtl/cw_y.sv").write_text("module cw_y;\nendmodule\n")
    (tmp_path / "ip/x/rtl/cw_x_pkg.sv").write_text("package cw_x_pkg;\nendpackage\n")
    (tmp_path / "ip/x/dv/cw_model.sv").write_text("module cw_model;\nendmodule\n")
    return tmp_path


def data_of(tree: Path, counts: dict[Point, int]) -> Data:
    return Data(dict(digests(tree)), counts)


def exclude(tree: Path, **changes: str) -> None:
    entry = {
        "file": "rtl/cw_x.sv",
        "metric": "branch",
        "text": "else if (count_q > 8'd20)",
        "reason": "counts end at 9",
        **changes,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in entry.items() if value != "left out"]
    (tree / "ip/x/dv/coverage.toml").write_text("[[exclusion]]\n" + "\n".join(lines) + "\n")


# -------------------------------------------------------------------------------- the format


def test_a_file_of_verilator_is_read_and_instances_add_up(tmp_path: Path) -> None:
    file = tmp_path / "coverage.dat"
    branch = "f=/a/cw_x.sv|l=41|n=15|t=branch|page=v_branch/cw_x__D4|o=else|h=TOP.a"
    file.write_text(
        text_of(
            (branch, 3),
            (branch.replace("__D4", "__D5"), 4),
            ("f=/a/cw_x.sv|l=36|n=3|t=line|page=v_line/cw_x|o=block|S=36-38,40|h=cw_x", 0),
        )
    )
    data = read_data(file)
    assert data.sources == {}
    assert data.counts == {
        Point("/a/cw_x.sv", 41, 15, "branch", "else", ""): 7,
        Point("/a/cw_x.sv", 36, 3, "line", "block", "36-38,40"): 0,
    }
    assert list(line_numbers("36-38,40")) == [36, 37, 38, 40]
    again = tmp_path / "again.dat"
    write_data(again, replace_sources(data))
    assert read_data(again) == replace_sources(data)


def replace_sources(data: Data) -> Data:
    return data._replace(sources={"ip/x/rtl/cw_x.sv": "0" * 64})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "its first line is"),
        ("# SystemC::Coverage-2\n", "legal is '# SystemC::Coverage-3'"),
        ("# SystemC::Coverage-3\nC 'x' 1\n", "line 2"),
        ("# SystemC::Coverage-3\nC '\1f\2a.sv\1l\2x\1t\2line\1o\2if' 1\n", "line 2"),
        ("# SystemC::Coverage-3\nC '\1f\2a.sv\1l\0021\1t\2line\1o\2if' 1\nC '\1f\2a", "line 3"),
        ("# SystemC::Coverage-3\nC '\1f\2a.sv\1l\0021\1t\2line\1o\2if' 1", "ends within a line"),
    ],
)
def test_what_is_no_coverage_is_refused(content: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "coverage.dat"
    file.write_text(content)
    with pytest.raises(FlowInputError, match=told):
        read_data(file)
    with pytest.raises(FlowInputError, match="cannot be read"):
        read_data(tmp_path / "none.dat")


def test_runs_add_up_whatever_their_model_calls_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "counts"
    monkeypatch.setenv(COVERAGE_VARIABLE, str(folder))
    fusesoc = "src/corewright_ip_axis_fifo_0.1.0/rtl/cw_axis_fifo.sv"
    model = tmp_path / "8x6-abc"
    (model / fusesoc).parent.mkdir(parents=True)
    (model / fusesoc).write_bytes((repository_root() / FIFO).read_bytes())
    copy = tmp_path / "cw_axis_fifo.sv"
    written = tmp_path / "coverage.dat"
    for name in (fusesoc, fusesoc, str(repository_root() / FIFO)):
        written.write_text(
            text_of(
                (f"f={name}|l=41|n=15|t=branch|page=v_branch/a|o=else|h=a", 2),
                ("f=dv/cw_bench.sv|l=1|n=1|t=line|page=v_line/b|o=block|S=1|h=b", 1),
                (f"f={copy}|l=1|n=1|t=line|page=v_line/b|o=block|S=1|h=b", 1),
            )
        )
        collect(written, model)
        assert not written.exists()
    (file,) = folder.glob("*.dat")
    assert file.name == "8x6-abc.dat"
    assert read_data(file) == Data(
        {FIFO: dict(digests())[FIFO]}, {Point(FIFO, 41, 15, "branch", "else", ""): 6}
    )


def test_a_folder_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text(text_of())
    monkeypatch.setenv(COVERAGE_VARIABLE, str(file))
    with pytest.raises(FlowInputError, match="a file, legal is a folder"):
        collect(file, tmp_path)
    monkeypatch.setenv(COVERAGE_VARIABLE, "/proc/nowhere")
    with pytest.raises(OutputError, match=COVERAGE_VARIABLE):
        collect(file, tmp_path)
    monkeypatch.delenv(COVERAGE_VARIABLE)
    with pytest.raises(FlowInputError, match="not set"):
        collect(file, tmp_path)
    for folder, told in ((tmp_path / "none", "is no folder"), (tmp_path, "has no coverage")):
        with pytest.raises(FlowInputError, match=told):
            read_folders([folder])


def test_sources_are_unique_by_what_models_call_them() -> None:
    names = [name.rpartition("/rtl/")[2] for name in hdl_sources()]
    assert len(names) == len(set(names)) > 25


# ------------------------------------------------------------------------------------ what counts


def test_any_parameterisation_covers_a_line_and_any_instances_a_bit(tree: Path) -> None:
    merger = Merger(tree)
    small = {
        point(5, "line", "block", "5"): 9,
        point(IF_LINE, "line", "elsif", str(IF_LINE)): 0,
        point(ELSIF_LINE, "line", "if", str(ELSIF_LINE)): 0,
        point(ELSIF_LINE, "line", "else", str(ELSE_LINE), 6): 5,
        point(COUNT_LINE, "toggle", "count_q[0]:0->1"): 1,
        point(COUNT_LINE, "toggle", "count_q[0]:1->0"): 0,
        point(COUNT_LINE, "toggle", "count_q[1]:0->1"): 1,
        point(COUNT_LINE, "toggle", "count_q[1]:1->0"): 0,
    }
    large = {
        point(IF_LINE, "line", "elsif", str(IF_LINE)): 2,
        point(ELSIF_LINE, "line", "if", str(ELSIF_LINE)): 0,
        point(COUNT_LINE, "toggle", "count_q[0]:1->0"): 1,
        point(COUNT_LINE, "toggle", "count_q[7]:0->1"): 0,
        point(COUNT_LINE, "toggle", "count_q[7]:1->0"): 0,
        point(COUNT_LINE, "toggle", "count_q[6]:0->1"): 0,
        point(COUNT_LINE, "toggle", "count_q[6]:1->0"): 0,
        point(COUNT_LINE, "user", "anything"): 0,
    }
    merger.add(data_of(tree, small))
    alone = merger.result().total
    assert [alone[name].covered for name in METRICS] == [3, 1, 0]
    merger.add(data_of(tree, large))
    found = merger.result()
    assert found.total == {
        # Line 7 was evaluated: its else was taken.
        "line": Tally(4, 4),
        "branch": Tally(2, 3),
        "toggle": Tally(1, 4),
    }
    assert [(hole.line, hole.metric, hole.what, hole.points) for hole in found.holes] == [
        (COUNT_LINE, "toggle", "count_q[1] never falls, count_q[7:6]", 3),
        (ELSIF_LINE, "branch", "if", 1),
    ]
    assert found.not_compiled == ["ip/x/rtl/cw_y.sv"]
    assert any("branch coverage is 66.67 %" in told for told in found.shortcomings)
    assert json.loads(json.dumps(found.to_dict()))["blocks"]["ip/x"]["toggle"]["share"] == 0.25


def test_checks_for_simulation_do_not_count(tree: Path) -> None:
    assert check_lines(BLOCK) == {10, 11, 12}
    merger = Merger(tree)
    merger.add(
        data_of(
            tree,
            {
                point(CHECK_LINE, "branch", "if", str(CHECK_LINE)): 0,
                point(CHECK_LINE, "toggle", "seen_q:0->1"): 0,
                point(8, "line", "block", f"8,{CHECK_LINE}"): 1,
            },
        )
    )
    total = merger.result().total
    assert total == {"line": Tally(1, 1), "branch": Tally(0, 0), "toggle": Tally(0, 0)}
    assert total["branch"].share is None


def test_what_was_measured_on_another_text_is_left_out(tree: Path) -> None:
    data = data_of(tree, {point(8, "line", "block", "8"): 1})
    (tree / "ip/x/rtl/cw_x.sv").write_text("// a line more\n" + BLOCK)
    merger = Merger(tree)
    merger.add(data)
    found = merger.result()
    assert found.blocks == {} and found.other_sources == ["ip/x/rtl/cw_x.sv"]
    assert found.not_compiled == ["ip/x/rtl/cw_x.sv", "ip/x/rtl/cw_y.sv"]
    with pytest.raises(FlowInputError, match="no block 'ip/z', legal are ip/x"):
        merger.result(["ip/z"])


def test_an_excluded_point_does_not_count_unless_it_is_covered(tree: Path) -> None:
    exclude(tree, what="if")
    taken = {
        point(ELSIF_LINE, "line", "if", str(ELSIF_LINE)): 0,
        point(ELSIF_LINE, "line", "else", str(ELSE_LINE), 6): 0,
    }
    merger = Merger(tree)
    merger.add(data_of(tree, taken))
    found = merger.result()
    assert found.total["branch"] == Tally(0, 1, excluded=1)
    assert [(item.reason, points) for item, points in found.exclusions] == [("counts end at 9", 1)]
    assert not found.needless
    # One of two is far above what is allowed.
    assert EXCLUDED_AT_MOST == 0.02
    assert any("1 of 2 branch points are excluded" in told for told in found.shortcomings)
    merger.add(data_of(tree, {point(ELSIF_LINE, "line", "if", str(ELSIF_LINE)): 1}))
    found = merger.result()
    assert found.total["branch"] == Tally(1, 2)
    assert [points for _, points in found.needless] == [1]


def test_names_of_excluded_bits_are_globs_with_plain_brackets(tree: Path) -> None:
    exclude(tree, metric="toggle", text="count_q", what="count_q[[]7]")
    bits = {
        point(COUNT_LINE, "toggle", f"count_q[{bit}]:{way}"): 0
        for bit in (1, 7)
        for way in ("0->1", "1->0")
    }
    merger = Merger(tree)
    merger.add(data_of(tree, bits))
    assert merger.result().total["toggle"] == Tally(0, 2)
    for name, excluded in (("count_q[7]", 1), ("count_q*", 2), ("other*", 0)):
        exclude(tree, metric="toggle", text="count_q", what=name)
        assert merger.result().total["toggle"] == Tally(0, 2 - excluded, excluded)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reason": "left out"}, "exclusion 1 has file, metric, text, legal are file"),
        ({"reason": " "}, "'reason' is empty"),
        ({"lines": "7"}, "legal are file, metric"),
        ({"metric": "expression"}, "metric 'expression', legal are line, branch, toggle"),
        ({"file": "rtl/cw_z.sv"}, "cw_z.sv is none of the block's sources"),
        ({"file": "dv/cw_model.sv"}, "cw_model.sv is none of the block's sources"),
        ({"text": "count_r"}, "has no line with 'count_r'"),
    ],
)
def test_a_wrong_exclusion_is_refused(changes: dict[str, str], told: str, tree: Path) -> None:
    exclude(tree)
    assert len(read_exclusions(tree)) == 1
    exclude(tree, **changes)
    with pytest.raises(FlowInputError, match=told):
        read_exclusions(tree)


def test_files_of_exclusions_are_tables(tree: Path) -> None:
    file = tree / "ip/x/dv/coverage.toml"
    for text, told in (("a = ", "is no TOML"), ("[[waiver]]\n", "has 'waiver'")):
        file.write_text(text)
        with pytest.raises(FlowInputError, match=told):
            read_exclusions(tree)


def test_the_exclusions_of_the_tree_are_sound() -> None:
    for item in read_exclusions():
        assert len(item.reason) > 20, item


def test_bits_are_told_as_ranges() -> None:
    bits = [
        ("a[0]", ""),
        ("a[1]", ""),
        ("a[3]", ""),
        ("b", " never rises"),
        ("a[2]", " never falls"),
    ]
    assert bit_ranges(bits) == "a[1:0], a[3], b never rises, a[2] never falls"
    assert bit_ranges([("s.x[0][1]", ""), ("s.x[0][2]", ""), ("s.x[1][1]", "")]) == (
        "s.x[0][2:1], s.x[1][1]"
    )


# ------------------------------------------------------------------------------------ reports


def covered(tmp_path: Path) -> Path:
    """A folder with the counts of a few points of the FIFO."""
    folder = tmp_path / "counts"
    folder.mkdir()
    write_data(
        folder / "model.dat",
        Data(
            {FIFO: dict(digests())[FIFO]},
            {
                Point(FIFO, 41, 14, "branch", "if", "41-42"): 7,
                Point(FIFO, 41, 15, "branch", "else", ""): 0,
                Point(FIFO, 28, 9, "toggle", "count_q[2]:0->1"): 1,
                Point(FIFO, 28, 9, "toggle", "count_q[2]:1->0"): 0,
            },
        ),
    )
    return folder


def test_a_report_tells_shares_and_shows_the_lines_of_holes(tmp_path: Path) -> None:
    hdl = read_folders([covered(tmp_path)])
    report = Report(all_suites()["system"], 1, (), 0.0, hdl=hdl)
    values = json.loads(json.dumps(report.to_dict()))["coverage"]
    assert (values["line"], values["branch"], values["toggle"]) == (1.0, 0.5, 0.0)
    assert values["hdl"]["blocks"]["ip/axis_fifo"]["branch"]["covered"] == 1
    line = (repository_root() / FIFO).read_text().splitlines()[40]
    for page in (html_report(report), coverage_page(hdl)):
        assert line.strip().replace("<", "&lt;") in page
        assert "^ branch else" in page and "^ toggle count_q[2] never falls" in page
        assert "50.00 % (1 of 2)" in page and "core/engine/rtl/cw_engine.sv" in page
        assert not {"http", "<script", "src="} & set(page.split())
    without = Report(all_suites()["system"], 1, (), 0.0)
    assert without.to_dict()["coverage"]["branch"] is None
    assert "not measured" in html_report(without)


def test_the_command_reports_blocks_and_fails_only_where_goals_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(covered(tmp_path))
    files = ["--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "r.html")]
    assert main(["coverage", "ip/axis_fifo/", "--from", folder, *files]) == 0
    shown = capsys.readouterr().out
    assert "50.00 % (1 of 2)" in shown and f"{FIFO}:41: branch else" in shown
    assert json.loads((tmp_path / "r.json").read_text())["total"]["branch"]["total"] == 2
    assert "Coverage of the RTL" in (tmp_path / "r.html").read_text()
    monkeypatch.setenv(COVERAGE_VARIABLE, folder)
    assert main(["coverage", "--goals"]) == 1
    assert "in no bench that ran: " in capsys.readouterr().out
    assert main(["coverage", "ip/axis"]) == 2
    assert "there is no block 'ip/axis', legal are core/" in capsys.readouterr().err
    monkeypatch.delenv(COVERAGE_VARIABLE)
    assert main(["coverage"]) == 2
    assert f"{COVERAGE_VARIABLE}=FOLDER" in capsys.readouterr().err


def test_only_suites_that_simulate_have_coverage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["regress", "graphs", "--cases", "1", "--seed", "1", "--coverage", str(tmp_path / "c")]
    assert main(words) == 2
    assert "'graphs' simulates no RTL" in capsys.readouterr().err
    assert COVERAGE_VARIABLE not in os.environ
    file = tmp_path / "file"
    file.write_text("")
    words = ["regress", "system", "--cases", "1", "--seed", "1", "--coverage", str(file)]
    assert main(words) == 2
    assert "a file, legal is a folder" in capsys.readouterr().err


# ------------------------------------------------------------------------------------ real models


def test_a_bench_that_passes_adds_what_it_covers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(COVERAGE_VARIABLE, str(tmp_path / "counts"))
    bench = repository_root() / "ip/axis_skid/dv"
    sources = sources_of("corewright:ip:axis_skid")
    # Another clone has compiled the same text before.
    elsewhere = [Path(shutil.copy(source, tmp_path)) for source in sources]

    def run(name: str, sources: Sequence[Path] = sources) -> Tally:
        run_cocotb(
            "cw_axis_skid",
            "tb_axis_skid",
            sources,
            {"Width": 1},
            bench_folder=bench,
            test_filter=name,
        )
        return read_folders([tmp_path / "counts"], ["ip/axis_skid"]).total["branch"]

    # At full rate nothing waits in the second register: a hole, which the next run closes.
    assert run("moves_a_beat_every_cycle", elsewhere).total == 0
    first = run("moves_a_beat_every_cycle")
    assert 0 < first.covered < first.total
    assert run("beats_arrive_in_order_under_stalls") == Tally(first.total, first.total)
    own = [read_data(file).sources for file in (tmp_path / "counts").glob("*.dat")]
    assert {"ip/axis_skid/rtl/cw_axis_skid.sv"} in map(set, own)


@pytest.mark.nightly
def test_a_regression_measures_what_its_systems_cover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(COVERAGE_VARIABLE, str(tmp_path / "counts"))
    report = run_suite(all_suites()["system"], 1, range(2), LocalScheduler(1))
    assert report.passed, report.groups
    found = read_folders([tmp_path / "counts"])
    assert len(list((tmp_path / "counts").glob("*.dat"))) == 1
    assert {"core/engine", "core/accelerator", "ip/axi_dma"} <= set(found.blocks)
    share = found.total["line"].share
    assert share is not None and share > 0.8
