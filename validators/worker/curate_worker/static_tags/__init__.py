"""
What the text of a candidate says before any of it runs. Every rule has a tier: what no honest kernel does is enough to
refuse (tier 1), everything else is told and decides nothing (tier 2). Text can be written so that no rule sees it:
what runs is judged by what it does.
"""

from __future__ import annotations

from .tag import REFUSED, Tag
from .tags_of import tags_of

__all__ = ["REFUSED", "Tag", "tags_of"]
