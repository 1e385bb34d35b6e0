"""
What lists, dictionaries and objects with fields hold, read without running a line of the program that made them: its
classes could compute in their methods and properties, which would be after the clock has stopped.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from types import MappingProxyType, MemberDescriptorType, SimpleNamespace
from typing import Final

import torch

_MAX_DEPTH: Final = 32
_MRO, _NAMESPACE = type.__dict__["__mro__"], type.__dict__["__dict__"]
# Not by the attribute `__dict__`, in the place of which a class may have a property.
_dictionary = ctypes.pythonapi.PyObject_GenericGetDict
_dictionary.restype, _dictionary.argtypes = ctypes.py_object, [ctypes.py_object, ctypes.c_void_p]
_MISSING: Final = object()


def parts_of(value: object) -> list | None:
    """What a container holds; None for what is none."""
    if issubclass(type(value), dict):
        return list(dict.values(value))
    if issubclass(type(value), (list, tuple)):
        kind = list if issubclass(type(value), list) else tuple
        return list(kind.__iter__(value))
    fields = fields_of(value)
    return None if fields is None else [item for _, item in fields]


def tensors_in(value: object, depth: int = 0) -> list[torch.Tensor]:
    """All tensors in order, those of a class of a program's own as well."""
    if issubclass(type(value), torch.Tensor):
        return [value]
    parts = parts_of(value) if depth < _MAX_DEPTH else None
    return [tensor for part in parts or [] for tensor in tensors_in(part, depth + 1)]


def fields_of(value: object) -> list[tuple[str, object]] | None:
    """Names and values of the fields of a dataclass or of a `SimpleNamespace`; None for all else."""
    if type(value) is SimpleNamespace:
        return list(attributes_of(value).items())
    declared = _of_class(type(value), "__dataclass_fields__")
    if type(declared) is not dict:
        return None
    names = [name for name in declared if type(name) is str]
    attributes = attributes_of(value)
    pairs = [(name, _slot(value, name) if name not in attributes else attributes[name]) for name in names]
    return [(name, item) for name, item in pairs if item is not _MISSING]


def attributes_of(value: object) -> dict[str, object]:
    """What an object has for attributes of its own; nothing where it keeps none in a dictionary."""
    try:
        # Wrapped, or it would be asked for what stands for it.
        return dict(dict.items(_dictionary(ctypes.py_object(value), None)))
    except AttributeError:
        return {}


def is_plain(value: object) -> bool:
    """Whether an object has fields and nothing that computes: any other with the same fields does as well."""
    if type(value) is SimpleNamespace:
        return True
    names = [name for kind in _kinds(type(value)) for name in _space(kind)]
    fields = fields_of(value)
    return fields is not None and all(name.startswith("_") or name in dict(fields) for name in names)


def _slot(value: object, name: str) -> object:
    slot = _of_class(type(value), name)
    try:
        return slot.__get__(value) if type(slot) is MemberDescriptorType else _MISSING
    except AttributeError:
        return _MISSING


def _of_class(kind: type, name: str) -> object:
    found = (space[name] for space in map(_space, _kinds(kind)) if name in space)
    return next(found, _MISSING)


def _space(kind: type) -> MappingProxyType:
    return _NAMESPACE.__get__(kind)


# Without `object`, whose attributes say nothing.
def _kinds(kind: type) -> Iterator[type]:
    return (each for each in _MRO.__get__(kind) if each is not object)
