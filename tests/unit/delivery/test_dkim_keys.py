"""Keys as private files, and signing with what is there."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailkeep.delivery import signing
from mailkeep.delivery.dkim_keys import SELECTORS_LIMIT, DkimKeyFiles
from mailkeep.delivery.signing import Signer
from mailkeep.errors import AlreadyExists, InvalidName, NotFound, SettingsError
from mailkeep.mailauth.message import in_memory

MESSAGE = in_memory(b"From: a@example.test\r\n\r\nHello.\r\n")


@pytest.fixture
def files(tmp_path: Path) -> DkimKeyFiles:
    return DkimKeyFiles(tmp_path / "data" / "dkim")


def path_of(tmp_path: Path, selector: str) -> Path:
    return tmp_path / "data" / "dkim" / "example.test" / f"{selector}.pem"


def test_keys_are_files_of_their_owner_alone(files: DkimKeyFiles, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        files.add("EXAMPLE.test", "one", "rsa")
    finally:
        os.umask(old)
    path = path_of(tmp_path, "one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_published_is_what_signs(files: DkimKeyFiles) -> None:
    made = [files.add("example.test", "two", "ed25519"), files.add("example.test", "one", "rsa")]
    assert files.published("example.test") == made[::-1]
    ed25519, rsa = made
    assert (rsa.name, ed25519.name) == ("one._domainkey.example.test", "two._domainkey.example.test")
    assert len(base64.b64decode(ed25519.value.removeprefix("v=DKIM1; k=ed25519; p="))) == 32
    assert [key.algorithm for key in files.load("example.test")] == ["rsa-sha256", "ed25519-sha256"]


def test_a_key_is_never_written_over(files: DkimKeyFiles) -> None:
    before = files.add("example.test", "one", "ed25519")
    with pytest.raises(AlreadyExists):
        files.add("example.test", "one", "rsa")
    assert files.published("example.test") == [before]
    files.remove("example.test", "one")
    assert files.published("example.test") == []
    with pytest.raises(NotFound):
        files.remove("example.test", "one")


@pytest.mark.parametrize("selector", ["", "..", "a/b", "A", "a.b", "-a", "x" * 64, "a b"])
def test_what_is_no_selector(files: DkimKeyFiles, selector: str) -> None:
    with pytest.raises(InvalidName):
        files.add("example.test", selector, "ed25519")


@pytest.mark.parametrize("domain", ["../example.test", "", "example/../.."])
def test_what_is_no_domain(files: DkimKeyFiles, domain: str) -> None:
    with pytest.raises(InvalidName):
        files.add(domain, "one", "ed25519")


def test_as_many_sign_as_are_verified(files: DkimKeyFiles) -> None:
    for number in range(SELECTORS_LIMIT):
        files.add("example.test", f"s{number}", "ed25519")
    with pytest.raises(AlreadyExists, match="remove one"):
        files.add("example.test", "more", "ed25519")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SettingsError, match="file"):
        DkimKeyFiles(tmp_path / "file").add("example.test", "one", "ed25519")


def test_one_bad_file_stops_nobody(files: DkimKeyFiles, tmp_path: Path) -> None:
    good = files.add("example.test", "good", "ed25519")
    files.add("example.test", "open", "ed25519")
    path_of(tmp_path, "open").chmod(0o640)
    other = ec.generate_private_key(ec.SECP256R1())
    for name, octets in (
        ("junk", b"junk"),
        ("other", other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
    ):
        path_of(tmp_path, name).write_bytes(octets)
        path_of(tmp_path, name).chmod(0o600)
    path_of(tmp_path, "dangling").symlink_to("nowhere")
    assert files.published("example.test") == [good]


async def test_a_new_key_signs_when_what_was_remembered_has_aged(
    files: DkimKeyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "KEYS_SECONDS", 0.0)
    signer = Signer(files)
    assert await signer.sign("example.test", MESSAGE) == b""
    files.add("example.test", "one", "ed25519")
    files.add("example.test", "two", "rsa")
    assert (await signer.sign("example.test", MESSAGE)).count(b"DKIM-Signature: ") == 2
    assert await signer.sign("other.test", MESSAGE) == b""


def test_keys_that_a_service_manager_hands_over_sign(files: DkimKeyFiles, tmp_path: Path) -> None:
    """As systemd does with a directory: all files side by side, of root, readable by the service's group."""
    made = [files.add("example.test", name, "ed25519") for name in ("one", "two")]
    files.add("further.example.test", "three", "ed25519")
    given = tmp_path / "given"
    given.mkdir()
    for path in (tmp_path / "data" / "dkim").rglob("*.pem"):
        path.rename(given / f"mailkeep_dkim_{path.parent.name}_{path.name}")
    handed_over = DkimKeyFiles(given / "mailkeep_dkim")
    assert handed_over.published("example.test") == made
    assert [key.selector for key in handed_over.published("further.example.test")] == ["three"]
    assert handed_over.published("other.test") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
@pytest.mark.parametrize(("mode", "signs"), [(0o640, True), (0o644, False)])
def test_a_key_of_another_s_may_be_read_by_the_group_alone(
    files: DkimKeyFiles, tmp_path: Path, mode: int, signs: bool
) -> None:
    files.add("example.test", "one", "ed25519")
    path = path_of(tmp_path, "one")
    os.chown(path, 65534, -1)
    path.chmod(mode)
    assert bool(files.load("example.test")) is signs
