"""Landlock: an allow-list of paths (https://docs.kernel.org/userspace-api/landlock.html)."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

from . import system_calls as system
from .report import LayerReport

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FIRST_VERSION_RIGHTS = (1 << 13) - 1
_REFER_VERSION, _TRUNCATE_VERSION, _SCOPE_VERSION = 2, 3, 6
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def restrict_paths(report: LayerReport, readable: list[Path], writable: list[Path], devices: list[Path]) -> None:
    """Leaves `readable` readable, `writable` folders open and `devices` readable and writable; all else is shut."""
    try:
        version = system.raw(_CREATE_RULESET, 0, 0, _VERSION_FLAG)
        ruleset = _create(version)
    except OSError as error:
        report.missing("landlock", str(error))
        return
    rights = _rights(version)
    for path in readable:
        _allow(ruleset, path, _READ & rights)
    for path in writable:
        _allow(ruleset, path, rights)
    for path in devices:
        _allow(ruleset, path, (_READ | _WRITE_FILE) & rights)
    try:
        system.raw(_RESTRICT_SELF, ruleset, 0)
        report.active("landlock")
    except OSError as error:
        report.missing("landlock", str(error))
    finally:
        os.close(ruleset)


def _rights(version: int) -> int:
    rights = _FIRST_VERSION_RIGHTS
    if version >= _REFER_VERSION:
        rights |= _REFER
    if version >= _TRUNCATE_VERSION:
        rights |= _TRUNCATE
    return rights


def _create(version: int) -> int:
    scoped = _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPE_VERSION else 0
    attributes = _Ruleset(_rights(version), 0, scoped)
    size = ctypes.sizeof(attributes) if scoped else 8
    return system.raw(_CREATE_RULESET, ctypes.cast(ctypes.pointer(attributes), ctypes.c_void_p), size, 0)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    if not path.is_dir():
        rights &= _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
    # A path that is not there, or that this user cannot reach, needs no rule.
    with contextlib.suppress(OSError):
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = _PathBeneath(rights, parent)
            pointer = ctypes.cast(ctypes.pointer(rule), ctypes.c_void_p)
            system.raw(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, pointer, 0)
        finally:
            os.close(parent)
