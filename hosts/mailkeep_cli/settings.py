"""`mailkeep settings`: every setting there is, out of the tree itself and the comments beside it.

docs/settings.md is made of the same; a test holds it to what the code says.
"""

from __future__ import annotations

import inspect
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, get_args, get_type_hints

import click

from mailkeep.settings import NAMED_VARIABLES, Settings
from mailkeep_cli.output import show_rows

COLUMNS = {"setting": "SETTING", "default": "DEFAULT", "meaning": "MEANING"}
HEAD = """\
# Settings

Every host reads one tree of settings: a TOML file (`--config FILE`, or `$MAILKEEP_CONFIG`) and variables,
which win over the file. `[smtp] hostname` is `MAILKEEP_SMTP_HOSTNAME`; a list in a variable has commas, an
array of tables is JSON. Unknown names and wrong values are refused with a sentence that names them.
`mailkeep settings` shows this list.

A secret need not stand in the file: `credential:NAME` takes it from the service manager, or from
`credentials/` beside the file; `file:PATH` from any file. Settings that name a file take `credential:NAME` as
well.

This page is made from the code by `make settings`.
"""


@dataclass(frozen=True, slots=True)
class Described:
    """One setting. `values` is what it may hold, `default` as it is written in TOML."""

    section: str
    name: str
    values: str
    default: str
    meaning: str


@click.command()
@click.option("--markdown", is_flag=True, help="As docs/settings.md has it.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def settings(markdown: bool, as_json: bool) -> None:
    """List every setting, with its default and meaning.

    \b
    Examples:
      mailkeep settings | grep tls
      mailkeep settings --json
    """
    if markdown:
        click.echo(reference(), nl=False)
        return
    rows = [
        {
            "setting": f"{one.section}.{one.name}",
            "values": one.values,
            "default": one.default,
            "meaning": one.meaning,
        }
        for one in described()
    ]
    show_rows(rows, COLUMNS, as_json=as_json, empty="")


def described() -> Iterator[Described]:
    """All of them, in the tree's order; arrays of tables with their own after them."""
    for section in fields(Settings):
        yield from _of_class(section.name, _class_of(section.name))


def reference() -> str:
    """docs/settings.md."""
    parts = [HEAD]
    section = ""
    for one in described():
        if one.section != section:
            section = one.section
            title = f"[[{section}]]" if "." in section else f"[{section}]"
            parts.append(f"\n## `{title}`\n\n{_doc_of(section)}\n\n| setting | default | |\n|---|---|---|\n")
        meaning = f"{one.values}. {one.meaning}".strip() if one.meaning else f"{one.values}."
        parts.append(f"| `{one.name}` | `{one.default}` | {meaning} |\n")
    return "".join(parts)


def _of_class(section: str, kind: type) -> Iterator[Described]:
    comments = _comments(kind)
    hints = get_type_hints(kind, include_extras=True)
    tables: list[tuple[str, type]] = []
    for entry in fields(kind):
        table = _table(hints[entry.name])
        if table is not None:
            tables.append((f"{section}.{entry.name}", table))
            continue
        meaning = comments.get(entry.name, "")
        for variable, place in NAMED_VARIABLES.items():
            if place == (section, entry.name):
                meaning = f"{meaning} Also `{variable}`.".strip()
        yield Described(section, entry.name, _values(hints[entry.name]), _default(entry), meaning)
    for name, table in tables:
        yield from _of_class(name, table)


def _class_of(section: str) -> type:
    return type(getattr(Settings(), section))


def _doc_of(section: str) -> str:
    name, _, table = section.partition(".")
    kind = _class_of(name)
    if table:
        found = _table(get_type_hints(kind, include_extras=True)[table])
        assert found is not None
        kind = found
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split())


def _table(hint: Any) -> type | None:
    """The class of one table, if the setting is an array of them."""
    inner = get_args(hint)
    return inner[0] if inner and isinstance(inner[0], type) and is_dataclass(inner[0]) else None


_WORDS = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}


def _values(hint: Any) -> str:
    base = getattr(hint, "__origin__", hint)
    if base is tuple:
        return f"list of {_values(get_args(hint)[0])}"
    if isinstance(base, type) and base.__name__ in _WORDS:
        limits = [limit for meta in getattr(hint, "__metadata__", ()) for limit in _limits(meta)]
        return " ".join([_WORDS[base.__name__], *limits])
    choices = get_args(hint)
    if choices and all(isinstance(choice, str) for choice in choices):
        return "one of " + ", ".join(f"`{choice}`" for choice in choices)
    if base is dict or "Mapping" in str(base):
        return "table"
    return "text"


def _limits(meta: Any) -> Iterator[str]:
    for name, word in (("gt", "above"), ("ge", "from"), ("le", "up to")):
        if getattr(meta, name, None) is not None:
            yield f"{word} {getattr(meta, name)}"


def _default(entry: Any) -> str:
    value = None if entry.default is MISSING else entry.default
    if entry.default_factory is not MISSING:
        value = entry.default_factory()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    if isinstance(value, dict):
        return "{}"
    return "required" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


def _comments(kind: type) -> dict[str, str]:
    """Setting -> the comment behind it, or on the lines before it."""
    found: dict[str, str] = {}
    before: list[str] = []
    name = ""
    source = io.StringIO(inspect.getsource(kind)).readline
    for token in tokenize.generate_tokens(source):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("# ").strip()
            if token.line[: token.start[1]].strip():
                found[name] = _sentence([*before, text])
                before = []
            else:
                before.append(text)
        elif token.type == tokenize.NAME and _begins_field(token) and token.string != name:
            if before and name:
                found.setdefault(token.string, _sentence(before))
            before, name = [], token.string
    return found


def _begins_field(token: tokenize.TokenInfo) -> bool:
    match = re.match(r"\s+(\w+)\s*:", token.line)
    return match is not None and match[1] == token.string


def _sentence(lines: list[str]) -> str:
    text = " ".join(line for line in lines if not line.startswith("noqa")).replace("|", "\\|")
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""
