# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""examples/two_accelerators, copied out of the tree: both compute at the same time, bit-exactly."""

import json
import shutil
from pathlib import Path

from corewright.environment import repository_root
from corewright.testing.fusesoc import run_command, run_target

EXAMPLE = Path(__file__).parent / "two_accelerators"


def test_both_are_bit_exact_and_one_wrong_integer_is_found(tmp_path: Path):
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("build", "__pycache__"))
    config = project / "fusesoc.conf"
    text = config.read_text(encoding="utf-8")
    assert text.count("= ../../") == 2
    config.write_text(text.replace("= ../../", f"= {repository_root()}/"), encoding="utf-8")
    core = "example:soc:two_accelerators"
    status, output = run_target(core, "sim", project, config=config)
    assert status == 0, output
    assert "PASS=1 FAIL=0" in output
    # Images x heights x widths x channels.
    assert "wide: equal integers by layer: {'conv': 2048, 'pool': 512, 'fc': 40}" in output
    assert "narrow: equal integers by layer: {'fc1': 288, 'fc2': 72}" in output

    # The last integer of the last run of one of the two: all lanes of its output are images.
    (work_root,) = project.glob("build/*/sim")
    vectors = work_root / "vectors" / "example_narrow"
    info = json.loads((vectors / "info.json").read_text(encoding="utf-8"))
    expected = bytearray((vectors / "expected.bin").read_bytes())
    last = (info["runs"] - 1) * info["arena_bytes"] + info["output"]["offset"]
    expected[last + info["output"]["bytes"] - 1] ^= 0x10
    (vectors / "expected.bin").write_bytes(expected)
    status, output = run_command(["make", "run"], work_root)
    assert status != 0
    assert "narrow: run 2, fc2: 1 of 24 integers differ, first at (7, 0, 0, 2): expected" in output
