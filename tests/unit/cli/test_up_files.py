"""The data directory has one `mailkeep up` at a time, and the lock needs nobody to clean up after it."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mailkeep.errors import SettingsError
from mailkeep_cli.up_files import sole_holder

HOLD = """
import sys, time
from pathlib import Path
from mailkeep_cli.up_files import sole_holder
with sole_holder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with sole_holder(tmp_path), pytest.raises(SettingsError) as refused, sole_holder(tmp_path):
        pass
    assert str(refused.value) == (
        f"Another `mailkeep up` runs on the data directory '{tmp_path}': stop it, or give this one another "
        "--data-dir."
    )
    assert stat.S_IMODE((tmp_path / "up.lock").stat().st_mode) == 0o600


def test_another_directory_is_another_matter(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with sole_holder(tmp_path), sole_holder(tmp_path / "other"):
        pass


def test_the_lock_ends_with_its_holder_however_that_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(SettingsError), sole_holder(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with sole_holder(tmp_path):
        pass


def test_the_holder_s_own_refusals_pass_through(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), sole_holder(tmp_path):
        raise BlockingIOError


def test_a_directory_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"up\.lock' cannot be written: No such file"):  # noqa: SIM117
        with sole_holder(tmp_path / "absent"):
            pass
