"""One frozen tree of settings, read once at start from a TOML file and MAILKEEP_* variables.

Every host reads the same tree. A value in the environment wins over the file: `[smtp] hostname` is
`MAILKEEP_SMTP_HOSTNAME`. Unknown sections, unknown names and wrong types are errors that say what to
mend; nothing is read lazily and nothing can be changed later. Secrets are kept out of `repr`, and need not
stand in the file: see `mailkeep.settings_credentials`.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from mailkeep import settings_credentials
from mailkeep.errors import SettingsError
from mailkeep.settings_api import ApiSettings
from mailkeep.settings_dkim import DkimSettings
from mailkeep.settings_dns import DnsSettings
from mailkeep.settings_identity import IssuerSettings, check_development_key, has_public_listener
from mailkeep.settings_net import NetSettings
from mailkeep.settings_objects import ObjectSettings
from mailkeep.settings_reception import ReceptionSettings, check_networks
from mailkeep.settings_relay import RelaySettings
from mailkeep.settings_sessions import ProviderSettings, SessionSettings
from mailkeep.settings_submission import parse_send_as

PREFIX = "MAILKEEP_"
# Names of variables that differ from the rule: (section, setting).
NAMED_VARIABLES = {
    "MAILKEEP_JWT_DEVELOPMENT_KEY": ("auth", "jwt_development_key"),
    "SESSION_TIMEOUT": ("sessions", "timeout_seconds"),
    "SESSION_CLEANUP_INTERVAL": ("sessions", "cleanup_seconds"),
}
MIB = 1024 * 1024

Count = Annotated[int, msgspec.Meta(ge=1)]
Workers = Annotated[int, msgspec.Meta(ge=1, le=64)]
Limit = Annotated[int, msgspec.Meta(ge=0)]  # 0: none
Delay = Annotated[int, msgspec.Meta(ge=0, le=86400)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
BcryptCost = Annotated[int, msgspec.Meta(ge=4, le=14)]  # bcrypt's lowest; above, a login takes seconds


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where mail lies. An empty `database` means SQLite in `data_dir`."""

    data_dir: str = "data"
    database: str = field(default="", repr=False)  # may hold a password
    # Of PostgreSQL, for each process; up to three more carry single-statement commits, the feed and locks.
    pool_size: Count = 8
    timeout_seconds: Seconds = 10.0
    # What a user may hold, in octets and messages; `mailkeep users quota` sets another limit for one.
    quota_storage: Limit = 0
    quota_messages: Limit = 0
    # The same for an address that nobody has claimed: anybody may write there.
    unclaimed_storage: Limit = 100 * MIB
    unclaimed_messages: Limit = 10_000
    unclaimed_days: Limit = 0  # mail of such an address that is older goes; 0: kept until somebody comes
    collect_hours: Limit = 6  # between two looks for what no mailbox refers to any more; 0: never

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL: sqlite+aiosqlite:///... or postgresql+asyncpg://... Raises SettingsError."""
        if not self.database:
            return f"sqlite+aiosqlite:///{Path(self.data_dir).absolute() / 'mailkeep.sqlite3'}"
        _require_url(self.database)
        if self.database.startswith(("postgresql://", "postgres://")):
            return "postgresql+asyncpg://" + self.database.split("://", 1)[1]
        return self.database


