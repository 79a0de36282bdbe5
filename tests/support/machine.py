"""A Debian machine of its own: made with debootstrap, booted by systemd-nspawn, without a network.

What takes minutes (Debian, the libraries) is made once and kept in the cache directory, under a name that
changes with its contents; each machine is an overlay over it and leaves nothing. It needs root, and a kernel
that takes part. `MAILKEEP_TEST_CACHE` names another cache directory.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
RECIPE = "1"  # count on when `_make` changes
SUITE = "bookworm"
PYTHON = (3, 11)  # Debian's in that suite: libraries are built by the Python that runs the tests
PACKAGES = ("systemd", "systemd-sysv", "dbus", "python3", "python3-venv", "postgresql")
PROGRAMS = ("debootstrap", "systemd-nspawn", "nsenter")
MIRROR = "http://deb.debian.org/debian"
MAKE_SECONDS = 900.0
BOOT_SECONDS = 90.0
COMMAND_SECONDS = 300.0
MEMORY = Path("/dev/shm")  # files come and go by the ten thousand, which takes disks minutes
MEMORY_LIMIT = "3g"  # for what a machine writes


def missing() -> str:
    """Why no machine can be made here; "" if one can."""
    if os.geteuid() != 0:
        return "needs root"
    if sys.version_info[:2] != PYTHON:
        return f"needs Python {PYTHON[0]}.{PYTHON[1]}, which is Debian's"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"needs {', '.join(absent)}" if absent else ""


class Machine:
    """Use as a context manager: booted within, gone afterwards. Files are placed below `root` before."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._directory = Path(tempfile.mkdtemp(prefix="mkmachine-"))
        self.root = self._directory / "root"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0
        self._mount()

    @property
    def console(self) -> str:
        """What it said while it started."""
        return (self._directory / "console").read_text(errors="replace")

    def __enter__(self) -> Machine:
        with (self._directory / "console").open("wb") as console:
            self._nspawn = subprocess.Popen(
                [
                    *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"),
                    *(
                        "--console=pipe",
                        "--private-network",
                        f"--directory={self.root}",
                        "--machine=mailkeep",
                    ),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        try:
            self._leader = self._await_leader()
            self._await_boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, *command: str, given: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program inside, to its end. Raises AssertionError with what it said."""
        ran = subprocess.run(
            ["nsenter", "-t", str(self._leader), "-a", "--", *command],
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": ""},
        )
        if check:
            assert ran.returncode == 0, (
                f"{command}: {ran.returncode}\n{ran.stdout[-4000:]}{ran.stderr[-4000:]}"
            )
        return ran

    def property(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def journal(self, unit: str) -> str:
        """What a unit has logged."""
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout

    def close(self) -> None:
        """Off, and everything that it wrote removed."""
        if self._nspawn is not None:
            self._nspawn.send_signal(signal.SIGKILL)
            self._nspawn.wait()
            if self._leader:
                _kill_and_wait(self._leader)
            self._nspawn = None
        for mounted in (self.root, self._directory):
            subprocess.run(["umount", "--lazy", mounted], check=False, capture_output=True)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _mount(self) -> None:
        tmpfs = ("mount", "-t", "tmpfs", "-o", f"size={MEMORY_LIMIT}", "tmpfs", self._directory)
        subprocess.run(tmpfs, check=True)
        for name in ("root", "upper", "work"):
            (self._directory / name).mkdir()
        options = f"lowerdir={self._base},upperdir={self._directory}/upper,workdir={self._directory}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True)

    def _await_leader(self) -> int:
        """The machine's first process, which nspawn starts."""
        assert self._nspawn is not None
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            assert self._nspawn.poll() is None, self.console
            assert time.monotonic() < deadline, self.console
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            for child in children:
                if _executable(int(child)) == "systemd":
                    return int(child)
            time.sleep(0.05)

    def _await_boot(self) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while self.run("systemctl", "is-system-running", check=False).stdout.strip() not in (
            "running",
            "degraded",
        ):
            assert time.monotonic() < deadline, self.console
            time.sleep(0.2)


def base() -> Path:
    """The root file system that all machines begin with: Debian, and Mailkeep's libraries."""
    lock_file = REPOSITORY / "locks" / "runtime.txt"
    recipe = "\n".join((RECIPE, SUITE, *PACKAGES, lock_file.read_text()))
    cache = _cache()
    made = cache / f"machine-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        if not made.exists():
            for old in cache.glob("machine-*"):
                shutil.rmtree(old)
            unfinished = cache / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            _make(unfinished, lock_file)
            unfinished.rename(made)
    return made


def wheel(directory: Path) -> Path:
    """Mailkeep, built from the working tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=MAKE_SECONDS)
    (built,) = directory.glob("*.whl")
    return built


def debian_package(directory: Path) -> Path:
    """Mailkeep as Debian's dpkg takes it, from the working tree. One at a time: its libraries are kept."""
    scratch = {"TMPDIR": str(MEMORY)} if os.access(MEMORY, os.W_OK) else {}
    ran = subprocess.run(
        [REPOSITORY / "deploy/debian/build", directory],
        env={**os.environ, **scratch, "MAILKEEP_DEB_CACHE": str(_cache()), "MAILKEEP_DEB_LEVEL": "1"},
        capture_output=True,
        text=True,
        timeout=MAKE_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    (built,) = directory.glob("*.deb")
    return built


def _make(root: Path, lock_file: Path) -> None:
    _must("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root), MIRROR)
    wheels = root / "wheels"
    # Built and checked here: the machine has no network.
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--require-hashes", "-r", str(lock_file))
    _must(*pip, "-w", str(wheels))
    _must("chroot", str(root), "python3", "-m", "venv", "/opt/mailkeep")
    names = [f"/wheels/{one.name}" for one in wheels.iterdir()]
    _must(
        "chroot", str(root), "/opt/mailkeep/bin/pip", "install", "--quiet", "--no-index", "--no-deps", *names
    )
    shutil.rmtree(wheels)
    for archive in (root / "var/cache/apt/archives").glob("*.deb"):
        archive.unlink()


def _cache() -> Path:
    return Path(os.environ.get("MAILKEEP_TEST_CACHE") or Path.home() / ".cache" / "mailkeep-tests")


def _must(*command: str) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=MAKE_SECONDS, check=False)
    assert ran.returncode == 0, f"{command[0]}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _executable(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _kill_and_wait(pid: int) -> None:
    """The first process of a namespace takes all others with it."""
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        time.sleep(0.05)


def copy_all(sources: Sequence[Path], target: Path) -> None:
    """Files into a directory of the machine."""
    target.mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copy(source, target / source.name)
