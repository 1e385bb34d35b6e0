"""Modes of PyTorch that see every operator, in processes where nothing is compiled."""

from __future__ import annotations


class Uncompiled:
    """Comes before a mode among the bases of a class: its guard against being compiled is left out."""

    # That guard would import `torch._dynamo`, a second, into every process.
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False