@dataclass(frozen=True, slots=True)
class CertificateSettings:
    """One `[[tls.certificates]]`: for clients that ask for a name that stands in it."""

    certificate: str  # PEM, the whole chain
    key: str  # PEM, without a passphrase


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Certificate chain and key as PEM files; without them the TLS listeners and STARTTLS are off."""

    certificate: str = ""  # for clients that ask for no name, or for one that no certificate has
    key: str = ""
    certificates: tuple[CertificateSettings, ...] = ()  # further ones, chosen by SNI
    profile: Literal["intermediate", "modern"] = "intermediate"  # TLS 1.2 and 1.3, or 1.3 alone


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """The one door."""

    bcrypt_cost: BcryptCost = 4  # keys hold 256 random bits: see docs/security.md
    insecure_loopback_auth: bool = False
    dummy_verifications: bool = True
    verified_key_seconds: Seconds = 300.0
    last_used_flush_seconds: Seconds = 5.0
    audit_days: Count = 180  # how long it is kept who logged in, from where
    issuers: tuple[IssuerSettings, ...] = ()
    token_grace_seconds: float = 300.0  # what a session may outlive its token by
    # Without issuers. "auto": tokens are taken unless a listener is public; "on" takes them even then.
    development_tokens: Literal["auto", "on", "off"] = "auto"
    jwt_development_key: str = field(default="", repr=False)  # empty: a random one, gone at the next start

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        check_development_key(self.jwt_development_key)
        known = [issuer.issuer.casefold() for issuer in self.issuers]
        if len(set(known)) < len(known):
            raise ValueError("two issuers have the same URL")
        if not 0 <= self.token_grace_seconds <= 86400:
            raise ValueError("token_grace_seconds is from 0 to 86400")


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Listeners are "host:port" lists; an empty list is no such listener."""

    hostname: str = "localhost"
    mx: tuple[str, ...] = ()
    submission: tuple[str, ...] = ()
    submissions: tuple[str, ...] = ()
    workers: Workers = 1  # processes on the same listeners; each takes its own connections and limits
    lmtp: tuple[str, ...] = ()  # for an MTA in front; never port 25 (RFC 2033 section 5)
    xclient_networks: tuple[str, ...] = ()  # who may say whom they speak for
    max_message_size: Count = 50 * MIB
    max_recipients: Count = 1000  # RFC 5321 section 4.5.3.1.8 asks for at least 100
    max_connections: Count = 2000
    max_connections_per_network: Count = 200
    command_timeout_seconds: Seconds = 300.0  # RFC 5321 section 4.5.3.2
    data_timeout_seconds: Seconds = 300.0
    max_errors: Count = 20
    max_hold_seconds: Count = 30 * 86400  # for how long a message may wait before it is sent (RFC 4865)
    # Keys that may send as every address of a domain, for programs that write in its name: "id=domain", with
    # the id that `mailkeep keys list` shows. Others send as their user's own addresses alone.
    send_as: tuple[str, ...] = ()
    recipients_per_key: Limit = 1000  # of one key, or one user's tokens, in a minute; 0: no limit
    save_to_sent: bool = False  # what is submitted also into its author's Sent; clients need not upload it
    max_received: Count = 100  # RFC 5321 section 6.3 asks for at least 100 hops
    # What other servers do that cannot reach `hostname` by TLS (RFC 8461): the API host publishes it.
    mta_sts_mode: Literal["none", "testing", "enforce"] = "testing"

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        check_networks("xclient_networks", self.xclient_networks)
        parse_send_as(self.send_as)
        if any(place.rpartition(":")[2] == "25" for place in self.lmtp):
            raise ValueError("lmtp: LMTP is not spoken on port 25 (RFC 2033 section 5)")


