"""The bars of `mailkeep upstream sync` at a terminal: one for each folder of an account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def progress(*, hidden: bool) -> Iterator[Callable[[str, str, int, int], None]]:
    """Within the block, a function that is told account, folder, messages done and messages in all."""
    with ExitStack() as stack:
        shown = None if hidden else stack.enter_context(_bar())
        tasks: dict[str, Any] = {}

        def told(account: str, folder: str, done: int, total: int) -> None:
            if shown is None or not total:
                return
            name = f"{account}: {folder}"
            if name not in tasks:
                tasks[name] = shown.add_task(name, total=total, rate="")
            task = next(one for one in shown.tasks if one.id == tasks[name])
            rate = f"{task.speed:.0f}/s" if task.speed else ""
            shown.update(tasks[name], completed=done, total=total, rate=rate)

        yield told


def _bar() -> Progress:
    from rich import progress as bars  # noqa: PLC0415  50 ms that only its users pay

    return bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[rate]}"),
        bars.TimeRemainingColumn(),
        transient=True,
    )
