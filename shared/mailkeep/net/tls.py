"""TLS for servers: one certificate, two libraries (stdlib `ssl` for asyncio, pyOpenSSL for Twisted).

Both refuse the same things: versions before TLS 1.2 (RFC 8996) and renegotiation. Without a certificate there
is no TLS, and hosts then offer neither STARTTLS nor TLS listeners. This module never makes certificates:
see `mailkeep.net.development`.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mailkeep.errors import SettingsError

if TYPE_CHECKING:
    from twisted.internet.interfaces import IOpenSSLContextFactory

    from mailkeep.settings import TlsSettings

_SSL_MODE_RELEASE_BUFFERS = 0x10  # openssl/ssl.h: idle connections give back about 34 KiB


def server_context(settings: TlsSettings) -> ssl.SSLContext | None:
    """A context for asyncio servers; None without a certificate. Raises SettingsError."""
    if not _configured(settings):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_passphrase)
    except (ssl.SSLError, OSError, ValueError):
        raise _unusable(settings) from None
    return context


def twisted_options(settings: TlsSettings) -> IOpenSSLContextFactory | None:
    """The same for Twisted's `startTLS` and TLS listeners. Raises SettingsError."""
    if not _configured(settings):
        return None
    # Hosts without Twisted must not pay for importing it.
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from OpenSSL import SSL  # noqa: PLC0415
    from twisted.internet.interfaces import IOpenSSLContextFactory  # noqa: PLC0415
    from zope.interface import implementer  # noqa: PLC0415

    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | int(ssl.OP_NO_RENEGOTIATION))
    context.set_mode(_SSL_MODE_RELEASE_BUFFERS)
    try:
        context.use_certificate_chain_file(settings.certificate)
        # Read by cryptography, which refuses an encrypted key where OpenSSL would ask at the terminal.
        key = serialization.load_pem_private_key(Path(settings.key).read_bytes(), password=None)
        context.use_privatekey(cast("Any", key))
        context.check_privatekey()
    except (SSL.Error, OSError, ValueError, TypeError):
        raise _unusable(settings) from None

    @implementer(IOpenSSLContextFactory)
    class ServerContextFactory:
        """One context for all connections: sessions resume, and nothing is read again."""

        def getContext(self) -> SSL.Context:  # noqa: N802  Twisted's name
            return context

    return cast("IOpenSSLContextFactory", ServerContextFactory())  # mypy does not see zope's interfaces


def _configured(settings: TlsSettings) -> bool:
    """True if both files are named and readable. Raises SettingsError if only one is, or one is not there."""
    if not settings.certificate and not settings.key:
        return False
    if not settings.certificate or not settings.key:
        raise SettingsError("[tls] needs both 'certificate' and 'key', or neither.")
    for name, path in (("certificate", settings.certificate), ("key", settings.key)):
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise SettingsError(f"[tls] {name} '{path}' cannot be read: {error.strerror}.") from None
    return True


def _unusable(settings: TlsSettings) -> SettingsError:
    return SettingsError(
        f"[tls] certificate '{settings.certificate}' and key '{settings.key}' are not a matching pair in PEM."
    )


def _no_passphrase() -> bytes:
    """Asked for by an encrypted key: nobody sits at the terminal, so the key is refused instead of a hang."""
    return b""
