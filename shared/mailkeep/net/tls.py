"""TLS for servers: the same certificates in two libraries (stdlib `ssl` for asyncio, pyOpenSSL for Twisted).

Both refuse the same things: versions before TLS 1.2 (RFC 8996) and renegotiation. Without a certificate there
is no TLS, and hosts then offer neither STARTTLS nor TLS listeners. Which certificate a client gets is decided
in each handshake, by the name that it asked for (SNI, RFC 6066 section 3): so several domains can have their
own, and after `reload` new files serve the next handshake while open connections stay. This module never
makes certificates: see `mailkeep.net.development`.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from mailkeep.errors import SettingsError

if TYPE_CHECKING:
    from OpenSSL import SSL
    from twisted.internet.interfaces import IOpenSSLContextFactory

    from mailkeep.settings import TlsSettings

_SSL_MODE_RELEASE_BUFFERS = 0x10  # openssl/ssl.h: idle connections give back about 34 KiB

# Mozilla's "intermediate" for TLS 1.2 without finite-field Diffie-Hellman: forward secrecy and AEAD alone.
# What TLS 1.3 may use is not chosen here: all of it is good.
TLS_1_2_CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)

Context = TypeVar("Context")


class Chosen(Generic[Context]):
    """Contexts by the names in their certificates; the first is for clients that ask for no name, or for one
    that nobody has."""

    def __init__(self, contexts: list[tuple[frozenset[str], Context]]) -> None:
        self.default = contexts[0][1]
        self._by_name = {name: context for names, context in reversed(contexts) for name in names}

    def by_name(self, name: str | None) -> Context:
        """A name of its own, else a wildcard for the part after its first label (RFC 6125 section 6.4.3)."""
        if name is None or not self._by_name:
            return self.default
        asked = name.rstrip(".").lower()
        wildcard = f"*.{asked.partition('.')[2]}"
        return self._by_name.get(asked) or self._by_name.get(wildcard) or self.default


class ServerTls:
    """For asyncio servers. `context` stays the same over reloads."""

    def __init__(self, settings: TlsSettings) -> None:
        """Raises SettingsError, also without a certificate."""
        self._chosen = _chosen(settings, _stdlib_context)
        self.context = _stdlib_base(settings)
        self.context.sni_callback = self._choose

    def reload(self, settings: TlsSettings) -> None:
        """Serve what the files hold now, from the next handshake on. Raises SettingsError and changes
        nothing if they are of no use."""
        self._chosen = _chosen(settings, _stdlib_context)

    def _choose(self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._chosen.by_name(name)


class TwistedTls:
    """The same for Twisted's `startTLS` and TLS listeners: `factory`."""

    def __init__(self, settings: TlsSettings) -> None:
        """Raises SettingsError, also without a certificate."""
        # Hosts without Twisted must not pay for importing it.
        from twisted.internet.interfaces import IOpenSSLContextFactory  # noqa: PLC0415
        from zope.interface import implementer  # noqa: PLC0415

        self._chosen = _chosen(settings, _openssl_context)
        # pyOpenSSL's callbacks need memory that is writable and executable: who has one certificate has none.
        self._base = _openssl_base(settings) if settings.certificates else None
        if self._base is not None:
            self._base.set_tlsext_servername_callback(self._choose)
        owner = self

        @implementer(IOpenSSLContextFactory)
        class ServerContextFactory:
            """One context for all connections: sessions resume."""

            def getContext(self) -> SSL.Context:  # noqa: N802  Twisted's name
                return owner._base or owner._chosen.default

        # mypy does not see zope's interfaces
        self.factory = cast("IOpenSSLContextFactory", ServerContextFactory())

    def reload(self, settings: TlsSettings) -> None:
        """See ServerTls."""
        self._chosen = _chosen(settings, _openssl_context)

    def _choose(self, connection: SSL.Connection) -> None:
        name = connection.get_servername()
        connection.set_context(self._chosen.by_name(name.decode("ascii", "replace") if name else None))


def server_tls(settings: TlsSettings) -> ServerTls | None:
    """None without a certificate. Raises SettingsError."""
    return ServerTls(settings) if _pairs(settings) else None


