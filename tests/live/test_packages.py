"""The wheel and the source distribution hold all that Mailkeep needs, away from the repository."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tests.support.clients import beneath_trace, deliver, message, read_imap
from tests.support.hosts import HOSTS, MailkeepUp, command_line
from tests.support.machine import REPOSITORY


def build(kind: str, source: Path, target: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=240)
    (built,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def test_the_source_distribution_makes_the_same_wheel_and_the_wheel_works_alone(tmp_path: Path) -> None:
    direct = build("wheel", REPOSITORY, tmp_path / "direct")
    with tarfile.open(build("sdist", REPOSITORY, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    assert (source / "systemd" / "mailkeep.target").exists()
    again = build("wheel", source, tmp_path / "again")
    with zipfile.ZipFile(direct) as one, zipfile.ZipFile(again) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
        assert not [name for name in one.namelist() if name.startswith(("tests/", "bench/"))]
    made = installed(direct, tmp_path / "venv")
    assert (made / "share" / "man" / "man1" / "mailkeep.1").read_text().startswith(".TH MAILKEEP 1")
    with MailkeepUp(tmp_path / "up", program=made / "bin" / "mailkeep") as up:
        octets = message(up.demo.address)
        deliver(up, up.demo.address, octets)
        assert [beneath_trace(one) for one in read_imap(up, up.demo)] == [octets]
        hosts = [pid for host in HOSTS for pid in up.pids(host)]
        assert all(command_line(pid).startswith(f"{made}/bin/python") for pid in hosts)


def installed(wheel: Path, venv: Path) -> Path:
    """A new environment with the wheel in it, as pip and pipx make them. The libraries are the tests' own:
    their directory is named, but what its .pth files name, the repository, is not."""
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, capture_output=True, timeout=240)
    pip = [venv / "bin" / "pip", "--disable-pip-version-check", "install", "--no-index", "--no-deps", wheel]
    subprocess.run(pip, check=True, capture_output=True, timeout=240)
    (packages,) = venv.glob("lib/python*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries))
    program = "import mailkeep, mailkeep_imap; print(mailkeep.__file__)"
    python = venv / "bin" / "python"
    ran = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert Path(ran.stdout.strip()).is_relative_to(packages)
    return venv