@dataclass(frozen=True, slots=True)
class Pop3Settings:
    """RFC 1939. With `login_delay_seconds` a user is let in again only so long after the last login (RFC 2449
    section 6.5), counted in each process."""

    plain: tuple[str, ...] = ()
    tls: tuple[str, ...] = ()
    workers: Workers = 1  # processes on the same listeners; each takes its own connections and limits
    idle_timeout_seconds: Seconds = 600.0  # RFC 1939 section 3: at least ten minutes
    max_connections: Count = 2000
    max_connections_per_network: Count = 200
    max_errors: Count = 20
    login_delay_seconds: Delay = 0


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """RFC 9051."""

    plain: tuple[str, ...] = ()
    tls: tuple[str, ...] = ()
    workers: Workers = 1  # processes on the same listeners; each takes its own connections and limits
    idle_timeout_seconds: Seconds = 1800.0  # RFC 9051 section 5.4: at least 30 minutes
    login_timeout_seconds: Seconds = 60.0
    max_connections: Count = 20000
    max_connections_per_network: Count = 2000
    max_append_size: Count = 50 * MIB
    max_errors: Count = 20
    submission_users: tuple[str, ...] = ()  # who may fetch URLs made for submission (RFC 4467 section 3)
    progress_seconds: Seconds = 15.0  # RFC 9585 section 4: every 10 to 15 seconds of a command
    # What clients may show of this service (RFC 5464 section 6.2): a URI of its operator, and a line of text.
    admin: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """How hosts reach the API. The key file holds one API key with the scope `internal`, mode 0600."""

    api_url: str = ""
    key_file: str = ""
    ca_file: str = ""
    retry_seconds: Seconds = 1.0
    lease_seconds: Seconds = 30.0


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where each host answers /metrics and /health. Nobody logs in there: loopback, or a network of yours.
    Commands that take `slow_command_seconds` or longer are listed in /slow."""

    smtp: tuple[str, ...] = ()
    pop3: tuple[str, ...] = ()
    imap: tuple[str, ...] = ()
    api: tuple[str, ...] = ()
    slow_command_seconds: Seconds = 0.5


@dataclass(frozen=True, slots=True)
class LogSettings:
    """One line an event, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole tree."""

    store: StoreSettings = StoreSettings()
    objects: ObjectSettings = field(default_factory=ObjectSettings)
    tls: TlsSettings = TlsSettings()
    auth: AuthSettings = AuthSettings()
    net: NetSettings = field(default_factory=NetSettings)
    dkim: DkimSettings = field(default_factory=DkimSettings)
    dns: DnsSettings = field(default_factory=DnsSettings)
    smtp: SmtpSettings = SmtpSettings()
    reception: ReceptionSettings = field(default_factory=ReceptionSettings)
    pop3: Pop3Settings = Pop3Settings()
    imap: ImapSettings = ImapSettings()
    api: ApiSettings = field(default_factory=ApiSettings)
    sessions: SessionSettings = field(default_factory=SessionSettings)
    notify: NotifySettings = NotifySettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    relay: RelaySettings = field(default_factory=RelaySettings)


# Arrays of tables: (section, setting) -> the class of one table.
_TABLES: Mapping[tuple[str, str], type] = {
    ("auth", "issuers"): IssuerSettings,
    ("tls", "certificates"): CertificateSettings,
    ("sessions", "providers"): ProviderSettings,
}


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the tree. Without `path`, the file that MAILKEEP_CONFIG names, if any.

    Raises SettingsError with a sentence that names the setting.
    """
    environ = os.environ if environ is None else environ
    named = path or (Path(environ["MAILKEEP_CONFIG"]) if environ.get("MAILKEEP_CONFIG") else None)
    tree = _read_file(named) if named else {}
    for section in fields(Settings):
        _overlay(tree, section.name, _section_class(section.name), environ)
        _require_known(section.name, environ)
    for variable, (name, entry) in NAMED_VARIABLES.items():
        if environ.get(variable):
            tree.setdefault(name, {})[entry] = environ[variable]
    for (section_name, table_name), table in _TABLES.items():
        _check_tables(tree, section_name, table_name, table)
    _resolve_credentials(tree, named, environ)
    try:
        settings = _without_public_development(msgspec.convert(tree, Settings, strict=False))
    except msgspec.ValidationError as error:
        raise SettingsError(f"The settings cannot be used: {error}.") from None
    if settings.store.database:
        _require_url(settings.store.database)
    return settings


def _require_url(database: str) -> None:
    """What can be seen without a driver. The text stays out of the sentence: it may hold a password."""
    try:
        parts = urlsplit(database)
        readable = bool(parts.scheme) and (parts.port is None or parts.port > 0)
    except ValueError:  # an open bracket, a port that is no number
        readable = False
    if not readable:
        raise SettingsError("[store] database is not a database URL.")


