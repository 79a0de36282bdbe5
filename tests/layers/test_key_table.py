"""Only auth reads the key table: nobody else touches a store's `.keys`, or its type.

The import contract cannot see this, because every host holds a store.
"""

from __future__ import annotations

import ast

import pytest
from tests.layers.sources import imports, modules

ALLOWED = ("mailkeep.auth", "mailkeep.storage")
KEY_TYPES = {"mailkeep.storage.interface.Keys", "mailkeep.storage.interface.StoredKey"}


METHODS = {"by_prefix", "hash_of", "with_user", "revoke", "touch"}
"""Of storage.interface.Keys, and of nothing else named keys."""


def touches_of_keys(tree: ast.Module) -> list[int]:
    """Lines with `store.keys`, `anything.store.keys` or `anything.keys.by_prefix` and its like."""
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_touch(node)]


def _is_touch(node: ast.Attribute) -> bool:
    if node.attr == "keys":
        return _name(node.value).lstrip("_") == "store"
    return node.attr in METHODS and isinstance(node.value, ast.Attribute) and node.value.attr == "keys"


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def outsiders():
    return [module for module in modules() if not module.name.startswith(ALLOWED)]


def test_there_are_outsiders_to_look_at():
    names = {module.name for module in outsiders()}
    assert {"mailkeep_cli.keys", "mailkeep.settings", "mailkeep.sasl.plain"} <= names


@pytest.mark.parametrize("module", outsiders(), ids=lambda module: module.name)
def test_nobody_else_touches_the_keys_of_a_store(module):
    assert touches_of_keys(module.tree) == []
    assert [line for line, name in imports(module.tree) if name in KEY_TYPES] == []


@pytest.mark.parametrize(
    "source",
    ["await store.keys.get(key_id)", "keys = self._store.keys", "f(store.keys)", "self.s.keys.by_prefix(p)"],
)
def test_the_rule_sees_a_breach(source):
    assert touches_of_keys(ast.parse(source)) == [1]


@pytest.mark.parametrize("source", ["mapping.keys()", "keys()", "import mailkeep_cli.keys", "search.keys"])
def test_the_rule_lets_mappings_be(source):
    assert touches_of_keys(ast.parse(source)) == []
