"""Private keys for DKIM, as files: DOMAIN/SELECTOR.pem, mode 0600 in a directory of mode 0700.

They are never in the database: whoever reads a backup of mail cannot sign as its domains. A key that others
can read, or that is none, is left out with a line in the log, since one bad file must not stop all mail.
Where a service manager hands the directory over as credentials, DIRECTORY/DOMAIN/SELECTOR.pem is one file,
DIRECTORY_DOMAIN_SELECTOR.pem (systemd.exec(5), LoadCredential=); no domain and no selector has a _ in it.
"""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mailkeep.errors import AlreadyExists, InvalidName, NotFound, SettingsError
from mailkeep.model.address import normal_domain
from mailkeep.observe.logs import get_logger

if TYPE_CHECKING:
    from mailkeep.mailauth.dkim import SigningKey

RSA_BITS = 2048  # RFC 8301 section 3.2; 4096 does not fit into one string of a TXT record, and gains little
SELECTORS_LIMIT = 8  # keys of one domain that sign; as many are verified of one message
KEY_FILE_LIMIT = 16 * 1024  # octets

Algorithm = Literal["rsa", "ed25519"]

_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_SUFFIX = ".pem"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """What belongs into DNS. `name` is where, `value` the TXT record's text."""

    domain: str
    selector: str
    algorithm: Algorithm
    value: str

    @property
    def name(self) -> str:
        """RFC 6376 section 3.6.2.1."""
        return f"{self.selector}._domainkey.{self.domain}"


class DkimKeyFiles:
    """The keys of all domains. Its methods read and write files: for threads, or for the command line."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def add(self, domain: str, selector: str, algorithm: Algorithm) -> PublishedKey:
        """Make a key. Raises AlreadyExists, InvalidName, SettingsError if it cannot be written."""
        path = self._path(domain, selector)
        if len(self._files(domain)) >= SELECTORS_LIMIT:
            raise AlreadyExists(f"The domain {domain} has {SELECTORS_LIMIT} keys already; remove one first.")
        key, text = _generate(algorithm)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise AlreadyExists(f"The domain {domain} has a key under {selector} already.") from None
        except OSError as error:
            raise SettingsError(f"The key '{path}' cannot be written: {error.strerror}.") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return PublishedKey(normal_domain(domain), selector, algorithm, _record(key))

    def remove(self, domain: str, selector: str) -> None:
        """Sign with it no more. Raises NotFound, InvalidName, SettingsError."""
        path = self._path(domain, selector)
        try:
            path.unlink()
        except FileNotFoundError:
            raise NotFound(f"The domain {domain} has no key under {selector}.") from None
        except OSError as error:
            raise SettingsError(f"The key '{path}' cannot be removed: {error.strerror}.") from None

    def published(self, domain: str) -> list[PublishedKey]:
        """What belongs into DNS for a domain, by selector."""
        return [
            PublishedKey(key.domain, key.selector, _algorithm(key), _record(key)) for key in self.load(domain)
        ]

    def load(self, domain: str) -> list[SigningKey]:
        """The keys that sign for a domain, by selector."""
        found = (_load(normal_domain(domain), path) for path in self._files(domain)[:SELECTORS_LIMIT])
        return [key for key in found if key is not None]

    def _files(self, domain: str) -> list[Path]:
        directory = self._directory / normal_domain(domain)
        try:
            found = sorted(directory.glob(f"*{_SUFFIX}"))
            handed_over = f"{self._directory.name}_{normal_domain(domain)}_*{_SUFFIX}"
            return found or sorted(self._directory.parent.glob(handed_over))
        except OSError as error:
            log.error("DKIM keys cannot be listed", domain=domain, error=error.strerror)
            return []

    def _path(self, domain: str, selector: str) -> Path:
        if not _SELECTOR.match(selector):
            raise InvalidName("A selector is made of a-z, 0-9 and hyphens, at most 63 of them.")
        return self._directory / normal_domain(domain) / f"{selector}{_SUFFIX}"


def _load(domain: str, path: Path) -> SigningKey | None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    from mailkeep.mailauth.dkim import SigningKey  # noqa: PLC0415  the host that has no key pays nothing

    try:
        with open(path, "rb") as file:
            if _is_exposed(os.fstat(file.fileno())):
                log.error("a DKIM key that others can read does not sign", key=str(path))
                return None
            loaded = load_pem_private_key(file.read(KEY_FILE_LIMIT), password=None)
        return SigningKey.of(domain, path.stem.rpartition("_")[2], loaded)
    except OSError as error:
        log.error("a DKIM key cannot be read", key=str(path), error=error.strerror)
    except (ValueError, TypeError):  # not PEM, encrypted, or of another kind
        log.error("a DKIM key is not an RSA or Ed25519 key in PEM", key=str(path))
    return None


def _is_exposed(status: os.stat_result) -> bool:
    """Of another owner's file (root's, as credentials are), our group is how we can read it."""
    others = 0o077 if status.st_uid == os.geteuid() else 0o007
    return bool(status.st_mode & others)


def _generate(algorithm: Algorithm) -> tuple[SigningKey, bytes]:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415

    from mailkeep.mailauth.dkim import SigningKey  # noqa: PLC0415

    made = (
        rsa.generate_private_key(65537, RSA_BITS)
        if algorithm == "rsa"
        else ed25519.Ed25519PrivateKey.generate()
    )
    text = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SigningKey("", "", made), text


def _algorithm(key: SigningKey) -> Algorithm:
    return "rsa" if key.algorithm.startswith("rsa") else "ed25519"


def _record(key: SigningKey) -> str:
    """RFC 6376 section 3.6.1, RFC 8463 section 4."""
    return f"v=DKIM1; k={_algorithm(key)}; p={base64.b64encode(key.public_octets()).decode('ascii')}"
