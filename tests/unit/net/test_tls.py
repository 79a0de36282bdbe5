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
from mailkeep.net.tls import TLS_1_2_CIPHERS, ServerTls, server_tls, twisted_tls
from mailkeep.settings import CertificateSettings, TlsSettings

Make = Callable[[TlsSettings], object]
BOTH = pytest.mark.parametrize("make", [server_tls, twisted_tls])


@pytest.fixture
def files(tmp_path: Path) -> DevelopmentCa:
    return ensure_ca(tmp_path)


def shake(server: object, client: ssl.SSLContext, name: str = "localhost") -> str:
    """The version that a client and a server agree on, in memory. Raises ssl.SSLError, SSL.Error."""
    return str(connect(server, client, name).version())


def connect(server: object, client: ssl.SSLContext, name: str | None) -> ssl.SSLObject:
    """The client's end after the handshake. Raises ssl.SSLError, SSL.Error."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    wrapped = client.wrap_bio(to_client, to_server, server_hostname=name)
    if isinstance(server, ServerTls):
        step = _stdlib_steps(server.context, to_server, to_client)
    else:
        step = _openssl_steps(server.factory, to_server, to_client)  # type: ignore[attr-defined]
    for _ in range(10):
        try:
            wrapped.do_handshake()
        except ssl.SSLWantReadError:
            step()
        else:
            step()
            return wrapped
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


# --- several certificates, and new ones -----------------------------------------------------------


@pytest.fixture
def domains(tmp_path: Path) -> tuple[TlsSettings, dict[str, DevelopmentCa]]:
    """A default, one for a name, one for a wildcard: each of a CA of its own, so that clients can tell."""
    made = {
        "default": ensure_ca(tmp_path / "default"),
        "one": ensure_ca(tmp_path / "one", ["mail.one.test"]),
        "two": ensure_ca(tmp_path / "two", ["*.two.test"]),
    }
    further = tuple(CertificateSettings(str(made[n].certificate), str(made[n].key)) for n in ("one", "two"))
    return TlsSettings(str(made["default"].certificate), str(made["default"].key), further), made


def served_by(server: object, made: dict[str, DevelopmentCa], name: str | None) -> str:
    """Whose certificate a client gets that asks for this name."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    served = connect(server, client, name).getpeercert(binary_form=True)
    for owner, files in made.items():
        if served == ssl.PEM_cert_to_DER_cert(files.certificate.read_text().partition("-----END")[0] + END):
            return owner
    return "unknown"


END = "-----END CERTIFICATE-----\n"


@BOTH
@pytest.mark.parametrize(
    ("asked", "owner"),
    [
        (None, "default"),
        ("mail.one.test", "one"),
        ("MAIL.ONE.TEST", "one"),
        ("imap.two.test", "two"),
        ("deep.imap.two.test", "default"),  # RFC 6125 section 6.4.3: a wildcard is one label
        ("two.test", "default"),
        ("elsewhere.test", "default"),
    ],
)
def test_a_client_gets_the_certificate_of_the_name_that_it_asked_for(
    domains: tuple[TlsSettings, dict[str, DevelopmentCa]], make: Make, asked: str | None, owner: str
) -> None:
    settings, made = domains
    assert served_by(make(settings), made, asked) == owner


@BOTH
def test_new_files_serve_the_next_handshake(
    domains: tuple[TlsSettings, dict[str, DevelopmentCa]], make: Make, tmp_path: Path
) -> None:
    settings, made = domains
    server = make(settings)
    renewed = ensure_ca(tmp_path / "renewed")
    for old, new in ((made["default"].certificate, renewed.certificate), (made["default"].key, renewed.key)):
        old.write_bytes(new.read_bytes())
    server.reload(settings)  # type: ignore[attr-defined]
    others = {name: files for name, files in made.items() if name != "default"}
    assert served_by(server, {"renewed": renewed, **others}, None) == "renewed"
    assert served_by(server, made, "mail.one.test") == "one"


@BOTH
def test_files_that_cannot_be_used_leave_the_old_ones_in_service(
    domains: tuple[TlsSettings, dict[str, DevelopmentCa]], make: Make
) -> None:
    settings, made = domains
    server = make(settings)
    before = made["default"].certificate.read_bytes()
    made["default"].certificate.write_text("half a certifi")
    with pytest.raises(SettingsError, match=r"default/server.pem"):
        server.reload(settings)  # type: ignore[attr-defined]
    made["default"].certificate.write_bytes(before)
    assert served_by(server, made, None) == "default"


@BOTH
def test_the_modern_profile_is_tls_1_3_alone(files: DevelopmentCa, make: Make) -> None:
    server = make(TlsSettings(str(files.certificate), str(files.key), profile="modern"))
    client = ssl.create_default_context(cafile=str(files.ca_file))
    assert shake(server, client) == "TLSv1.3"
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, SSL.Error), match=r"(?i)protocol|alert"):
        shake(server, client)


@BOTH
def test_tls_1_2_has_forward_secrecy_and_aead_alone(files: DevelopmentCa, make: Make) -> None:
    server = make(TlsSettings(str(files.certificate), str(files.key)))
    client = ssl.create_default_context(cafile=str(files.ca_file))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    cipher = connect(server, client, "localhost").cipher()
    assert cipher is not None
    assert cipher[0] in TLS_1_2_CIPHERS.split(":")
    client.set_ciphers("ECDHE-ECDSA-AES128-SHA256")  # forward secrecy, but CBC
    with pytest.raises((ssl.SSLError, SSL.Error), match=r"(?i)no shared cipher|alert"):
        shake(server, client)
