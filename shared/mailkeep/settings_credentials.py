"""Secrets that the settings name instead of holding them: `credential:NAME` and `file:PATH`.

A service manager hands a process its secrets as files that nobody else can read (systemd.exec(5),
LoadCredential=). A setting that holds a secret takes the file's text; any other takes the file's path. Who is
not started by a service manager, the command line above all, looks into `credentials/` beside the settings
file, where systemd is told to look as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mailkeep.errors import SettingsError

CREDENTIAL = "credential:"
FILE = "file:"
SET_NAME = "mailkeep"  # LoadCredential=mailkeep:/etc/mailkeep/credentials gives mailkeep_NAME
DIRECTORY = "credentials"
SIZE_LIMIT = 64 * 1024  # octets: a key and its chain are far smaller


def resolve(value: object, *, is_secret: bool, config: Path | None, environ: Mapping[str, str]) -> object:
    """The value that a setting has in the end. Raises SettingsError that names what was not found."""
    if not isinstance(value, str):
        return value
    if value.startswith(CREDENTIAL):
        path = _credential(value.removeprefix(CREDENTIAL), config, environ)
        return _text(path) if is_secret else str(path)
    if value.startswith(FILE) and is_secret:
        return _text(Path(value.removeprefix(FILE)))
    return value


def _credential(name: str, config: Path | None, environ: Mapping[str, str]) -> Path:
    if not name or "/" in name or name.startswith("."):
        raise SettingsError(
            f"'{CREDENTIAL}{name}' names no credential: it is followed by a file's bare name."
        )
    given = environ.get("CREDENTIALS_DIRECTORY", "")
    places = [Path(given) / f"{SET_NAME}_{name}", Path(given) / name] if given else []
    places += [config.absolute().parent / DIRECTORY / name] if config else []
    for place in places:
        try:
            if place.exists() or _holds_files_of(place, given):
                return place
        except OSError:  # a directory that we may not look into
            continue
    where = " or ".join(str(place) for place in places) or "$CREDENTIALS_DIRECTORY, which is not set"
    raise SettingsError(f"The credential '{name}' is not there: looked for {where}.")


def _holds_files_of(place: Path, given: str) -> bool:
    """True for a directory as systemd hands it over: its files side by side, with _ for each /."""
    return bool(given) and place.parent == Path(given) and any(place.parent.glob(f"{place.name}_*"))


def _text(path: Path) -> str:
    try:
        with path.open("r", encoding="utf-8") as file:
            text = file.read(SIZE_LIMIT + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"The secret in '{path}' cannot be read: {reason}.") from None
    if len(text) > SIZE_LIMIT:
        raise SettingsError(f"The secret in '{path}' is longer than {SIZE_LIMIT} octets.")
    return text.strip()
