"""Bytecode of the worker's sources, with real imports of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from curate_worker.bytecode import write_bytecode


def a_package(folder: Path, text: str) -> Path:
    package = folder / "a_package"
    (package / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/__init__.py"):
        (package / name).write_text("")
    (package / "inner" / "module.py").write_text(text)
    return package


# What is imported, and whether from bytecode that was there.
def imported(folder: Path) -> list[str]:
    program = "import sys; sys.path.insert(0, '.'); from a_package.inner import module; print(module.value)"
    command = [sys.executable, "-B", "-v", "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    matches = any("module.cpython" in line and "matches" in line for line in done.stderr.splitlines())
    return [done.stdout.strip(), "bytecode" if matches else "source"]


def test_what_was_compiled_once_is_not_compiled_again(tmp_path: Path) -> None:
    package = a_package(tmp_path, "value = 1\n")
    assert imported(tmp_path) == ["1", "source"]
    write_bytecode(package)
    assert imported(tmp_path) == ["1", "bytecode"]
    before = {path: path.stat().st_ino for path in package.rglob("*.pyc")}
    write_bytecode(package)
    assert {path: path.stat().st_ino for path in package.rglob("*.pyc")} == before
    assert len(before) == len(["a_package", "inner", "module"])


def test_bytecode_of_another_text_is_not_taken_even_if_time_and_size_are_the_same(tmp_path: Path) -> None:
    package = a_package(tmp_path, "value = 1\n")
    write_bytecode(package)
    source = package / "inner" / "module.py"
    times = source.stat()
    source.write_text("value = 2\n")
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert imported(tmp_path) == ["2", "source"]
    write_bytecode(package)
    assert imported(tmp_path) == ["2", "bytecode"]
