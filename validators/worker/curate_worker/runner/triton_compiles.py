"""Tells the judge while Triton compiles, which needs no GPU."""

from __future__ import annotations

import importlib

from ..turnstile import Turnstile


def announce_compiles(turnstile: Turnstile) -> None:
    """Called before a program is loaded. Where Triton compiles elsewhere than it used to, nothing is announced."""
    try:
        kind = importlib.import_module("triton.runtime.jit").JITFunction
        original = kind._do_compile
    except (ImportError, AttributeError):
        return

    def compile_announced(*arguments: object, **options: object) -> object:
        with turnstile.compiling():
            return original(*arguments, **options)

    kind._do_compile = compile_announced
