"""Seeds that a program cannot guess from its task: a keyed hash of the recipe's seed and what they are for."""

from __future__ import annotations

import hashlib
import hmac


def derive_seed(recipe_seed: int, *purpose: str | int) -> int:
    """A seed for torch.manual_seed: 63 bits. Equal arguments give equal seeds, on every machine."""
    text = "\x00".join(str(part) for part in purpose)
    digest = hmac.new(f"curate:{recipe_seed}".encode(), text.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") >> 1
