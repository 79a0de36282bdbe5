"""The development CA: clients verify it with the standard library; nothing is made without need."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from mailkeep.errors import SettingsError
from mailkeep.net import development
from mailkeep.net.development import DevelopmentCa, ensure_ca
from mailkeep.net.tls import ServerTls
from mailkeep.settings import TlsSettings


def shake_hands(files: DevelopmentCa, name: str, trusted: Path | None = None) -> str:
    """The TLS version agreed with a client that verifies chain and name. Raises ssl.SSLError."""
    server = ServerTls(TlsSettings(str(files.certificate), str(files.key))).context
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(10)

    def serve() -> None:
        try:
            with server.wrap_socket(theirs, server_side=True) as wrapped:
                wrapped.recv(1)
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    client = ssl.create_default_context(cafile=str(trusted or files.ca_file))
    try:
        with client.wrap_socket(ours, server_hostname=name) as wrapped:
            return str(wrapped.version())
    finally:
        ours.close()
        thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "mail.example.test", "192.0.2.7"])
def test_standard_clients_verify_every_name(tmp_path: Path, name: str) -> None:
    files = ensure_ca(tmp_path / "tls", ["mail.example.test", "192.0.2.7"])
    assert shake_hands(files, name) == "TLSv1.3"


def test_other_names_and_other_cas_are_refused(tmp_path: Path) -> None:
    files = ensure_ca(tmp_path / "one")
    other = ensure_ca(tmp_path / "two")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(files, "other.example.test")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(files, "localhost", trusted=other.ca_file)


def test_keys_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "tls"
    ensure_ca(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in directory.iterdir()) == [
        "ca.key",
        "ca.pem",
        "server.key",
        "server.pem",
    ]


def test_the_second_call_writes_nothing(tmp_path: Path) -> None:
    first = {path: path.read_bytes() for path in _paths(ensure_ca(tmp_path))}
    assert {path: path.read_bytes() for path in _paths(ensure_ca(tmp_path))} == first


def test_a_new_name_renews_the_server_certificate_under_the_same_ca(tmp_path: Path) -> None:
    files = ensure_ca(tmp_path)
    ca = files.ca_file.read_bytes()
    ensure_ca(tmp_path, ["new.example.test"])
    assert files.ca_file.read_bytes() == ca
    assert shake_hands(files, "new.example.test")


def test_a_certificate_near_its_end_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(development, "LEAF_DAYS", development.RENEW_DAYS)
    files = ensure_ca(tmp_path)
    monkeypatch.undo()
    ca = files.ca_file.read_bytes()
    ensure_ca(tmp_path)
    leaf = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    assert leaf.not_valid_after_utc > datetime.now(UTC) + timedelta(days=300)
    assert files.ca_file.read_bytes() == ca


@pytest.mark.parametrize("name", ["ca.pem", "ca.key", "server.pem", "server.key"])
@pytest.mark.parametrize("damage", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_damaged_files_are_made_anew(tmp_path: Path, name: str, damage: bytes) -> None:
    files = ensure_ca(tmp_path)
    (tmp_path / name).write_bytes(damage)
    assert shake_hands(ensure_ca(tmp_path), "localhost")
    assert files.ca_file.exists()


def test_a_directory_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="Certificates cannot be kept in"):
        ensure_ca(tmp_path / "file" / "tls")


def _paths(files: DevelopmentCa) -> list[Path]:
    return [files.ca_file, files.certificate, files.key]
