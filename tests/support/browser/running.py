"""A headless Chromium under npm's playwright-core, told what to do line by line."""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.npm import installed
from tests.support.programs import program

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "browser.mjs")
SECONDS = 60  # until what is waited for must be there


class Chromium:
    """One page at a time. Every command raises AssertionError with the browser's own words."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def open(self, scheme: str = "light", width: int = 1100, height: int = 800) -> None:
        """A new page of a browser that knows nothing yet."""
        self._do("open", scheme, width, height)

    def goto(self, url: str) -> None:
        self._do("goto", url)

    def address(self) -> str:
        """The path of the page that is shown."""
        return str(self._do("address"))

    def arrive(self, path: str) -> None:
        """Wait until this page is shown."""
        self._do("arrive", path)

    def fill(self, selector: str, text: str) -> None:
        self._do("fill", selector, text)

    def choose(self, selector: str, label: str) -> None:
        """An option of a list."""
        self._do("choose", selector, label)

    def unfold(self, selector: str = "body") -> None:
        """Open all that is folded away in there."""
        self._do("unfold", selector)

    def resize(self, width: int, height: int) -> None:
        """The window, with the page in it."""
        self._do("resize", width, height)

    def press(self, key: str) -> None:
        self._do("press", key)

    def click(self, selector: str) -> None:
        self._do("click", selector)

    def see(self, selector: str, text: str) -> None:
        """Wait until something with this text is visible."""
        self._do("see", selector, text)

    def text(self, selector: str) -> str:
        """What is visible of an element."""
        return str(self._do("text", selector))

    def copied(self) -> str:
        """What the clipboard holds."""
        return str(self._do("copied"))

    def focused(self) -> str:
        """The text of what the keyboard would act on."""
        return str(self._do("focused"))

    def mark(self) -> None:
        """Leave a mark in the page that a reload takes away."""
        self._do("mark")

    def is_marked(self) -> bool:
        """True if the page has not been loaded anew since."""
        return bool(self._do("marked"))

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self._do("overflow"))

    def picture(self, selector: str = "") -> bytes:
        """What the window shows, or one thing on the page, as PNG."""
        return b64decode(self._do("picture", selector))

    def complaints(self) -> list[str]:
        """Errors of script, and of the Content-Security-Policy."""
        return list(self._do("complaints"))

    def axe(self) -> list[str]:
        """What axe-core finds against the page, light and dark."""
        return list(self._do("axe"))

    def _do(self, *command: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline() or b'{"error": "the browser is gone"}')
        assert "error" not in said, f"{command}: {said['error']}"
        return said.get("answer")


@contextmanager
def running_chromium(home: Path) -> Iterator[Chromium]:
    """Skips, or fails if clients are required, without chromium, node or npm."""
    chromium, node = program("chromium"), program("node")
    directory = installed(HERE, FILES)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CHROMIUM": chromium,
        "SECONDS": str(SECONDS),
    }
    with (home / "chromium.log").open("ab") as log:
        process = subprocess.Popen(
            [node, "browser.mjs"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        yield Chromium(process)
    finally:
        try:
            process.communicate(timeout=SECONDS)  # at the end of its input it closes the browser
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
