"""Imports point down: a module imports its own component and lower levels, nothing beside or above it.

Imports inside functions and under TYPE_CHECKING count. docs/design.md states the same table.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "carcodec"

LEVELS = {
    "errors": 0,
    "ids": 0,
    "suffixes": 0,
    "limits": 1,
    "rows": 1,
    "container": 2,
    "entropy": 2,
    "intnn": 2,
    "pixels": 2,
    "jpeg": 3,
    "descriptor": 3,
    "residual": 3,
    "datasets": 3,
    "ports": 4,
    "models": 4,
    "nn": 4,
    "modes": 5,
    "runtime": 5,
    "api": 6,
    "search": 7,
    "__init__": 8,
    "bench": 9,
    "report": 9,
    "pillow": 9,
    "train": 10,
    "cli": 11,
    "__main__": 12,
}

# Who may import what comes from outside; names not listed here are open to all.
RESTRICTED = {
    "torch": {"nn", "train", "runtime"},
    "constriction": {"entropy"},
    "lepton_jpeg_python": {"jpeg", "bench"},
    "matplotlib": {"report", "train"},
    "struct": {"container", "jpeg"},
    "click": {"cli"},
    "tqdm": {"cli", "train", "bench"},
    "PIL": {"pixels", "jpeg", "api", "pillow", "bench", "report", "train", "cli"},
}
STANDARD_LIBRARY_ONLY = {"errors", "ids", "limits", "rows", "container"}

SOURCES = sorted(PACKAGE.rglob("*.py"))


def component(source: Path) -> str:
    """Name in `LEVELS` of a source file."""
    first = source.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(source: Path) -> Iterator[str]:
    """Absolute dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inner(name: str) -> str | None:
    """Component that an imported name belongs to, None for names from outside."""
    parts = name.split(".")
    if parts[0] != "carcodec":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in LEVELS else "__init__"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(PACKAGE)))
def test_imports_point_down(source: Path) -> None:
    own = component(source)
    used = {name for name in map(inner, imports(source)) if name not in (None, own)}
    wrong = {name for name in used if LEVELS[name] >= LEVELS[own]}
    assert not wrong, f"{own} (level {LEVELS[own]}) imports {wrong}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(PACKAGE)))
def test_outside_packages_are_imported_only_where_they_belong(source: Path) -> None:
    own = component(source)
    outside = {name.split(".")[0] for name in imports(source) if inner(name) is None}
    strangers = {name for name in outside if own not in RESTRICTED.get(name, {own})}
    if own in STANDARD_LIBRARY_ONLY:
        strangers |= outside - set(sys.stdlib_module_names)
    assert not strangers, f"{own} imports {strangers}"


def test_every_component_has_a_level_and_every_level_a_component() -> None:
    assert {component(source) for source in SOURCES} == set(LEVELS)


def test_design_page_states_this_table() -> None:
    page = (ROOT / "docs" / "design.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", page, re.MULTILINE)
    assert {name: int(level) for level, name in rows} == LEVELS
