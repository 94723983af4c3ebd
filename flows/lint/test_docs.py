# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""Links between the Markdown files of the tree lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from source_tree import relative, source_files

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
