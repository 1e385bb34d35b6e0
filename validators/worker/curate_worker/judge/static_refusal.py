"""Refuses what gives itself away in its text, before anything of it is built or runs."""

from __future__ import annotations

from collections.abc import Sequence

from ..static_tags import REFUSED, Tag
from .faults import Verdict
from .requests import Settings


def require_harmless_text(tags: Sequence[Tag], settings: Settings) -> None:
    """Raises a Verdict on what no honest kernel says, where the recipe does not only have it told."""
    refused = [tag for tag in tags if tag.tier == REFUSED]
    if refused and settings.static_tags == "refuse":
        text = "; ".join(f"{tag.rule} in line {tag.line} of {tag.path}" for tag in refused)
        raise Verdict("REWARD_HACK", "integrity", "STATIC_REJECT", "candidate", text)
