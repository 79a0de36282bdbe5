"""A private ACME authority: Let's Encrypt's Pebble, Debian's package, in a directory and on ports of its own.
It asks for proof as the real one does, in a DNS where every name is loopback."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from tests.support.ports import free_ports
from tests.support.programs import program

SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Authority:
    """`ca_file` is what its own HTTPS is verified by, `root_file` what verifies the certificates it issues.
    Proof is fetched from `http_port`."""

    url: str
    ca_file: Path
    root_file: Path
    http_port: int


@contextmanager
def acme_authority(directory: Path) -> Iterator[Authority]:
    """Running within the block. Without Pebble the test is skipped, or fails if clients are required."""
    directory.mkdir()
    commands = [program("pebble"), program("pebble-challtestsrv")]
    acme, management, http, dns, idle = free_ports(5)
    ca_file = _certify(directory)
    settings = directory / "pebble.json"
    settings.write_text(json.dumps({"pebble": _settings(directory, acme, management, http)}))
    off = ("-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"127.0.0.1:{idle}")
    with ExitStack() as running:
        names = [commands[1], *off, "-dns01", f"127.0.0.1:{dns}", "-defaultIPv6", ""]
        running.enter_context(_process(names, directory))
        server = [commands[0], "-config", str(settings), "-dnsserver", f"127.0.0.1:{dns}"]
        running.enter_context(_process(server, directory))
        root = _when_up(f"https://127.0.0.1:{management}/roots/0", ca_file, directory)
        (directory / "root.pem").write_bytes(root)
        yield Authority(f"https://127.0.0.1:{acme}/dir", ca_file, directory / "root.pem", http)


def _settings(directory: Path, acme: int, management: int, http: int) -> dict[str, object]:
    return {
        "listenAddress": f"127.0.0.1:{acme}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(directory / "own.pem"),
        "privateKey": str(directory / "own.key"),
        "httpPort": http,
        "tlsPort": http,  # nobody proves anything by TLS here
    }


def _certify(directory: Path) -> Path:
    """For the authority's own HTTPS."""
    ca = trustme.CA()
    made = ca.issue_cert("127.0.0.1", "localhost")
    (directory / "own.pem").write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
    (directory / "own.key").write_bytes(made.private_key_pem.bytes())
    ca.cert_pem.write_to_path(str(directory / "ca.pem"))
    return directory / "ca.pem"


@contextmanager
def _process(command: list[str], directory: Path) -> Iterator[None]:
    # Pebble refuses and delays at random, to teach its clients patience.
    environ = {"PATH": os.environ["PATH"], "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def _when_up(url: str, ca_file: Path, directory: Path) -> bytes:
    deadline = time.monotonic() + SECONDS
    context = ssl.create_default_context(cafile=str(ca_file))
    while True:
        try:
            with urllib.request.urlopen(url, timeout=SECONDS, context=context) as answer:
                octets: bytes = answer.read()
                return octets
        except OSError:
            assert time.monotonic() < deadline, (directory / "log").read_text(errors="replace")
            time.sleep(0.05)
