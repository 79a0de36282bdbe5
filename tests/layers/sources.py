"""The source tree as syntax trees, for rules that an import graph cannot see."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE_ROOTS = ("hosts", "shared")


@dataclass(frozen=True, slots=True)
class Module:
    """`name` is as it is imported; `tree` is its syntax."""

    name: str
    tree: ast.Module


def modules(*packages: str) -> Iterator[Module]:
    """All modules of ours, or those of the named packages."""
    for source_root in SOURCE_ROOTS:
        base = ROOT / source_root
        for path in sorted(base.rglob("*.py")):
            name = ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")
            if not packages or any(name == package or name.startswith(f"{package}.") for package in packages):
                yield Module(name, ast.parse(path.read_text("utf-8")))


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, at any depth of the code; `from a import b` is a.b as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
