"""The TLS of connections to other mail servers: verified, always."""

from __future__ import annotations

import ssl

from mailkeep.upstream.accounts import Server


def context_for(server: Server) -> ssl.SSLContext:
    """Blocks: it reads certificates. Raises OSError if the private CA cannot be read."""
    context = ssl.create_default_context(cafile=server.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