def _check_tables(tree: Mapping[str, Any], section: str, name: str, table: type) -> None:
    """Unknown names in an array of tables, which the conversion would pass over."""
    entries = tree.get(section, {}).get(name, ())
    allowed = {entry.name for entry in fields(table)}
    for given in entries if isinstance(entries, list) else ():
        for entry in given if isinstance(given, dict) else ():
            if entry not in allowed:
                raise SettingsError(f"[[{section}.{name}]] has no setting '{entry}'.")


def _resolve_credentials(tree: dict[str, Any], config: Path | None, environ: Mapping[str, str]) -> None:
    def resolve_all(values: dict[str, Any], section: type) -> None:
        for entry in fields(section):
            if entry.name in values:
                values[entry.name] = settings_credentials.resolve(
                    values[entry.name], is_secret=not entry.repr, config=config, environ=environ
                )

    for name, values in tree.items():
        resolve_all(values, _section_class(name))
    for (name, table_name), table in _TABLES.items():
        given = tree.get(name, {}).get(table_name, ())
        for values in given if isinstance(given, list) else ():
            if isinstance(values, dict):
                resolve_all(values, table)


def _without_public_development(settings: Settings) -> Settings:
    """Whoever holds the development key is everybody: a public listener and that key exclude each other."""
    auth = settings.auth
    if auth.issuers or auth.development_tokens != "auto" or not has_public_listener(_listeners(settings)):
        return settings
    if auth.jwt_development_key:
        raise SettingsError(
            "[auth] jwt_development_key is for development and a listener is public: set [auth] issuers,"
            ' remove the key, or force it by development_tokens = "on".'
        )
    return replace(settings, auth=replace(auth, development_tokens="off"))


def _listeners(settings: Settings) -> tuple[str, ...]:
    smtp, pop3, imap = settings.smtp, settings.pop3, settings.imap
    incoming = (*smtp.mx, *smtp.lmtp, *smtp.submission, *smtp.submissions)
    return (*incoming, *pop3.plain, *pop3.tls, *imap.plain, *imap.tls, *settings.api.listen)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} is not TOML: {error}.") from None
    known = {section.name for section in fields(Settings)}
    for name, section in tree.items():
        if name not in known or not isinstance(section, dict):
            raise SettingsError(f"The settings file {path} has no place for '{name}'.")
        allowed = {entry.name for entry in fields(_section_class(name))}
        for entry in section:
            if entry not in allowed:
                raise SettingsError(f"[{name}] in {path} has no setting '{entry}'.")
    return tree


def _overlay(tree: dict[str, Any], name: str, section: type, environ: Mapping[str, str]) -> None:
    for entry in fields(section):
        value = environ.get(f"{PREFIX}{name}_{entry.name}".upper())
        if value is not None:
            tree.setdefault(name, {})[entry.name] = _from_environment(entry.name, value, str(entry.type))


def _require_known(name: str, environ: Mapping[str, str]) -> None:
    """A variable of a section that names no setting of it is a slip that somebody would look for long."""
    prefix = f"{PREFIX}{name}_".upper()
    allowed = {f"{prefix}{entry.name}".upper() for entry in fields(_section_class(name))}
    for variable in environ:
        if variable.startswith(prefix) and variable not in allowed and variable not in NAMED_VARIABLES:
            raise SettingsError(f"[{name}] has no setting for the variable {variable}.")


def _from_environment(name: str, value: str, declared: str) -> object:
    if declared.startswith("tuple[str"):
        return [part.strip() for part in value.split(",") if part.strip()]
    if declared.startswith("tuple["):  # tables: JSON, because nothing else fits into one variable
        try:
            return json.loads(value or "[]")
        except ValueError:
            raise SettingsError(f"The variable for '{name}' holds a JSON array of objects.") from None
    return value


def _section_class(name: str) -> type:
    return type(getattr(Settings(), name))
