"""One operator of a graph on its arguments."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

Value = "Term | str | tuple[Value, ...]"


@dataclass(frozen=True, eq=False)
class Term:
    """One operator on its arguments, or a leaf: an input, a parameter, a constant tensor."""

    operator: str
    arguments: tuple[tuple[str, Value], ...]
    digest: str = field(repr=False)
    """The same for terms that differ in which leaves they stand on alone."""

    def get(self, name: str) -> Value | None:
        """An argument; None where it has its default."""
        return dict(self.arguments).get(name)


def digest_of(words: list[str]) -> str:
    """A hash of words."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:32]
