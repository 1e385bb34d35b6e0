"""What Triton's interpreter lacks without a GPU and can honestly be given."""

from __future__ import annotations

from collections.abc import Callable


def install() -> None:
    """Lets `@triton.autotune` take its first configuration: choosing by time means nothing under the interpreter."""
    try:
        import triton
        import triton.runtime.autotuner
    except ImportError:
        return
    original = triton.runtime.autotuner.autotune

    def autotune(configs: list, key: list[str], **options: object) -> Callable:
        options.pop("prune_configs_by", None)
        return original(configs=configs[:1], key=key, **options)

    triton.autotune = autotune
    triton.runtime.autotune = autotune
    triton.runtime.autotuner.autotune = autotune
