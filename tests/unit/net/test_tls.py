"""One certificate for two libraries, and what both refuse."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL

from mailkeep.errors import SettingsError
from mailkeep.net.development import DevelopmentCa, ensure_ca
from mailkeep.net.tls import server_context, twisted_options
from mailkeep.settings import TlsSettings

Make = Callable[[TlsSettings], object]
BOTH = pytest.mark.parametrize("make", [server_context, twisted_options])


@pytest.fixture
def files(tmp_path: Path) -> DevelopmentCa:
    return ensure_ca(tmp_path)


def shake(server: object, client: ssl.SSLContext) -> str:
    """The version that a client and a server context agree on, in memory. Raises ssl.SSLError, SSL.Error."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    wrapped = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    step = _stdlib_steps(server, to_server, to_client) if isinstance(server, ssl.SSLContext) else None
    step = step or _openssl_steps(server, to_server, to_client)
    for _ in range(10):
        try:
            wrapped.do_handshake()
        except ssl.SSLWantReadError:
            step()
        else:
            step()
            return str(wrapped.version())
    raise AssertionError("no end of the handshake")


def _stdlib_steps(
    context: ssl.SSLContext, to_server: ssl.MemoryBIO, to_client: ssl.MemoryBIO
) -> Callable[[], None]:
    server = context.wrap_bio(to_server, to_client, server_side=True)

    def step() -> None:
        try:
            server.do_handshake()
        except ssl.SSLWantReadError:
            return

    return step


def _openssl_steps(factory: object, to_server: ssl.MemoryBIO, to_client: ssl.MemoryBIO) -> Callable[[], None]:
    server = SSL.Connection(factory.getContext(), None)  # type: ignore[attr-defined]
    server.set_accept_state()

    def step() -> None:
        if octets := to_server.read():
            server.bio_write(octets)
        try:
            server.do_handshake()
        except SSL.WantReadError:
            pass
        finally:
            while True:
                try:
                    to_client.write(server.bio_read(65536))
                except SSL.WantReadError:
                    break

    return step


@BOTH
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_present_versions_are_agreed_on(files: DevelopmentCa, make: Make, version: ssl.TLSVersion) -> None:
    client = ssl.create_default_context(cafile=str(files.ca_file))
    client.minimum_version = client.maximum_version = version
    server = make(TlsSettings(str(files.certificate), str(files.key)))
    assert shake(server, client) == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]


@BOTH
def test_versions_before_tls_1_2_are_refused(files: DevelopmentCa, make: Make) -> None:
    """RFC 8996."""
    client = ssl.create_default_context(cafile=str(files.ca_file))
    client.set_ciphers("DEFAULT@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = ssl.TLSVersion.TLSv1
        client.maximum_version = ssl.TLSVersion.TLSv1_1
    server = make(TlsSettings(str(files.certificate), str(files.key)))
    with pytest.raises((ssl.SSLError, SSL.Error), match=r"(?i)protocol|alert"):
        shake(server, client)


@BOTH
def test_without_a_certificate_there_is_no_tls(make: Make) -> None:
    assert make(TlsSettings()) is None


@BOTH
def test_one_file_without_the_other_is_an_error(files: DevelopmentCa, make: Make) -> None:
    with pytest.raises(SettingsError, match="needs both"):
        make(TlsSettings(certificate=str(files.certificate)))


@BOTH
def test_files_that_are_not_there_are_named(files: DevelopmentCa, make: Make, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"key '.*absent' cannot be read: No such file"):
        make(TlsSettings(str(files.certificate), str(tmp_path / "absent")))


@BOTH
def test_an_encrypted_key_is_refused_and_not_asked_for(
    files: DevelopmentCa, make: Make, tmp_path: Path
) -> None:
    key = serialization.load_pem_private_key(files.key.read_bytes(), password=None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    with pytest.raises(SettingsError, match="not a matching pair"):
        make(TlsSettings(str(files.certificate), str(locked)))


@BOTH
def test_a_pair_that_does_not_match_is_an_error(files: DevelopmentCa, make: Make, tmp_path: Path) -> None:
    other = ensure_ca(tmp_path / "other")
    with pytest.raises(SettingsError, match="not a matching pair"):
        make(TlsSettings(str(files.certificate), str(other.key)))
    with pytest.raises(SettingsError, match="not a matching pair"):
        make(TlsSettings(str(files.key), str(files.certificate)))
