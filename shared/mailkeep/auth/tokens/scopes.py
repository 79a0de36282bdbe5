"""From an issuer's scopes to ours. `internal` is never among them, whatever a token says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mailkeep.model.scope import USER_SCOPES, Scope, parse_scopes


class ScopeMap:
    """Our own names mean themselves; others mean what the setting says, or nothing."""

    def __init__(self, mapped: Mapping[str, str], default: Iterable[str]) -> None:
        self._ours = {scope.value: frozenset({scope}) for scope in USER_SCOPES}
        self._ours |= {word: parse_scopes(names.split()) for word, names in mapped.items()}
        self._default = parse_scopes(default)

    def opened_by(self, words: Iterable[str]) -> frozenset[Scope]:
        """What a token with these scope words opens."""
        found = frozenset[Scope]().union(*(self._ours.get(word, frozenset()) for word in words))
        return (found or self._default) & USER_SCOPES
