# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What the documentation says exists: commands, options, files, cores, targets, Python names.

Only what can be decided is judged: a word of code counts as a path where its first part is a folder
of the tree or of the page's folder, and capitals (``DIR``, ``NAME``) stand for something else.
"""

from __future__ import annotations

import argparse
import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from corewright.cli.main import build_parser
from source_tree import ROOT, load_core, source_files

_FENCED = re.compile(r"^(```|~~~)[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)(?: {4}[^\n]*\n+)+")
_SPAN = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"(?<![\w/])(?:\.\./)*(?:\./)?cw (?=[a-z])([a-z]+)((?: [^\n#]*)?)")
# In running text a verb may follow: only what is marked as code, or ends a sentence's part, counts.
_EXPLICIT = re.compile(r"(?:`|^\s*|[\"'] ?|: |\+ |=\()\./cw ([a-z]+)\b", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_PATH = re.compile(r"(?<![\w.:/<{$@%+=-])(?:\.{1,2}/)*[\w.*-]+(?:/[\w.*-]+)+/?(?![\w/<{(*])")
_FILE = re.compile(r"^[\w-]+\.(?:sv|v|py|core|cpp|c|sby|in)$")
_CORE = re.compile(r"\bcorewright:[a-z_]+:[a-z0-9_]+(?::[\d.]+)?\b")
_TARGET = re.compile(r"--target[ =](\w+)\b[^\n]*?(corewright:[a-z_]+:[a-z0-9_]+)\b")
_IMPORT = re.compile(r"^\s*(from corewright[\w.]* import [\w*, ]+|import corewright[\w.]*)", re.M)
_DOTTED = re.compile(r"^(corewright(?:\.(?!(?:bit|hwh|xsa)\b)\w+)+)(?:\(.*\))?$")
# Made by tools, at the place that the text names.
_GENERATED = frozenset({"build", ".venv"})
# Examples of names, of files that users or tools make.
_EXAMPLES = re.compile(r"[A-Z]{2,}|\bx\.core$|(?:^|_)x\.(?:py|sv)$")
# Modules, tests and assertions; those that are generated are the generator's README's business.
_IDENTIFIER = re.compile(r"^(?:(?:test|tb|cw)_\w+|\w+_A)$")
_GENERATED_NAME = re.compile(r"_[0-9a-f]{8}$")
_DATA = frozenset({".md", ".json", ".npz", ".h5", ".cwgraph"})


def code_of(text: str) -> list[str]:
    """Return the code of a Markdown text: fenced and indented blocks, and spans."""
    blocks = [match[2] for match in _FENCED.finditer(text)]
    prose = _FENCED.sub("\n", text)
    blocks += _INDENTED.findall(prose)
    return blocks + _SPAN.findall(_INDENTED.sub("\n", prose))


def false_claims(page: Path, text: str) -> list[str]:
    """Return what a Markdown page names and is not there, each as one line."""
    found: list[str] = []
    for code in code_of(text):
        plain = code.replace("\\|", "|")
        found += _false_commands(plain)
        found += _false_cores(plain)
        found += [path for path in _paths(plain) if not _path_exists(page, path)]
        found += _false_names(plain)
        if _IDENTIFIER.match(plain) and not _GENERATED_NAME.search(plain):
            found += [plain] if plain not in _identifiers() else []
    return sorted(set(found))


def false_commands(text: str) -> list[str]:
    """Return the commands that any other file names as ``./cw COMMAND`` and are not there."""
    names = [name for name in _EXPLICIT.findall(text) if name not in commands()]
    return sorted({f"./cw {name}" for name in names})


@functools.cache
def commands() -> dict[str, frozenset[str] | None]:
    """Return the commands of ``./cw`` with their options; None where another program has them."""
    (action,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    result: dict[str, frozenset[str] | None] = {}
    for name, parser in action.choices.items():
        handed_on = any(a.nargs == argparse.REMAINDER for a in parser._actions)
        options = {option for a in parser._actions for option in a.option_strings}
        result[name] = None if handed_on else frozenset(options)
    return result


def _false_commands(code: str) -> Iterator[str]:
    for match in _COMMAND.finditer(code):
        name, rest = match[1], match[2]
        if name not in commands():
            yield f"./cw {name}"
            continue
        options = commands()[name]
        if options is not None:
            for option in _OPTION.findall(rest):
                if option not in options:
                    yield f"./cw {name} {option}"


@functools.cache
def _cores() -> dict[str, frozenset[str]]:
    """Return the targets of each core, by its name without the version."""
    cores = {}
    for path in source_files(".core"):
        contents = load_core(path)
        name = contents["name"].rpartition(":")[0]
        cores[name] = frozenset(contents.get("targets", {}))
        for virtual in contents.get("virtual", ()):
            cores[":".join(virtual.split(":")[:3])] = frozenset({"default"})
    return cores


def _false_cores(code: str) -> Iterator[str]:
    for core in _CORE.findall(code):
        if ":".join(core.split(":")[:3]) not in _cores():
            yield core
    for target, core in _TARGET.findall(code):
        if core in _cores() and target not in _cores()[core]:
            yield f"{core} --target {target}"


def _paths(code: str) -> Iterator[str]:
    for line in code.splitlines():
        yield from (word.rstrip(".") for word in _PATH.findall(line))
    if _FILE.match(code):
        yield code


@functools.cache
def _identifiers() -> frozenset[str]:
    """Return the words of all sources, and the files' names without their suffix."""
    words: set[str] = set()
    for path in source_files():
        words.add(path.stem)
        # Its test plants what is not there.
        if path.suffix not in _DATA and path.name != "test_docs.py":
            text = path.read_text(encoding="utf-8", errors="replace")
            words.update(re.findall(r"\w+", text))
    return frozenset(words)


