"""The threading algorithms of THREAD (RFC 5256 section 3; REFS from draft-ietf-morg-inthread).

Pure functions from messages in the order of the mailbox to trees. Messages that compare equal stay in that
order. What a subject or a date is was decided before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mailkeep.imap.thread_links import Forest, Threadable

ThreadEntries = tuple[tuple[int, int | None], ...]
"""(depth, number) from each root downwards, siblings in order; None for a message that is not here, which
stands at depth 0 only and has two children at least."""

Key = Callable[[int], tuple[float, int]]


def ordered_subject(messages: Sequence[Threadable]) -> ThreadEntries:
    """ORDEREDSUBJECT: one base subject, one thread; all others are children of its first message."""
    in_time = sorted(messages, key=lambda message: message.sent)
    threads: dict[str, list[Threadable]] = {}
    for message in in_time:
        threads.setdefault(message.subject, []).append(message)
    return tuple(
        (min(place, 1), message.number)
        for thread in threads.values()  # in the order of their first messages
        for place, message in enumerate(thread)
    )


def references(messages: Sequence[Threadable]) -> ThreadEntries:
    """REFERENCES: by References, then roots of equal base subject together, all by sent date. Raises
    LimitExceeded."""
    forest = Forest(messages)
    when = _sent_key(forest, messages)
    _sort(forest, when)  # step 4
    _gather(forest, messages, sorted(forest.roots, key=when))  # step 5
    _sort(forest, when)  # step 6
    return _entries(forest, messages, sorted(forest.roots, key=when))


def refs(messages: Sequence[Threadable]) -> ThreadEntries:
    """REFS: by References alone, the thread with the latest arrival last. Raises LimitExceeded."""
    forest = Forest(messages)
    _sort(forest, _sent_key(forest, messages))
    latest = {
        root: max((messages[node].received, node) for node in _real(forest, root)) for root in forest.roots
    }
    return _entries(forest, messages, sorted(forest.roots, key=latest.__getitem__))


ALGORITHMS: dict[str, Callable[[Sequence[Threadable]], ThreadEntries]] = {
    "ORDEREDSUBJECT": ordered_subject,
    "REFERENCES": references,
    "REFS": refs,
}


def _sent_key(forest: Forest, messages: Sequence[Threadable]) -> Key:
    """By sent date; a dummy counts as its first child, whose siblings are sorted already."""

    def key(node: int) -> tuple[float, int]:
        first = forest.children[node][0] if forest.is_dummy(node) else node
        return messages[first].sent, first

    return key


def _sort(forest: Forest, when: Key) -> None:
    for siblings in forest.children.values():  # dummies stand at the top, so siblings are messages
        siblings.sort(key=when)


def _gather(forest: Forest, messages: Sequence[Threadable], roots: Sequence[int]) -> None:
    """Step 5: threads whose roots have the same base subject become one."""

    def face(root: int) -> Threadable:
        return messages[forest.children[root][0] if forest.is_dummy(root) else root]

    subjects = {root: face(root).subject for root in roots}
    table: dict[str, int] = {}
    for root in roots:  # 5 B: a dummy is preferred, then what is no reply
        subject = subjects[root]
        held = table.setdefault(subject, root) if subject else root
        if not forest.is_dummy(held) and (
            forest.is_dummy(root) or (messages[held].is_reply and not messages[root].is_reply)
        ):
            table[subject] = root
    for root in roots:  # 5 C
        subject = subjects[root]
        if subject and table[subject] != root:
            table[subject] = _merged(forest, messages, table[subject], root)


def _merged(forest: Forest, messages: Sequence[Threadable], held: int, root: int) -> int:
    """One root out of two of the same subject: `held` from the table, and another."""
    if forest.is_dummy(held):
        if forest.is_dummy(root):
            forest.merge(held, root)
        else:
            forest.adopt(held, root)
        return held
    if messages[root].is_reply and not messages[held].is_reply:
        forest.adopt(held, root)
        return held
    return forest.join(held, root)


def _walk(forest: Forest, roots: Iterable[int]) -> Iterable[tuple[int, int]]:
    for root in roots:
        waiting = [(0, root)]
        while waiting:
            depth, node = waiting.pop()
            yield depth, node
            waiting += [(depth + 1, child) for child in reversed(forest.children.get(node, ()))]


def _real(forest: Forest, root: int) -> Iterable[int]:
    return (node for _, node in _walk(forest, [root]) if not forest.is_dummy(node))


def _entries(forest: Forest, messages: Sequence[Threadable], roots: Iterable[int]) -> ThreadEntries:
    return tuple(
        (depth, None if forest.is_dummy(node) else messages[node].number)
        for depth, node in _walk(forest, roots)
    )
