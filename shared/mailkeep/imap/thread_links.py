"""Who answers whom: steps 1 to 3 of RFC 5256's REFERENCES algorithm, which REFS shares.

Messages and the ids that nobody has are containers, known by number: the messages first, in the order of the
mailbox. Nothing recurses, because a chain of replies may be as long as the mailbox. Texts and dates are
threads.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailkeep.errors import LimitExceeded

STEPS_LIMIT = 20_000_000
"""Links that may be followed while looking for loops: some two seconds. An honest mailbox of a hundred
thousand messages needs less than a hundredth; only replies that arrived before what they answer need any."""

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Threadable:
    """What threading looks at. `number` is how the client knows the message; ids are without brackets;
    `subject` is the base subject in the form in which subjects are compared; moments are Unix seconds."""

    number: int
    message_id: str = ""
    references: tuple[str, ...] = ()  # oldest first
    subject: str = ""
    is_reply: bool = False  # or a forward, by its subject (RFC 5256 section 2.1)
    sent: float = 0.0
    received: float = 0.0


class _Links:
    """A parent or NOBODY for each container, never in a circle."""

    __slots__ = ("_children", "_steps", "parents")

    def __init__(self, count: int) -> None:
        self.parents = [NOBODY] * count
        self._children = [0] * count
        self._steps = 0

    def add(self) -> int:
        """A container for an id that no message has."""
        self.parents.append(NOBODY)
        self._children.append(0)
        return len(self.parents) - 1

    def cut(self, child: int) -> None:
        """Take a container from its parent, if it has one."""
        parent = self.parents[child]
        if parent != NOBODY:
            self._children[parent] -= 1
            self.parents[child] = NOBODY

    def join(self, parent: int, child: int) -> None:
        """Make a link, unless it would close a loop. `child` has no parent. Raises LimitExceeded."""
        if not self._is_above(child, parent):
            self.parents[child] = parent
            self._children[parent] += 1

    def _is_above(self, upper: int, lower: int) -> bool:
        if not self._children[upper]:
            return upper == lower
        while lower not in (upper, NOBODY):
            lower = self.parents[lower]
            self._steps += 1
        if self._steps > STEPS_LIMIT:
            raise LimitExceeded("These messages refer to each other in too many ways to be threaded.")
        return lower == upper


def link(messages: Sequence[Threadable]) -> list[int]:
    """Step 1: the parent of each container. Raises LimitExceeded."""
    links = _Links(len(messages))
    owners: dict[str, int] = {}
    for at, message in enumerate(messages):
        if message.message_id:  # of several with one id only the first has it
            owners.setdefault(message.message_id, at)
    for at, message in enumerate(messages):
        above = NOBODY
        for reference in message.references:
            container = owners.get(reference)
            if container is None:
                container = owners[reference] = links.add()
            if above != NOBODY and links.parents[container] == NOBODY:  # step 1 A
                links.join(above, container)
            above = container
        links.cut(at)  # step 1 B: what the message itself says overrides what others said of it
        if above != NOBODY:
            links.join(above, at)
    return links.parents


class Forest:
    """Messages as trees. A node from `count` on is a dummy: it stands for a message that is not here, at the
    top only, and has at least two children."""

    __slots__ = ("_next", "children", "count", "roots")

    def __init__(self, messages: Sequence[Threadable]) -> None:
        self.count = len(messages)
        self.children: dict[int, list[int]] = {}
        self.roots: dict[int, None] = {}  # a set that keeps its order
        parents = link(messages)
        self._next = len(parents)
        self._plant(parents)

    def is_dummy(self, node: int) -> bool:
        """True for a node that is no message."""
        return node >= self.count

    def adopt(self, parent: int, root: int) -> None:
        """A root becomes the last child of another node."""
        del self.roots[root]
        self.children.setdefault(parent, []).append(root)

    def merge(self, dummy: int, other: int) -> None:
        """The children of one dummy become those of another."""
        del self.roots[other]
        self.children[dummy] += self.children.pop(other)

    def join(self, first: int, second: int) -> int:
        """Two roots become children of a new dummy, which is returned."""
        dummy = self._next
        self._next += 1
        self.roots[dummy] = None
        self.adopt(dummy, first)
        self.adopt(dummy, second)
        return dummy

    def _plant(self, parents: list[int]) -> None:
        """Steps 2 and 3: dummies go, their children take their place, but stay together at the top."""
        anchors: dict[int, int] = {}
        for node in range(self.count):
            anchor = self._anchor(parents, anchors, parents[node])
            if anchor == NOBODY:
                self.roots[node] = None
            else:
                self.children.setdefault(anchor, []).append(node)
        for dummy in [node for node in self.children if self.is_dummy(node)]:
            if len(self.children[dummy]) == 1:
                (node,) = self.children.pop(dummy)
                self.roots[node] = None
            else:
                self.roots[dummy] = None

    def _anchor(self, parents: list[int], anchors: dict[int, int], node: int) -> int:
        """The nearest message from `node` upwards, else the uppermost dummy."""
        passed = []
        while node >= self.count and node not in anchors:
            passed.append(node)
            node = parents[node]
        if node >= self.count:
            node = anchors[node]
        elif node == NOBODY and passed:
            node = passed[-1]
        anchors.update(dict.fromkeys(passed, node))
        return node
