"""Which layers hold, and why others do not."""

from __future__ import annotations


class LayerReport:
    """Layer names in the order they were entered, and the reason for each that could not be."""

    def __init__(self) -> None:
        self._active: list[str] = []
        self._missing: dict[str, str] = {}

    def active(self, name: str) -> None:
        """Records a layer that holds."""
        if name not in self._active:
            self._active.append(name)
        self._missing.pop(name, None)

    def missing(self, name: str, reason: str) -> None:
        """Records a layer that could not be entered."""
        if name not in self._active:
            self._missing[name] = reason

    def is_active(self, name: str) -> bool:
        """Whether a layer holds."""
        return name in self._active

    def names(self) -> list[str]:
        """The layers that hold."""
        return list(self._active)

    def reasons(self) -> dict[str, str]:
        """Layer to the reason why it does not hold."""
        return dict(self._missing)
