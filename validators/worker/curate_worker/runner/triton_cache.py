"""Fills Triton's cache with what was compiled elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from .modules import write_files

TRITON_CACHE: Final = "triton"
"""The folder of it in a runner's own."""
# `FileCacheManager.put_group` of triton/runtime/cache.py keeps there where each file of a kernel lies, as whole paths.
_GROUP: Final = "__grp__"


def fill_cache(root: Path, names: list[str], contents: list[memoryview]) -> None:
    """Writes files below `root`, those that name others with the places where these lie now."""
    write_files(root, names, contents)
    for name in names:
        path = root / name
        if path.name.startswith(_GROUP):
            _place_anew(path)


# What is not understood stays: Triton compiles what it does not find.
def _place_anew(path: Path) -> None:
    try:
        known = json.loads(path.read_bytes())["child_paths"]
        places = {str(name): str(path.parent / Path(str(name)).name) for name in known}
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    path.write_text(json.dumps({"child_paths": places}), encoding="utf-8")
