"""What the store keeps of an account elsewhere, and how that and the operator's secrets become an account.

The configuration is a JSON object without a secret in it. Secrets are read at each opening and reload: from
the account's own file of variables if it names one, else from the environment.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from mailkeep import settings_credentials
from mailkeep.errors import SettingsError
from mailkeep.observe.logs import get_logger
from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.accounts import MailProtocol, Server, Transport, TransportConfig
from mailkeep.upstream.environment import DEFAULT_PREFIX, Names, auth_of
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh import refresh_provider
from mailkeep.upstream.refresh.base import OAuthClient, RefreshTokens
from mailkeep.upstream.secrets_file import read_env_file, write_env_file

log = get_logger(__name__)

FlagsMode = Literal["none", "pull", "push", "both"]
Deletions = Literal["keep", "mirror"]
SentCopy = Literal["here", "there"]

ALL_FOLDERS = "*"
BESIDE = Path("/etc/mailkeep/mailkeep.toml")  # where the command line, without a service manager, looks
LOCK_SECONDS = 40.0
LOCK_PAUSE_SECONDS = 0.05
INTERVAL_LEAST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """`folders` are names there, or "*". With `into`, what is fetched lies below that mailbox here.

    `address` is the user name there, and what it sends from unless `sender` says otherwise. `sent_copy` says
    who keeps a copy of what is sent: we in Sent, or the server, as Gmail and Outlook do.
    """

    address: str
    imap: str = ""
    smtp: str = ""
    ca_file: str = ""
    provider: str = ""
    client_id: str = ""
    scope: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    prefix: str = DEFAULT_PREFIX
    env_file: str = ""
    folders: tuple[str, ...] = ("INBOX",)
    into: str = ""
    flags: FlagsMode = "both"
    deletions: Deletions = "keep"
    interval_seconds: float = 300.0
    sender: str = ""
    sent_copy: SentCopy = "here"

    def __post_init__(self) -> None:
        """Raises UpstreamError with a sentence that names what is wrong."""
        Names(self.prefix)
        for server in (self.imap, self.smtp):
            if server:
                Server.parse(server)
        if not self.folders or not all(name and name.isprintable() for name in self.folders):
            raise _wrong("Name a folder, or * for all.")
        if not INTERVAL_LEAST_SECONDS <= self.interval_seconds <= 86_400:
            raise _wrong(f"The interval is from {INTERVAL_LEAST_SECONDS:g} to 86400 seconds.")

    @property
    def sends_from(self) -> str:
        """The address in From and in the envelope."""
        return self.sender or self.address

    def to_json(self) -> str:
        """As the store keeps it."""
        return msgspec.json.encode(self).decode()


def read_config(text: str) -> AccountConfig:
    """Raises UpstreamError."""
    try:
        return msgspec.json.decode(text, type=AccountConfig)
    except msgspec.MsgspecError as error:
        raise _wrong(f"The account's configuration cannot be used: {error}.") from None


class Secrets:
    """Where an account's secrets lie. Its methods block."""

    def __init__(self, config: AccountConfig) -> None:
        """Raises UpstreamError for a credential that is not there."""
        self._path = _path_of(config.env_file) if config.env_file else None
        self._names = Names(config.prefix)
        self._rotated: tuple[str, str] | None = None

    def variables(self) -> Mapping[str, str]:
        """As they are now. Raises UpstreamError if the file cannot be read."""
        return read_env_file(self._path) if self._path else os.environ

    @property
    def changed_at(self) -> int:
        """A number that changes when the file does; 0 without a file."""
        try:
            return self._path.stat().st_mtime_ns if self._path else 0
        except OSError:
            return 0

    def refresh_tokens(self) -> RefreshTokens:
        """For a refresh provider."""
        return RefreshTokens(self._refresh_token, self._keep, self._alone)

    def _refresh_token(self) -> str:
        """The one that was there, or what took its place and could not be written down."""
        found = self.variables().get(self._names.refresh_token, "")
        return self._rotated[1] if self._rotated and self._rotated[0] == found else found

    def _keep(self, token: str) -> None:
        """A rotated refresh token: into the file, or for this process's time if it cannot be written."""
        before = self.variables().get(self._names.refresh_token, "")
        if self._path is not None:
            try:
                write_env_file(self._path, {**read_env_file(self._path), self._names.refresh_token: token})
            except UpstreamError as error:
                log.warning("a new refresh token lasts as long as this process", reason=str(error))
            else:
                return
        self._rotated = (before, token)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Over all processes that can write the file; where nobody can, nothing of theirs is replaced."""
        if self._path is None:
            yield
            return
        try:
            lock = os.open(self._path.with_name(f".{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            yield
            return
        try:
            await _locked(lock)
            yield
        finally:
            os.close(lock)


async def _locked(descriptor: int) -> None:
    """Whoever holds it asks a provider, which has its own time limit. Raises UpstreamError."""
    for _ in range(round(LOCK_SECONDS / LOCK_PAUSE_SECONDS)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(LOCK_PAUSE_SECONDS)
        else:
            return
    raise UpstreamError(UpstreamCode.REFRESH_UNAVAILABLE, "Another process refreshes the token for too long.")


def _path_of(env_file: str) -> Path:
    """A path, or `credential:NAME` as in the settings."""
    try:
        found = settings_credentials.resolve(env_file, is_secret=False, config=BESIDE, environ=os.environ)
    except SettingsError as error:
        raise UpstreamError(UpstreamCode.CONFIG, str(error)) from None
    return Path(str(found))


def transports(config: AccountConfig, variables: Mapping[str, str]) -> TransportConfig:
    """All ways in of an account, whole. Raises UpstreamError."""
    names = Names(config.prefix)
    made = {}
    for protocol, server in ((MailProtocol.IMAP, config.imap), (MailProtocol.SMTP, config.smtp)):
        if server:
            auth, ends_at = auth_of(names, protocol, variables, is_refreshed=bool(config.provider))
            made[protocol.value] = Transport(
                Server.parse(server, config.ca_file), config.address, auth, ends_at
            )
    return TransportConfig(**made)


def open_account(name: str, config: AccountConfig) -> UpstreamAccount:
    """An account, alive. Blocks: it reads the secrets. Raises UpstreamError."""
    secrets = Secrets(config)
    variables = secrets.variables()
    client = OAuthClient(
        config.client_id or variables.get(f"{config.prefix}_OAUTH_CLIENT_ID", ""),
        variables.get(f"{config.prefix}_OAUTH_CLIENT_SECRET", ""),
        config.scope,
    )
    options = {"ca_file": config.ca_file, **config.options}
    provider = refresh_provider(config.provider, options, client, secrets.refresh_tokens())
    return UpstreamAccount(name, transports(config, variables), provider)


def _wrong(sentence: str) -> UpstreamError:
    return UpstreamError(UpstreamCode.CONFIG, sentence)
