"""The key by which push services know this server (VAPID, RFC 8292).

A browser's subscription holds for one key, so it must stay: it is read from its file, and made there at the
first use. Everything here blocks; callers use a thread.
"""

from __future__ import annotations

import base64
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mailkeep.errors import SettingsError

if TYPE_CHECKING:
    from py_vapid import Vapid02

TOKEN_SECONDS = 12 * 3600  # RFC 8292 section 2: at most 24 hours


@dataclass(frozen=True, slots=True)
class VapidKey:
    """Signs for this server. `public` is what a browser subscribes with, in base64url."""

    public: str
    subject: str
    _signer: Vapid02 = field(repr=False)

    def authorization(self, endpoint: str) -> str:
        """The Authorization field for one push service."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(time.time()) + TOKEN_SECONDS,
            "sub": self.subject,
        }
        signed: dict[str, str] = self._signer.sign(claims)
        return signed["Authorization"]


def load(path: Path, subject: str) -> VapidKey:
    """The key in this file, made if there is none. Raises SettingsError."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415
    from py_vapid import Vapid02  # noqa: PLC0415  100 ms that only those pay who push

    try:
        pem = path.read_bytes() if path.exists() else _make(path)
        signer = Vapid02.from_pem(pem)
    except (OSError, ValueError) as error:
        raise SettingsError(f"[api] push_key_file: {path} holds no key that can be used.") from error
    point = signer.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return VapidKey(base64.urlsafe_b64encode(point).rstrip(b"=").decode(), subject, signer)


def _make(path: Path) -> bytes:
    """A new key, of which several processes that start at once keep the same."""
    from py_vapid import Vapid02  # noqa: PLC0415

    made = Vapid02()
    made.generate_keys()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(made.private_pem())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was faster: its key counts
    finally:
        draft.unlink()
    return path.read_bytes()
