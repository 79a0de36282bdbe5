"""Settings of the object store: where the larger part of large messages goes when they have aged.

It is reached by TLS with a certificate that is checked. In the clear it is spoken to on this machine alone,
or where the settings say so in as many words: a private network of containers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}\Z")
_PREFIX = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*\Z")


@dataclass(frozen=True, slots=True)
class ObjectSettings:
    """An S3-compatible object store for the larger part of large messages (docs/storage.md). Without `bucket`
    there is none. Every host on the store has the same section."""

    bucket: str = ""  # it is there already; nothing else writes below `prefix`
    endpoint: str = ""  # https://HOST or https://HOST:PORT; empty: Amazon's, of the region
    region: str = "us-east-1"
    prefix: str = ""  # what every key begins with, as in "mailkeep/"; one for each store that shares a bucket
    access_key: str = field(default="", repr=False)  # empty, at Amazon's alone: the instance's role
    secret_key: str = field(default="", repr=False)
    path_style: bool = True  # False: the bucket is part of the host's name
    ca_file: str = ""  # certificates that are trusted besides the system's
    insecure_http: bool = False  # True lets `endpoint` be http:// beyond this machine, for a private network
    move: bool = True  # False: what was moved is read, and nothing more is moved
    # How long content stays in the database after it was last received. 0: until the next run.
    after_days: Annotated[int, msgspec.Meta(ge=0, le=36500)] = 30
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = (
        10.0  # for an answer; it is asked three times at most
    )

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        if not self.bucket:
            return
        if not _BUCKET.match(self.bucket):
            raise ValueError("bucket holds letters, digits, dots and hyphens, 3 to 63 of them")
        if not _PREFIX.match(self.prefix) or len(self.prefix) > 200:
            raise ValueError('prefix is empty, or names with a slash behind each, as in "mailkeep/"')
        if bool(self.access_key) != bool(self.secret_key):
            raise ValueError("access_key and secret_key belong together")
        if self.endpoint:
            self._check_endpoint()

    def _check_endpoint(self) -> None:
        try:
            parts = urlsplit(self.endpoint)
            place = parts.hostname if parts.port is None or parts.port > 0 else None
        except ValueError:  # an open bracket, a port that is no number
            place = None
        if not place or parts.scheme not in {"http", "https"} or parts.path.strip("/") or "@" in parts.netloc:
            raise ValueError("endpoint is https://HOST or https://HOST:PORT")
        if parts.query or parts.fragment:
            raise ValueError("endpoint is https://HOST or https://HOST:PORT")
        if parts.scheme == "http" and place not in LOOPBACK and not self.insecure_http:
            raise ValueError("endpoint is https://, or insecure_http says that it need not be")
        if not self.access_key:
            raise ValueError("access_key and secret_key are needed for an endpoint")
