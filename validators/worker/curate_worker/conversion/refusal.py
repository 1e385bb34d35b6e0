"""Why a program is not converted."""

from __future__ import annotations


class CannotConvert(Exception):  # noqa: N818
    """`cause` is UPPER_CASE, the text names what stands in the way."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause
