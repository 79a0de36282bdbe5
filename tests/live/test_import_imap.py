"""`mailkeep import imap` from a real host into another store: flags, dates, folders, and nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.imap_host import ImapHost, imap_user
from tests.support.operator import Login, Operator

from mailkeep.net.development import DevelopmentCa, ensure_ca
from mailkeep.settings import StoreSettings

OWNER = "alice@moved.test"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentCa:
    return ensure_ca(tmp_path_factory.mktemp("tls"))


class Target:
    """Another store, and the command line on it."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self.run("domains", "add", "moved.test")
        self.run("users", "add", OWNER)

    def run(self, *words: str, given: str = "", code: int = 0) -> str:
        ran = subprocess.run(
            [
                str(Path(sys.executable).with_name("mailkeep")),
                *words,
                "--data-dir",
                self._directory,
                "--json",
            ],
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={name: value for name, value in os.environ.items() if not name.startswith("MAILKEEP_")},
        )
        assert ran.returncode == code, ran.stderr
        return ran.stdout if code == 0 else ran.stderr

    def bring(self, host: ImapHost, login: Login, *more: str) -> dict[str, object]:
        words = ("import", "imap", f"localhost:{host.tls_port}", "--user", login.address, "--to", OWNER)
        told: dict[str, object] = json.loads(
            self.run(*words, "--ca-file", str(host.ca.ca_file), *more, given=f"{login.key}\n")
        )
        return told


def test_everything_comes_once_and_the_rest_later(
    store_settings: StoreSettings, ca: DevelopmentCa, tmp_path: Path
) -> None:
    target = Target(tmp_path / "target")
    with closing(Operator(store_settings)) as operator, ImapHost(store_settings, ca) as host:
        login = imap_user(operator)
        with host.connect_tls() as client:
            client.line()
            client.command(f"LOGIN {login.address} {login.key}")
            client.command('CREATE "Entw&APw-rfe/Alt"')
            date = '"01-Mar-2026 12:30:05 +0000"'
            client.append("INBOX", b"Subject: one\r\n\r\nbody\r\n", rf"(\Seen $Work) {date} ")
            client.append("INBOX", b"Subject: two\r\n\r\nbody\r\n")
            client.append('"Entw&APw-rfe/Alt"', b"Subject: three\r\n\r\nbody\r\n")
            first = target.bring(host, login)
            assert (first["added"], first["present"]) == (3, 0)
            client.append("INBOX", b"Subject: four\r\n\r\nbody\r\n")
        second = target.bring(host, login)
        assert (second["added"], second["present"]) == (1, 3)
        skipped = target.bring(host, login, "--mailbox", "Old", "--skip", "INBOX")
        assert (skipped["added"], skipped["present"]) == (1, 0)
    target.run("export", "mbox", str(tmp_path / "out"), "--from", OWNER)
    files = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert "Sun Mar  1 12:30:05 2026\nStatus: RO\nX-Keywords: $Work\nSubject: one" in files["INBOX.mbox"]
    assert "Subject: three" in files["Entw%C3%BCrfe%2FAlt.mbox"]
    assert "Subject: three" in files["Old%2FEntw%C3%BCrfe%2FAlt.mbox"]


def test_what_the_other_server_refuses_is_one_sentence(tmp_path: Path, ca: DevelopmentCa) -> None:
    target = Target(tmp_path / "target")
    with ImapHost(StoreSettings(data_dir=str(tmp_path / "source")), ca) as host:
        words = ("import", "imap", f"localhost:{host.tls_port}", "--user", "x@y.test", "--to", OWNER)
        said = target.run(*words, "--ca-file", str(ca.ca_file), given="wrong-secret\n", code=1)
        assert "refused the password of x@y.test" in said
        assert "wrong-secret" not in said
        untrusted = target.run(*words, given="wrong-secret\n", code=1)
        assert "certificate verify failed" in untrusted
