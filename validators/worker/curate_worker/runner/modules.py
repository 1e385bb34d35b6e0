"""Loads the source files of a program as Python modules, inside the sandbox."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from ..literals import parse_literal
from .errors import FaultInInput

REFERENCE = "task_reference"


def write_sources(folder: Path, files: dict[str, str]) -> None:
    """Writes source files below `folder`; paths were checked by the judge."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def write_files(folder: Path, names: list[str], contents: list[memoryview]) -> None:
    """Writes files of the judge's own below `folder`."""
    for name, content in zip(names, contents, strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def load_entry(folder: Path, entry_point: str) -> type:
    """Executes the module of `file::symbol` and gives the symbol; its siblings can be imported."""
    file_name, _, symbol = entry_point.partition("::")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    module = _execute(Path(file_name).stem, folder / file_name)
    if not hasattr(module, symbol):
        raise FaultInInput("LOAD_ERROR", f"{file_name} defines no {symbol}")
    return getattr(module, symbol)


def load_reference(folder: Path, source: str, axes: dict[str, str], device: str) -> ModuleType:
    """Executes a task's reference and sets its axes, so that functions that read them later see the workload."""
    write_sources(folder, {"reference.py": source})
    module = _execute(REFERENCE, folder / "reference.py")
    if hasattr(module, "device"):
        module.device = device
    for name, text in axes.items():
        if not hasattr(module, name):
            raise FaultInInput("REF_INVALID", f"the workload sets {name}, which the reference does not define")
        try:
            setattr(module, name, parse_literal(text))
        except ValueError as error:
            raise FaultInInput("REF_INVALID", f"the workload sets {name}: {error}") from error
    for name in ("Model", "get_inputs", "get_init_inputs"):
        if not hasattr(module, name):
            raise FaultInInput("REF_INVALID", f"the reference defines no {name}")
    return module


def _execute(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FaultInInput("LOAD_ERROR", f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
