"""An authority for the certificates of other domains' servers."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme


@dataclass(frozen=True, slots=True)
class Authority:
    """`ca_file` is what senders trust; `server` makes a server's context, with a certificate for names."""

    ca: trustme.CA
    ca_file: str

    def server(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names).configure_cert(context)
        return context


def authority(path: Path) -> Authority:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(path))
    return Authority(ca, str(path))


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The one that senders trust."""
    return authority(tmp_path_factory.mktemp("trusted") / "ca.pem")


@pytest.fixture(scope="session")
def unknown(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another one."""
    return authority(tmp_path_factory.mktemp("unknown") / "ca.pem")
