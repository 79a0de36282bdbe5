"""The certificates as clients see them: chain, name, end. A handshake in memory, with the system's trust."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailkeep.errors import SettingsError
from mailkeep.model.finding import Finding, failure, ok, warning
from mailkeep.net.tls import ServerTls
from mailkeep.settings import Settings

CHECK = "tls"
ENDS_SOON = timedelta(days=14)
STEPS = 10


def check(settings: Settings, trusted: str | None = None) -> Iterator[Finding]:
    """`trusted` is a CA file instead of the system's."""
    tls = settings.tls
    if not tls.certificate and not tls.certificates:
        return
    try:
        server = ServerTls(tls)
    except SettingsError as error:
        yield failure(CHECK, str(error), "Put both files there in PEM, readable by the hosts' user.")
        return
    for path in (tls.certificate, *(pair.certificate for pair in tls.certificates)):
        if path:
            yield from _one(path, server, settings, trusted)


def _one(path: str, server: ServerTls, settings: Settings, trusted: str | None) -> Iterator[Finding]:
    from cryptography import x509  # noqa: PLC0415  not needed by who asks for help

    leaf = x509.load_pem_x509_certificate(Path(path).read_bytes())
    left = leaf.not_valid_after_utc - datetime.now(UTC)
    if left < timedelta():
        yield failure(CHECK, f"The certificate in '{path}' has ended.", "Renew it, then reload the hosts.")
        return
    if left < ENDS_SOON:
        sentence = f"The certificate in '{path}' ends in {left.days} days."
        yield warning(CHECK, sentence, "Renew it, then reload the hosts.")
    name = settings.smtp.hostname if path == settings.tls.certificate else _first_name(leaf)
    reason = objection(server, name, trusted)
    if reason:
        mend = "Use the full chain, for the names that clients use, of a CA that they trust."
        yield failure(CHECK, f"Clients that ask '{name}' for '{path}' refuse it: {reason}.", mend)
    else:
        yield ok(CHECK, f"'{path}' serves '{name}' for another {left.days} days.")


def _first_name(leaf: object) -> str:
    from cryptography import x509  # noqa: PLC0415  as above

    assert isinstance(leaf, x509.Certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)[0].replace("*", "mail")


def objection(server: ServerTls, name: str, trusted: str | None) -> str:
    """Why a client that asks for this name does not trust what it gets; "" if it does."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context(cafile=trusted).wrap_bio(to_client, to_server, server_hostname=name)
    served = server.context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(STEPS):
        for end in (client, served):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return str(error.verify_message)
            except ssl.SSLError as error:
                return str(error.reason or error)
            if end is client:
                return ""
    return "the handshake does not end"
