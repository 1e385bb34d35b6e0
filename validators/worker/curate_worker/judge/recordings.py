"""What candidates asked to have built when they were loaded ahead of their turn, until their turn comes."""

from __future__ import annotations

import threading
from collections import OrderedDict

_MAX_KEPT = 256


class Recordings:
    """By candidate; the oldest are forgotten. Threads may use it at the same time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, list[object]] = OrderedDict()
        self._turn = threading.Lock()

    def keep(self, key: str, specs: list[object]) -> None:
        """Keeps what a candidate asked for."""
        with self._turn:
            self._kept[key] = specs
            if len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)

    def take(self, key: str) -> list[object] | None:
        """What was kept, which is then forgotten."""
        with self._turn:
            return self._kept.pop(key, None)
