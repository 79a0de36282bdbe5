"""The guide names what there is: sentences that are said, commands and settings that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from mailkeep_cli.main import main
from mailkeep_cli.settings import described

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [path for path in sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md")]) if path.name != "CHANGELOG.md"]
SENTENCE = re.compile(r"^\| `(.+?)` \|", re.MULTILINE)
COMMAND = re.compile(r"(?:^|[\s`/(])mailkeep ([a-z][a-z -]*(?:--[a-z-]+[a-z -]*)*)", re.MULTILINE)
CODE = re.compile(r"^```.*?^```|^(?: {4}).*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"`\[+([a-z.]+)\]+ ([a-z_0-9]+)(?:`| =)")


@cache
def said() -> str:
    """All text that hosts, commands and pages can say: of Python the literals, of pages all."""
    code = [path for root in ("hosts", "shared") for path in (ROOT / root).rglob("*.py")]
    literals = "\0".join(literal for path in code for literal in literals_of(path))
    static = (ROOT / "hosts" / "mailkeep_api" / "console").rglob("*.*")
    pages = [path.read_text() for path in static if path.suffix in {".js", ".html"}]
    return "\0".join([literals, *pages])


def literals_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        yield from literals_of_node(node)


def literals_of_node(node: ast.AST) -> Iterator[str]:
    """The text of a literal; what is put into it is an ellipsis, as in the guide."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        yield node.value if isinstance(node.value, str) else node.value.decode("latin-1")


def pattern_of(sentence: str) -> re.Pattern[str]:
    """A sentence of the guide, where `…` is anything in one literal."""
    return re.compile("[^\0]{0,200}?".join(re.escape(part) for part in sentence.strip("…").split("…")))


MAILKEEP = ROOT / "shared" / "mailkeep"
OPERATORS = (
    (ROOT / "hosts" / "mailkeep_cli").rglob("*.py"),
    MAILKEEP.glob("settings*.py"),
    (MAILKEEP / "net" / name for name in ("tls.py", "listen.py")),
    (MAILKEEP / "delivery" / "remote").glob("*.py"),
    (MAILKEEP / "upstream").rglob("*.py"),
    [MAILKEEP / "storage" / "checking.py"],
)
PROTOCOLS = ("imap", "pop3", "smtp", "sasl")
HOSTS = [ROOT / "hosts" / f"mailkeep_{name}" for name in PROTOCOLS[:3]]
OTHER_END = {
    "client.py",
    "response_codes.py",
    "response_decoder",
    "saslprep.py",
    "thread_data.py",
    "tlsrpt.py",
}
NOT_ON_THE_WIRE = {
    "A message is shorter than its index says.",
    "The answer broke off.",
    "The client takes nothing.",
    "The connection was lost.",
}
SENTENCES = SENTENCE.findall((DOCS / "errors.md").read_text())
GRAMMAR = SENTENCE.findall((DOCS / "grammar.md").read_text())


def test_every_sentence_is_still_said() -> None:
    assert len(SENTENCES) > 200
    everything = [*SENTENCES, *GRAMMAR]
    assert [sentence for sentence in everything if not pattern_of(sentence).search(said())] == []
    assert not pattern_of("The moon is too full.").search(said())
    assert not pattern_of("The user name … is too full.").search(said())


def test_every_error_of_an_operator_is_in_the_guide() -> None:
    """Of commands, settings, listeners, certificates, mail that does not leave, accounts elsewhere, and what
    `mailkeep verify` finds."""
    told = [pattern_of(sentence) for sentence in SENTENCES]
    raised = {sentence for place in OPERATORS for path in place for sentence in raised_in(path)}
    assert len(raised) > 80
    missing = sorted(one for one in raised if not any(pattern.search(one) for pattern in told))
    assert missing == [], "docs/errors.md says of each what it means, and what helps"


def test_every_refusal_of_the_mail_hosts_is_in_one_of_the_two_pages() -> None:
    told = [pattern_of(sentence) for sentence in (*SENTENCES, *GRAMMAR)]
    places = [*(MAILKEEP / name for name in PROTOCOLS), *HOSTS]
    files = [path for place in places for path in place.rglob("*.py") if OTHER_END.isdisjoint(path.parts)]
    raised = {sentence for path in files for sentence in raised_in(path)} - NOT_ON_THE_WIRE
    assert len(raised) > 180
    missing = sorted(one for one in raised if not any(pattern.search(one) for pattern in told))
    assert missing == [], "docs/grammar.md says of each what the rule is"


def raised_in(path: Path) -> Iterator[str]:
    """What is raised, in the guide's form; a ValueError of a setting becomes part of another sentence."""
    for call in errors_of(path):
        named = ast.unparse(call.func)
        args = call.args[:1] if named == "PlainError" else call.args  # its second is the way out
        texts = [text for one in args for text in literals_of_node(one) if re.search(r"\w \w", text)]
        if texts and named not in {"ValueError", "TypeError"}:
            yield texts[0]


def errors_of(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            yield node.exc
        elif (
            isinstance(node, ast.Call) and ast.unparse(node.func) == "Fault"
        ):  # what verify finds, with its kind
            yield node


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_exists(page: Path) -> None:
    for code in CODE.findall(page.read_text()):
        for words in COMMAND.findall(code):
            assert problem_of(words.split()) == "", f"mailkeep {words}"


def test_every_command_is_told_of() -> None:
    guide = "".join(page.read_text() for page in PAGES if page.name != "errors.md")
    told = {words.split()[0] for code in CODE.findall(guide) for words in COMMAND.findall(code)}
    assert sorted({*main.list_commands(click.Context(main))} - told) == []


def problem_of(words: list[str]) -> str:
    """What is wrong with a command line: a word that is no command, or an unknown option."""
    command: click.Command = main
    for word in words:
        if word.startswith("--"):
            known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
            if word not in known | {"--json", "--help", "--config", "--data-dir", "--database"}:
                return f"{command.name} has no {word}"
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            if found is None:
                return f"{command.name} has no {word}"
            command = found
        else:
            break  # its arguments
    return ""


def test_a_command_that_is_none_is_noticed() -> None:
    assert problem_of(["users", "lit"]) == "users has no lit"
    assert problem_of(["users", "list", "--colour"]) == "list has no --colour"
    assert problem_of(["keys", "create"]) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_setting_exists(page: Path) -> None:
    known = {(one.section, one.name) for one in described()}
    for setting in SETTING.findall(page.read_text()):
        assert setting in known, setting
