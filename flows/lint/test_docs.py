# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Links between the Markdown files lead somewhere, and what the texts name exists."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

import source_tree
from doc_claims import commands, false_claims, false_commands
from source_tree import relative, source_files

TEXTS = frozenset({".py", ".core", ".tcl", ".sv", ".v", ".c", ".h", ".cpp", ".toml", ".yaml"})
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub makes of a file's headings."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = 0
        unique = slug
        while unique in found:
            number += 1
            unique = f"{slug}-{number}"
        found.add(unique)
    return found


def broken_links(path: Path) -> list[str]:
    """Return the relative links of one file that name no file or no heading."""
    text = path.read_text(encoding="utf-8")
    prose = CODE.sub("", FENCE.sub("", text))
    broken = []
    for link in [*LINK.findall(prose), *REFERENCE.findall(prose)]:
        if SCHEME.match(link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (
            anchor
            and target.suffix == ".md"
            and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    return broken


def test_links_resolve():
    broken = {relative(path): broken_links(path) for path in source_files(".md")}
    assert broken, "the tree has no Markdown file"
    assert {name: links for name, links in broken.items() if links} == {}


def test_broken_links_are_found(tmp_path: Path):
    (tmp_path / "other.md").write_text("# One heading\n\n# One heading\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md) [b](missing.md) [c](other.md#one-heading-1) [d](other.md#absent)\n"
        "[e](https://example.org/x) [f](#here) `[g](code.md)`\n\n## Here\n\n[h]: gone.md\n",
        encoding="utf-8",
    )
    assert broken_links(page) == ["missing.md", "other.md#absent", "gone.md"]


# ----------------------------------------------------------------------------- what is named exists

# A change log speaks of what was.
HISTORY = frozenset({"CHANGELOG.md"})


def test_what_the_pages_name_is_there():
    pages = [path for path in source_files(".md") if relative(path) not in HISTORY]
    assert len(pages) > 40
    texts = {relative(path): (path, path.read_text(encoding="utf-8")) for path in pages}
    wrong = {name: false_claims(path, text) for name, (path, text) in texts.items()}
    assert {name: claims for name, claims in wrong.items() if claims} == {}


def test_commands_that_sources_name_are_there():
    wrong = {}
    for path in source_files():
        # This file plants commands that are not there.
        if (path.suffix in TEXTS or path.name == "cw") and path != Path(__file__):
            wrong[relative(path)] = false_commands(path.read_text(encoding="utf-8"))
    assert len(wrong) > 200
    assert {name: claims for name, claims in wrong.items() if claims} == {}


def test_the_wrapper_knows_no_other_commands():
    script = (source_tree.ROOT / "cw").read_text(encoding="utf-8")
    assert set(re.findall(r'"\$\{1-\}" != (\w+)', script)) <= set(commands())


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("`./cw drive`", ["./cw drive"]),
        ("    ./cw sim lenet5 --colour red\n", ["./cw sim --colour"]),
        ("| `./cw bench [NAME] [--json FILE\\|--csv FILE]` |", ["./cw bench --csv"]),
        ("`./cw test --anything -k name` `./cw shell ls --all`", []),
        ("`core/engine/rtl/cw_motor.sv`", ["core/engine/rtl/cw_motor.sv"]),
        ("`core/engine/rtl/cw_*.sv` `core/NAME/rtl` `vectors/x.bin` `build/no/thing`", []),
        ("```\n./cw test core/motor\n```\n", ["core/motor"]),
        ("`rtl/cw_motor.sv` `rtl/cw_engine.sv`", ["rtl/cw_motor.sv"]),
        ("`test_motors.py` `cw_motor.sv` `test_lint.py`", ["cw_motor.sv", "test_motors.py"]),
        ("`test_motors_turn` `test_verible`", ["test_motors_turn"]),
        ("`cw_mill` `Motor_A` `cw_engine` `PayloadStable_A`", ["Motor_A", "cw_mill"]),
        ("`corewright:core:motor` `corewright:prim:ram_1r1w`", ["corewright:core:motor"]),
        ("`--target drive corewright:ip:axi_dma`", ["corewright:ip:axi_dma --target drive"]),
        ("    from corewright import Hardware, Motor, convert\n", ["corewright.Motor"]),
        ("    import corewright.motors\n", ["corewright.motors"]),
        ("`corewright.gen.main` `corewright.gen.drive`", ["corewright.gen.drive"]),
    ],
)  # fmt: skip
def test_a_false_claim_is_found(text: str, claims: list[str]):
    assert false_claims(source_tree.ROOT / "core" / "engine" / "README.md", f"\n\n{text}") == claims


def test_a_false_command_in_a_source_is_found():
    assert false_commands('"""Run `./cw drive` or ``./cw sim``."""\n# ./cw installs\n') == [
        "./cw drive"
    ]
