"""Clients that were not written here: poplib and curl, over TLS with the certificate verified."""

from __future__ import annotations

import poplib
import ssl
import subprocess
from pathlib import Path

import pytest
from tests.support.pop3_host import Login, Operator, Pop3Host
from tests.support.programs import program

MESSAGES = [b"Subject: %d\r\n\r\n.dot\r\n..dots\r\n.\r\nend %d\r\n" % (number, number) for number in range(5)]


@pytest.fixture
def filled(operator: Operator, login: Login) -> Login:
    """A maildrop with messages full of dots."""
    operator.append(login, *MESSAGES)
    return login


def context(host: Pop3Host) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(host.ca.ca_file))


def use(client: poplib.POP3, login: Login) -> None:
    client.user(login.address)
    client.pass_(login.key)
    assert client.stat() == (5, sum(map(len, MESSAGES)))
    assert client.list()[1] == [b"%d %d" % (n, len(message)) for n, message in enumerate(MESSAGES, 1)]
    assert len({line.split()[1] for line in client.uidl()[1]}) == 5
    for number, message in enumerate(MESSAGES, 1):
        assert b"\r\n".join([*client.retr(number)[1], b""]) == message
    assert client.top(1, 1)[1] == [b"Subject: 0", b"", b".dot"]
    assert "PIPELINING" in client.capa()
    client.dele(1)
    client.rset()
    client.dele(2)
    client.noop()
    client.quit()


def test_poplib_over_pop3s(strict_host: Pop3Host, operator: Operator, filled: Login) -> None:
    use(poplib.POP3_SSL("localhost", strict_host.tls_port, context=context(strict_host), timeout=20), filled)
    assert len(operator.uids(filled)) == 4


def test_poplib_with_stls(strict_host: Pop3Host, operator: Operator, filled: Login) -> None:
    client = poplib.POP3("localhost", strict_host.plain_port, timeout=20)
    client.stls(context(strict_host))
    use(client, filled)
    assert len(operator.uids(filled)) == 4


def test_poplib_in_utf_8_mode(strict_host: Pop3Host, operator: Operator, login: Login) -> None:
    """RFC 6856 section 2.1: the header is sent as it is."""
    message = "Subject: Grüße\r\nFrom: zoë@example.test\r\n\r\nπ\r\n".encode()
    operator.append(login, message)
    client = poplib.POP3_SSL("localhost", strict_host.tls_port, context=context(strict_host), timeout=20)
    client.utf8()
    client.user(login.address)
    client.pass_(login.key)
    assert b"\r\n".join([*client.retr(1)[1], b""]) == message
    client.quit()


class TestCurl:
    """curl's POP3, which takes AUTH with an initial response where it can."""

    def fetch(self, host: Pop3Host, login: Login, tmp_path: Path, path: str, *options: str) -> bytes:
        (tmp_path / "curlrc").write_text(f'user = "{login.address}:{login.key}"\n')
        command = [program("curl"), "-q", "-sS", "-K", str(tmp_path / "curlrc")]
        command += ["--cacert", str(host.ca.ca_file), "--max-time", "20"]
        command += [*options, f"pop3s://localhost:{host.tls_port}/{path}"]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @pytest.mark.parametrize("mechanism", ["", "AUTH=PLAIN", "AUTH=LOGIN"])
    def test_retrieve(self, strict_host: Pop3Host, filled: Login, tmp_path: Path, mechanism: str) -> None:
        options = ["--login-options", mechanism] if mechanism else []
        for number in (1, 3):
            assert self.fetch(strict_host, filled, tmp_path, str(number), *options) == MESSAGES[number - 1]

    def test_list_and_uidl(self, strict_host: Pop3Host, filled: Login, tmp_path: Path) -> None:
        assert self.fetch(strict_host, filled, tmp_path, "").count(b"\r\n") == 5
        assert self.fetch(strict_host, filled, tmp_path, "", "-X", "UIDL").count(b"\r\n") == 5
        assert self.fetch(strict_host, filled, tmp_path, "", "-X", "TOP 1 0") == b"Subject: 0\r\n\r\n"

    @pytest.mark.parametrize("mechanism", ["", "AUTH=XOAUTH2"])
    def test_bearer(self, strict_host: Pop3Host, filled: Login, tmp_path: Path, mechanism: str) -> None:
        options = ["--login-options", mechanism] if mechanism else []
        got = self.fetch(strict_host, filled, tmp_path, "1", "--oauth2-bearer", filled.key, *options)
        assert got == MESSAGES[0]

    def test_delete(self, strict_host: Pop3Host, operator: Operator, filled: Login, tmp_path: Path) -> None:
        self.fetch(strict_host, filled, tmp_path, "2", "-X", "DELE", "-l")
        assert len(operator.uids(filled)) == 4
