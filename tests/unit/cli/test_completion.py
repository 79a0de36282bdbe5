"""Completion and the manual page: made of the commands, and instant where a person waits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailkeep_cli.completion import SHELLS, VARIABLE
from mailkeep_cli.main import COMMANDS, main
from mailkeep_cli.manual import page

ROOT = Path(__file__).parents[3]
MAILKEEP = str(Path(sys.executable).with_name("mailkeep"))


def completed(*words: str, incomplete: str) -> list[str]:
    """What bash is offered, by the very process that it starts."""
    line = " ".join(["mailkeep", *words, incomplete])
    environ = {**os.environ, VARIABLE: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) + 1)}
    ran = subprocess.run([MAILKEEP], env=environ, capture_output=True, text=True, check=True, timeout=60)
    return [offered.partition(",")[2] for offered in ran.stdout.split()]


def test_commands_their_commands_and_options_are_completed() -> None:
    assert completed(incomplete="do") == ["doctor", "domains"]
    assert completed("keys", incomplete="ro") == ["rotate"]
    assert "--catch-all" in completed("domains", "add", incomplete="--c")


def test_completing_a_command_imports_none() -> None:
    program = (
        "import sys\nfrom click.shell_completion import BashComplete\nfrom mailkeep_cli.main import main\n"
        f"found = BashComplete(main, {{}}, 'mailkeep', '{VARIABLE}').get_completions([], '')\n"
        "print(len(found), [name for name in sys.modules if name.startswith('mailkeep_cli.')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == f"{len(COMMANDS)} ['mailkeep_cli.main']"


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_of_its_own(shell: str) -> None:
    told = CliRunner().invoke(main, ["completion", shell])
    assert told.exit_code == 0
    assert f"{VARIABLE}={shell}_complete" in told.stdout
    if found := shutil.which(shell):
        subprocess.run([found, "-n"], input=told.stdout, text=True, check=True, timeout=60)


def test_bash_takes_its_script_and_completes() -> None:
    script = CliRunner().invoke(main, ["completion", "bash"]).stdout
    asked = "COMP_WORDS=(mailkeep dom)\nCOMP_CWORD=1\n_mailkeep_completion mailkeep\necho ${COMPREPLY[@]}\n"
    environ = {**os.environ, "PATH": f"{Path(MAILKEEP).parent}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["bash"], input=script + asked, env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.split() == ["domains"]


def test_the_manual_page_names_every_command_and_has_no_stray_request() -> None:
    made = page(main)
    for name in COMMANDS:
        assert f".SS mailkeep {name}" in made, name
    requests = {line.split(" ")[0] for line in made.splitlines() if line.startswith(".")}
    assert requests <= {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".I", ".BI", ".nf", ".fi"}
    if groff := shutil.which("groff"):
        command = [groff, "-man", "-Tutf8", "-ww"]
        ran = subprocess.run(command, input=made, capture_output=True, text=True, check=True, timeout=60)
        assert ran.stderr == ""
        assert "mailkeep keys create" in ran.stdout
