"""A source with pieces cut out and others put in their place; every line stays where it was."""

from __future__ import annotations

from dataclasses import dataclass, field

from .source_tokens import Token


class NotSplittable(Exception):  # noqa: N818
    """Why a source is compiled in one piece."""


@dataclass(frozen=True)
class Source:
    """The tokens of a source."""

    text: str
    tokens: list[Token]
    pairs: dict[int, int]
    """For each opening bracket the index of the one that closes it."""


@dataclass
class Edits:
    """Replacements by span; what is cut out leaves its line breaks."""

    text: str
    spans: list[tuple[int, int, str]] = field(default_factory=list)

    def cut(self, start: int, end: int, instead: str = "") -> None:
        """Replaces a span."""
        lines = "\n" * (self.text.count("\n", start, end) - instead.count("\n"))
        self.spans.append((start, end, instead + lines))

    def apply(self) -> str:
        """The text with all replacements."""
        pieces, place = [], 0
        for start, end, instead in sorted(self.spans):
            if start < place:
                raise NotSplittable("nested replacements")
            pieces += [self.text[place:start], instead]
            place = end
        return "".join([*pieces, self.text[place:]])
