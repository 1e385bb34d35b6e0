"""Triton's digest of itself is made once and told to others."""

from __future__ import annotations

import importlib

import pytest
from curate_worker.runner.triton_identity import identity_of_triton, tell_identity

pytest.importorskip("triton")


def test_it_is_what_triton_itself_says_and_what_it_was_told_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = importlib.import_module("triton.runtime.cache")
    if not hasattr(cache, "triton_key"):
        pytest.skip("this Triton does it otherwise")
    autotuner = importlib.import_module("triton.runtime.autotuner")
    known = cache.triton_key()
    for module in (cache, autotuner):
        monkeypatch.setattr(module, "triton_key", module.triton_key)
    assert identity_of_triton() == known
    tell_identity("told")
    assert cache.triton_key() == autotuner.triton_key() == identity_of_triton() == "told"
