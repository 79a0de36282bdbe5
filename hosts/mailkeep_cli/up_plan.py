"""What `mailkeep up` is asked for, and where everything then listens: values, decided before any start."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailkeep.errors import SettingsError
from mailkeep.net.development import DevelopmentCa
from mailkeep.net.listen import Endpoint

HOSTS = ("smtp", "imap", "pop3", "api")

# Listener name -> (offset from the port base, the setting that holds it).
LISTENERS: Mapping[str, tuple[int, str]] = {
    "mx": (25, "MAILKEEP_SMTP_MX"),
    "submission": (587, "MAILKEEP_SMTP_SUBMISSION"),
    "submissions": (465, "MAILKEEP_SMTP_SUBMISSIONS"),
    "imap": (143, "MAILKEEP_IMAP_PLAIN"),
    "imaps": (993, "MAILKEEP_IMAP_TLS"),
    "pop3": (110, "MAILKEEP_POP3_PLAIN"),
    "pop3s": (995, "MAILKEEP_POP3_TLS"),
    "api": (80, "MAILKEEP_API_LISTEN"),
}
# Host -> offset of the port where its operators look: for `mailkeep top`.
OPERATORS: Mapping[str, int] = {"smtp": 901, "pop3": 902, "imap": 903, "api": 904}
ROUTE = "MAILKEEP_RELAY_ROUTE"
PUBLIC_URL = "MAILKEEP_API_PUBLIC_URL"
LARGEST_PORT_BASE = 65535 - max(offset for offset, _ in LISTENERS.values())

DEMO_DOMAIN = "example.test"  # RFC 6761: never somebody's
DEMO_ADDRESS = f"demo@{DEMO_DOMAIN}"


@dataclass(frozen=True, slots=True)
class UpPlan:
    """The options of `mailkeep up`."""

    data_dir: Path
    database: str = field(default="", repr=False)  # may hold a password
    host: str = "127.0.0.1"
    port_base: int = 2000
    demo: bool = True
    insecure_loopback_auth: bool = False
    relay: bool = False
    ready_file: Path | None = None

    def __post_init__(self) -> None:
        """Raises SettingsError."""
        if not 0 <= self.port_base <= LARGEST_PORT_BASE:
            raise SettingsError(f"--port-base is a number between 0 and {LARGEST_PORT_BASE}.")

    def endpoint(self, listener: str) -> Endpoint:
        """Where a listener is bound."""
        return Endpoint(self.host, self.port_base + LISTENERS[listener][0])

    def client_endpoint(self, listener: str) -> Endpoint:
        """What a client on this machine connects to: a listener on every address is reached by loopback."""
        return Endpoint(reachable(self.host), self.endpoint(listener).port)

    @property
    def api_url(self) -> str:
        """The API's and the console's base URL, without a slash at the end."""
        return f"http://{self.client_endpoint('api')}"

    @property
    def internal_key_file(self) -> Path:
        """Where the hosts' own key lies, mode 0600."""
        return self.data_dir / "internal.key"

    @property
    def certificate_directory(self) -> Path:
        """Where the development CA lies."""
        return self.data_dir / "tls"

    @property
    def certificate_names(self) -> tuple[str, ...]:
        """Names beyond localhost that clients may use."""
        return (reachable(self.host), "example.test", "mail.example.test")

    def environment(self, inherited: Mapping[str, str], ca: DevelopmentCa) -> dict[str, str]:
        """The environment of every host: secrets travel here and never on a command line."""
        # What is tried out on one machine sends nothing into the world by accident.
        route = {} if self.relay or ROUTE in inherited else {ROUTE: "off"}
        listeners = {setting: str(self.endpoint(name)) for name, (_, setting) in LISTENERS.items()}
        operators = {f"MAILKEEP_METRICS_{host.upper()}": str(at) for host, at in operators_of(self.port_base)}
        return {
            **operators,
            **inherited,
            "MAILKEEP_STORE_DATA_DIR": str(self.data_dir),
            "MAILKEEP_STORE_DATABASE": self.database,
            "MAILKEEP_TLS_CERTIFICATE": str(ca.certificate),
            "MAILKEEP_TLS_KEY": str(ca.key),
            "MAILKEEP_AUTH_INSECURE_LOOPBACK_AUTH": "true" if self.insecure_loopback_auth else "false",
            PUBLIC_URL: inherited.get(PUBLIC_URL) or self.api_url,  # behind a proxy it is another
            "MAILKEEP_NOTIFY_API_URL": self.api_url,
            "MAILKEEP_NOTIFY_KEY_FILE": str(self.internal_key_file),
            **route,
            **listeners,
        }


def operators_of(port_base: int) -> Iterator[tuple[str, Endpoint]]:
    """Where operators look at each host: on loopback alone, because nobody logs in there."""
    for host, offset in OPERATORS.items():
        yield host, Endpoint("127.0.0.1", port_base + offset)


def reachable(host: str) -> str:
    """Where to connect to for what listens there."""
    if host == "*":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "::1" if address.version == 6 else "127.0.0.1"
