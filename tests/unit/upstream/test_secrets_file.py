"""The file of an account's tokens: 0600 from the first octet, whole at every moment."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.upstream.errors import UpstreamError
from mailkeep.upstream.secrets_file import parse_env, read_env_file, write_env_file


@given(st.dictionaries(st.from_regex(r"\A[A-Z_][A-Z0-9_]{0,20}\Z"), st.from_regex(r"\A[ -&(-~]{0,40}\Z")))
def test_what_is_written_is_read_again(values: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "tokens.env"
        write_env_file(path, values)
        assert read_env_file(path) == values


def test_it_is_never_wider_than_its_owner(tmp_path: Path) -> None:
    path, seen, done = tmp_path / "tokens.env", set(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            for entry in tmp_path.iterdir():
                try:
                    seen.add(entry.stat().st_mode & 0o777)
                except FileNotFoundError:
                    continue

    old = os.umask(0)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for number in range(50):
            write_env_file(path, {"TOKEN": f"secret-{number}"})
    finally:
        done.set()
        watcher.join()
        os.umask(old)
    assert seen == {0o600}
    assert [entry.name for entry in tmp_path.iterdir()] == ["tokens.env"]


def test_a_file_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "tokens.env"
    path.write_text("TOKEN=secret\n")
    path.chmod(0o640)
    with pytest.raises(UpstreamError, match="chmod 600"):
        read_env_file(path)


def test_a_file_as_people_write_it(tmp_path: Path) -> None:
    assert parse_env("# mine\nexport A='b c'\n B = \"d\" \nnot a line\nA=e\n1X=y\n") == {"A": "e", "B": "d"}


@pytest.mark.parametrize("value", ["it's", "two\nlines", "nul\0"])
def test_what_a_shell_would_read_otherwise_is_not_written(tmp_path: Path, value: str) -> None:
    with pytest.raises(UpstreamError, match="no place in the file"):
        write_env_file(tmp_path / "tokens.env", {"TOKEN": value})
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError, match="cannot be written"):
        write_env_file(tmp_path / "no" / "tokens.env", {})
