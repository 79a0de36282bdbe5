"""What every command shares: where the store is, how an error is told, and how one is run.

A refusal becomes one plain sentence on standard error, the way out on the next line, and exit code 1.
A command that only looks never makes a store: an empty answer from a wrong directory would mislead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from mailkeep.errors import MailkeepError, SettingsError, StoreUnavailable
from mailkeep.observe.logs import configure
from mailkeep.settings import LogSettings, Settings, load_settings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store

Result = TypeVar("Result")
Hints = Mapping[type[MailkeepError], str]

_GENERAL_HINTS: Hints = {
    StoreUnavailable: "Check that the database runs, and --database, --data-dir or --config.",
    SettingsError: "Mend the setting and try again.",
}


class PlainError(click.ClickException):
    """One sentence, and what to do about it. Exit code 1."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.hint = hint

    def show(self, file: Any = None) -> None:
        """To standard error, the hint on a line of its own."""
        click.echo(f"Error: {self.message}", err=True)
        if self.hint:
            click.echo(self.hint, err=True)


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One run of one command."""

    settings: Settings
    as_json: bool
    config: Path | None = None

    def run(
        self,
        work: Callable[[Store], Awaitable[Result]],
        *,
        hints: Hints | None = None,
        makes_store: bool = False,
    ) -> Result:
        """Do `work` with the opened store. `hints` are ways out by the kind of refusal."""
        try:
            if not makes_store:
                self.require_store()
            return asyncio.run(self._with_store(work))
        except MailkeepError as error:
            raise PlainError(str(error), _hint(error, {**_GENERAL_HINTS, **(hints or {})})) from error

    async def _with_store(self, work: Callable[[Store], Awaitable[Result]]) -> Result:
        store = await open_store(self.settings.store, self.settings.objects)
        try:
            return await work(store)
        finally:
            await store.close()

    def require_store(self) -> None:
        """Raises PlainError where there is no SQLite store."""
        url = self.settings.store.database_url
        kind, _, path = url.partition(":///")
        if kind.startswith("sqlite") and not Path(path).exists():
            raise PlainError(
                f"There is no Mailkeep store in {self.settings.store.data_dir}.",
                "Name the right one with --data-dir or --database, or begin one with: "
                "mailkeep domains add example.org",
            )


def store_command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command --data-dir, --database, --config and --json, and a CommandContext as `context`."""

    @click.option("--data-dir", metavar="DIR", help="Where the store lies. [default: data]")
    @click.option(
        "--database",
        metavar="URL",
        help="postgresql+asyncpg://... instead of SQLite in the data directory. If it holds a password, "
        "prefer MAILKEEP_STORE_DATABASE or --config: everybody on the machine sees arguments.",
    )
    @click.option("--config", metavar="FILE", help="The hosts' settings file. [env: MAILKEEP_CONFIG]")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @wraps(function)
    def command(
        data_dir: str | None, database: str | None, config: str | None, as_json: bool, **given: Any
    ) -> None:
        file = Path(config) if config else None
        context = CommandContext(_settings(data_dir, database, file), as_json, file)
        configure(LogSettings(level="error"))
        function(context=context, **given)

    return command


def _settings(data_dir: str | None, database: str | None, config: Path | None) -> Settings:
    try:
        settings = load_settings(config)
    except SettingsError as error:
        raise PlainError(str(error), _GENERAL_HINTS[SettingsError]) from None
    store = settings.store
    if data_dir is not None:
        store = replace(store, data_dir=data_dir)
    if database is not None:
        store = replace(store, database=database)
    return replace(settings, store=store)


def _hint(error: MailkeepError, hints: Hints) -> str:
    for kind in type(error).__mro__:
        if kind in hints:
            return hints[kind]
    return ""