def twisted_tls(settings: TlsSettings) -> TwistedTls | None:
    """None without a certificate. Raises SettingsError."""
    return TwistedTls(settings) if _pairs(settings) else None


# --- which files ----------------------------------------------------------------------------------


def _pairs(settings: TlsSettings) -> list[tuple[str, str]]:
    """Certificate and key files, the default's first. Raises SettingsError if one lacks the other."""
    named = [(settings.certificate, settings.key)] if settings.certificate or settings.key else []
    named += [(pair.certificate, pair.key) for pair in settings.certificates]
    for certificate, key in named:
        if not certificate or not key:
            raise SettingsError("[tls] needs both 'certificate' and 'key', or neither.")
    return named


def _chosen(settings: TlsSettings, make: Any) -> Chosen[Any]:
    pairs = _pairs(settings)
    if not pairs:
        raise SettingsError("[tls] names no certificate.")
    made = []
    for certificate, key in pairs:
        _require_readable(certificate, key)
        # With one certificate there is nothing to choose, and nobody pays for reading its names.
        names = _names_in(certificate, key) if len(pairs) > 1 else frozenset[str]()
        made.append((names, make(settings, certificate, key)))
    return Chosen(made)


def _require_readable(certificate: str, key: str) -> None:
    for name, path in (("certificate", certificate), ("key", key)):
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise SettingsError(f"[tls] {name} '{path}' cannot be read: {error.strerror}.") from None


def _names_in(certificate: str, key: str) -> frozenset[str]:
    from cryptography import x509  # noqa: PLC0415  as said above

    try:
        leaf = x509.load_pem_x509_certificate(Path(certificate).read_bytes())
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise SettingsError(f"[tls] certificate '{certificate}' names no host to be chosen by.") from None
    except (OSError, ValueError):
        raise _unusable(certificate, key) from None
    return frozenset(name.lower() for name in found.get_values_for_type(x509.DNSName))


# --- the stdlib's contexts ------------------------------------------------------------------------


def _stdlib_base(settings: TlsSettings) -> ssl.SSLContext:
    """What every connection begins with: versions, ciphers and options are taken from here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    modern = settings.profile == "modern"
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if modern else ssl.TLSVersion.TLSv1_2
    context.set_ciphers(TLS_1_2_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    return context


def _stdlib_context(settings: TlsSettings, certificate: str, key: str) -> ssl.SSLContext:
    context = _stdlib_base(settings)
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except (ssl.SSLError, OSError, ValueError):
        raise _unusable(certificate, key) from None
    return context


# --- pyOpenSSL's ----------------------------------------------------------------------------------


def _openssl_base(settings: TlsSettings) -> SSL.Context:
    from OpenSSL import SSL  # noqa: PLC0415

    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    modern = settings.profile == "modern"
    context.set_min_proto_version(SSL.TLS1_3_VERSION if modern else SSL.TLS1_2_VERSION)
    context.set_cipher_list(TLS_1_2_CIPHERS.encode())
    context.set_options(SSL.OP_NO_COMPRESSION | int(ssl.OP_NO_RENEGOTIATION))
    context.set_mode(_SSL_MODE_RELEASE_BUFFERS)
    return context


def _openssl_context(settings: TlsSettings, certificate: str, key: str) -> SSL.Context:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from OpenSSL import SSL  # noqa: PLC0415

    context = _openssl_base(settings)
    try:
        context.use_certificate_chain_file(certificate)
        # Read by cryptography, which refuses an encrypted key where OpenSSL would ask at the terminal.
        loaded = serialization.load_pem_private_key(Path(key).read_bytes(), password=None)
        context.use_privatekey(cast("Any", loaded))
        context.check_privatekey()
    except (SSL.Error, OSError, ValueError, TypeError):
        raise _unusable(certificate, key) from None
    return context


def _unusable(certificate: str, key: str) -> SettingsError:
    return SettingsError(f"[tls] certificate '{certificate}' and key '{key}' are not a matching pair in PEM.")


def _no_passphrase() -> bytes:
    """Asked for by an encrypted key: nobody sits at the terminal, so the key is refused instead of a hang."""
    return b""
