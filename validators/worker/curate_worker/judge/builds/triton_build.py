"""
What a row says of how Triton compiled the kernels of a call: as its own process tells, so evidence like the counts of
its launches.
"""

from __future__ import annotations

import re
from typing import Final

from ...channel import Message
from ..environment import triton_version
from .build_cache import Built
from .resource_usage import resource_usage

_MOST_KERNELS: Final = 64
_MOST_CHARACTERS: Final = 4096
_MOST_SHARED: Final = 1 << 30
# No honest name of Triton's is anything else, and another program is told them (`resource_usage`).
_NAME: Final = re.compile(r"[A-Za-z_][\w.$]{0,199}", re.ASCII)
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def triton_build(answer: Message) -> Built | None:
    """The kernels that a process tells of, as a build; None where it tells of none."""
    told = answer.body.get("kernels")
    items = [item for item in told[:_MOST_KERNELS] if isinstance(item, dict)] if isinstance(told, list) else []
    known = [facts for facts in map(_facts, items) if facts is not None]
    kernels = sorted((kernel for _, kernel in known), key=lambda kernel: sorted(kernel.items(), key=str))
    if not kernels:
        return None
    hashes = sorted(digest for digest, _ in known)
    return Built(f"triton {triton_version()}", None, None, "", "triton", kernels=kernels, sha256=hashes[0])


def _facts(told: dict) -> tuple[str, dict] | None:
    log, shared, digest = told.get("log"), told.get("shared"), told.get("sha256")
    if not isinstance(log, str) or type(shared) is not int or not 0 <= shared <= _MOST_SHARED:
        return None
    if not isinstance(digest, str) or _HASH.fullmatch(digest) is None:
        return None
    kernels = resource_usage(log[:_MOST_CHARACTERS], is_named=lambda name: _NAME.fullmatch(name) is not None)
    # Shared memory is given to it when it is launched, which ptxas knows nothing of.
    return (digest, {**kernels[0], "shared_bytes": kernels[0]["shared_bytes"] + shared}) if kernels else None
