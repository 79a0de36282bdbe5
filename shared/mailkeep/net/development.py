"""A certificate authority for one machine's own trials, so that `mailkeep up` has TLS from its first start.

It makes ECDSA P-256 certificates (RFC 5480) that standard clients verify once they have the CA file. It is
not for production: its key lies beside the data, mode 0600. Nothing is made anew that still serves: clients
that trust the CA keep trusting it for ten years, and the server's certificate is renewed under it.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailkeep.errors import SettingsError

CA_DAYS = 3650
LEAF_DAYS = 397  # clients of some makers refuse server certificates that live longer
RENEW_DAYS = 30
ALWAYS = ("localhost", "127.0.0.1", "::1")

_CLOCK_SKEW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DevelopmentCa:
    """PEM files: what clients trust, and what `[tls]` is set to."""

    ca_file: Path
    certificate: Path
    key: Path


def ensure_ca(directory: Path, names: Iterable[str] = ()) -> DevelopmentCa:
    """The CA in `directory`, and a server certificate for localhost, its addresses and `names`.

    Both are made if they are missing, near their end, or do not fit; otherwise nothing is written.
    Raises SettingsError if the directory cannot be written.
    """
    files = DevelopmentCa(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    wanted = tuple(dict.fromkeys((*ALWAYS, *names)))
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        ca = _load_ca(directory) or _make_ca(directory)
        if not _leaf_serves(files, ca[0], wanted):
            _make_leaf(files, ca, wanted)
    except OSError as error:
        raise SettingsError(f"Certificates cannot be kept in '{directory}': {error.strerror}.") from None
    return files


def _load_ca(directory: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    certificate = _read_certificate(directory / "ca.pem")
    key = _read_key(directory / "ca.key")
    if certificate is None or key is None or certificate.public_key() != key.public_key():
        return None
    return None if _ends_soon(certificate) else (certificate, key)


def _make_ca(directory: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    # A name of its own each time: two CAs of one name confuse clients that trust both.
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Mailkeep development {secrets.token_hex(4)}")]
    )
    usage = _usage(key_cert_sign=True, crl_sign=True)
    builder = (
        _builder(name, name, key.public_key(), CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    _write(directory / "ca.key", _pem(key), 0o600)
    _write(directory / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return certificate, key


def _make_leaf(
    files: DevelopmentCa, ca: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], names: tuple[str, ...]
) -> None:
    ca_certificate, ca_key = ca
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Mailkeep")])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = (
        _builder(subject, ca_certificate.subject, key.public_key(), LEAF_DAYS)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer_key, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    chain = [builder.sign(ca_key, hashes.SHA256()), ca_certificate]
    pem = b"".join(part.public_bytes(serialization.Encoding.PEM) for part in chain)
    _write(files.key, _pem(key), 0o600)
    _write(files.certificate, pem, 0o644)


def _leaf_serves(files: DevelopmentCa, ca: x509.Certificate, names: tuple[str, ...]) -> bool:
    certificate = _read_certificate(files.certificate)
    key = _read_key(files.key)
    if certificate is None or key is None or certificate.public_key() != key.public_key():
        return False
    if _ends_soon(certificate) or certificate.issuer != ca.subject:
        return False
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return all(_general_name(name) in list(held) for name in names)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now - _CLOCK_SKEW + timedelta(days=days))
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _ends_soon(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc < datetime.now(UTC) + timedelta(days=RENEW_DAYS)


def _read_certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others for a moment."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
