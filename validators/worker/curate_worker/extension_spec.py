"""One call of `load_inline` or `load`, written down: what is compiled, with what flags, into what kind of module."""

from __future__ import annotations

import hashlib
import json
import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.(cpp|cc|cxx|c|cu|h|hpp|cuh)")
_MAX_UNITS = 64
_MAX_SOURCE_CHARACTERS = 4_000_000
_FLAG_LISTS = ("extra_cflags", "extra_cuda_cflags", "extra_ldflags")
_FIELDS = {"name", "units", "with_cuda", "is_python_module", *_FLAG_LISTS}


def spec_id(spec: dict) -> str:
    """What a specification is known by on both sides."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:32]


def check_spec(spec: object) -> dict:
    """Checks a specification that a runner recorded. Raises ValueError saying what is wrong with it."""
    if not isinstance(spec, dict) or set(spec) != _FIELDS:
        raise ValueError("an extension with unknown fields")
    if not isinstance(spec["name"], str) or _NAME.fullmatch(spec["name"]) is None:
        raise ValueError("the name of an extension must be an identifier")
    _check_units(spec["units"])
    for name in _FLAG_LISTS:
        flags = spec[name]
        if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
            raise ValueError(f"{name} must be a list of strings")
    if type(spec["with_cuda"]) is not bool or type(spec["is_python_module"]) is not bool:
        raise ValueError("with_cuda and is_python_module must be true or false")
    return spec


def _check_units(units: object) -> None:
    if not isinstance(units, list) or not 0 < len(units) <= _MAX_UNITS:
        raise ValueError("an extension without sources, or with too many")
    for unit in units:
        if not isinstance(unit, list) or len(unit) != 2 or not all(isinstance(part, str) for part in unit):  # noqa: PLR2004
            raise ValueError("a source must be a name and a text")
        if _UNIT.fullmatch(unit[0]) is None:
            raise ValueError(f"{unit[0]!r} is not the name of a C++ or CUDA source")
    if len({name for name, _ in units}) != len(units):
        raise ValueError("two sources of one name")
    if sum(len(text) for _, text in units) > _MAX_SOURCE_CHARACTERS:
        raise ValueError("the sources are too long")
    if any("\x00" in text or not _is_unicode(text) for _, text in units):
        raise ValueError("the sources are not text")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