@functools.cache
def _file_names() -> frozenset[str]:
    return frozenset(path.name for path in source_files())


def _path_exists(page: Path, path: str) -> bool:
    if _EXAMPLES.search(path):
        return True
    if "/" not in path:
        return path in _file_names()
    parts = path.strip("/").split("/")
    if parts[0] == ".":
        parts = parts[1:]
    if not parts or parts[0] in _GENERATED:
        return True
    # A command that begins with `cd` names the tree's files from a folder below the root.
    below_root = [part for part in parts if part != ".."]
    if below_root and len(below_root) < len(parts) and (ROOT / below_root[0]).exists():
        parts = below_root
    places = [place for place in (ROOT, page.parent) if (place / parts[0]).is_dir()]
    # Of nothing that is here: a path in a work root, an address, an alternative.
    return not places or any(list(place.glob("/".join(parts))) for place in places)


def _false_names(code: str) -> Iterator[str]:
    for statement in _IMPORT.findall(code):
        words = statement.split()
        names = [word.strip(",") for word in words[3:]] if words[0] == "from" else []
        for name in ["", *names]:
            if name != "*" and not _is_name(words[1], name):
                yield f"{words[1]}.{name}".rstrip(".")
    dotted = _DOTTED.match(code)
    if dotted:
        module, _, name = dotted[1].rpartition(".")
        # A method, or an attribute of a class, counts as the class.
        if not _is_name(module, ""):
            module, _, name = module.rpartition(".")
        if not _is_name(dotted[1], "") and not _is_name(module, name):
            yield dotted[1]


def _is_name(module: str, name: str) -> bool:
    """Whether there is a module, and in it a name; decided without importing it."""
    base = ROOT.joinpath("sw", *module.split("."))
    source = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not source.is_file():
        return False
    if not name or (base / name).is_dir() or (base / f"{name}.py").is_file():
        return True
    return name in _names_of(source)


@functools.cache
def _names_of(source: Path) -> frozenset[str]:
    # Also texts: names that are imported when they are used stand in tables.
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
    return frozenset(names)
