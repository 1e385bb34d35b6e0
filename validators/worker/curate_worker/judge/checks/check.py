"""The shape of a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..evidence import Evidence

Finding = tuple[bool | None, str | None]
"""Passed (None: does not apply) and what a reader needs to know."""


@dataclass(frozen=True)
class Check:
    """One yes-or-no finding; `version` is raised when it decides differently on the same evidence."""

    id: str
    version: int
    judge: Callable[[Evidence], Finding]
