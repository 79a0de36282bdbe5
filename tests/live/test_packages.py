"""The wheel and the source distribution hold all that Mailkeep needs, away from the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

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
        one.extractall(tmp_path / "installed")
    # -S leaves out the repository, which is installed by a .pth file; the libraries are named one by one.
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAILKEEP_")},
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "installed"), *libraries]),
    }
    program = "import mailkeep, sys; from mailkeep_cli.main import main; print(mailkeep.__file__); main()"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", program, "migrate", "--data-dir", str(tmp_path / "data"), "--json"],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    where, _, answer = ran.stdout.partition("\n")
    assert Path(where).is_relative_to(tmp_path / "installed")
    assert json.loads(answer)["version"]
