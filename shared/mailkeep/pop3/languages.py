"""LANG (RFC 6856 section 3): one language under two names.

i-default is the tag for text that a server writes without knowing its reader (RFC 2277 section 4.5); ours
is plain English, so that `en` and every range beneath it get the same sentences.
"""

from __future__ import annotations

from mailkeep.errors import Refusal

DEFAULT_LANGUAGE = "i-default"
LANGUAGES: dict[str, str] = {"i-default": "Default language", "en": "English"}


class UnknownLanguage(Refusal):
    """No language of ours matches the range."""


def language_lines() -> list[str]:
    """The lines of LANG's listing."""
    return [f"{tag} {name}" for tag, name in LANGUAGES.items()]


def choose_language(wanted: str) -> str:
    """The tag that a range selects, by the lookup of RFC 4647 section 3.4. Raises UnknownLanguage."""
    if wanted == "*":
        return DEFAULT_LANGUAGE
    subtags = wanted.lower().split("-")
    while subtags:
        if (tag := "-".join(subtags)) in LANGUAGES:
            return tag
        subtags.pop()
    raise UnknownLanguage("There are no replies in that language.")
