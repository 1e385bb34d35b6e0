"""What is made ready ahead of its turn comes after whoever is judged."""

from __future__ import annotations

import os
from typing import Final

_NICENESS: Final = 10


def step_back() -> None:
    """Has this process use processors that nobody else wants, for good."""
    os.nice(_NICENESS)
