"""The command line as a whole: fast help, lazy commands, plain errors."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from mailkeep_cli import context
from mailkeep_cli.main import COMMANDS, main


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in this process must not take its logging away."""
    monkeypatch.setattr(context, "configure", lambda _settings: None)


WITHOUT_STORE = {"mcp", "oauth bootstrap", "top"}
STORE_COMMANDS = [name for name in COMMANDS if name not in ("up", "settings", "completion", "man")]


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its full name."""
    for name in STORE_COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        yield from (one for one in leaves_of(name, command) if one[0] not in WITHOUT_STORE)


def leaves_of(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """The command itself, or what lies below a group."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    for sub_name, sub in command.commands.items():
        yield from leaves_of(f"{name} {sub_name}", sub)


def invoke(*words: str):
    return CliRunner().invoke(main, words, env={"MAILKEEP_CONFIG": "", "MAILKEEP_STORE_DATABASE": ""})


def test_help_imports_no_database_no_loop_and_no_command():
    program = (
        "import sys\nfrom mailkeep_cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'sqlalchemy', 'asyncio', 'rich', 'bcrypt', 'mailkeep.storage', 'mailkeep_cli.keys'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.rstrip().endswith("[]")


def test_the_list_in_help_says_what_each_command_says_of_itself():
    listed = main.list_commands(click.Context(main))
    help_text = invoke("--help").output
    for name in listed:
        assert f"  {name} " in help_text
    for name in STORE_COMMANDS:
        module, _, attribute = COMMANDS[name].target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert command.help.startswith(COMMANDS[name].summary.removesuffix(".")), name


@pytest.mark.parametrize(("name", "command"), list(leaves()), ids=[name for name, _ in leaves()])
def test_every_command_takes_the_four_options_and_teaches(name, command):
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--data-dir", "--database", "--config", "--json"} <= options
    if not name.endswith(" list") or len(command.params) > 4:
        assert f"mailkeep {name}" in command.help  # an example


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("domains",),
        ("domains", "add"),
        ("users", "add", "not-an-address"),
        ("keys", "create"),
        ("keys", "create", "a@example.test", "--service", "x"),
        ("keys", "create", "a@example.test", "--scope", "root"),
        ("keys", "create", "a@example.test", "--expires", "tomorrow"),
        ("domains", "add", "example.test", "--policy", "catch_all"),
        ("audit", "--limit", "0"),
    ],
)
def test_wrong_use_is_exit_code_two(words):
    assert invoke(*words).exit_code == 2


def test_looking_never_makes_a_store(tmp_path):
    for words in (["users", "list"], ["keys", "list"], ["audit"], ["users", "add", "a@example.test"]):
        run = invoke(*words, "--data-dir", str(tmp_path / "nowhere"))
        assert run.exit_code == 1
        error, hint = run.stderr.splitlines()
        assert error.startswith("Error: There is no Mailkeep store in ")
        assert "--data-dir" in hint
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_setting_is_one_sentence(tmp_path):
    config = tmp_path / "mailkeep.toml"
    config.write_text("[store]\ncolour = 'red'\n")
    run = invoke("users", "list", "--config", str(config))
    assert (run.exit_code, run.stdout) == (1, "")
    assert run.stderr.startswith("Error: [store] in ")
    assert "colour" in run.stderr


def test_help_of_up_says_what_the_ready_file_holds():
    text = " ".join(invoke("up", "--help").output.split())
    for name in ("ca_file", "api_key", "internal_key", "domain", "address", "mode 0600"):
        assert name in text, name
    assert "With --no-demo there is no domain, address and api_key." in text


def test_what_up_imports_before_it_starts_the_hosts_is_little():
    program = (
        "import sys\nimport mailkeep_cli.up\n"
        "heavy = {'sqlalchemy', 'structlog', 'uvloop', 'rich', 'mailkeep.storage'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
