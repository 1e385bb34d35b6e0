"""Runs compilers inside the sandbox: sources of strangers may include any file they can read."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .modules import write_sources

_MAX_OUTPUT = 64 * 1024
# The usual extension has one file for each of two compilers.
_AT_A_TIME = 2


def run_compilers(folder: Path, files: dict[str, str], commands: list[list[str]], artifact: str | None) -> dict:
    """
    Runs commands in `folder`, those that compile side by side and then, if there is an artefact, the one that links it.
    Gives the index of the first that failed or None, its output, and the path of the artefact if there is one.
    """
    folder.mkdir(exist_ok=True)
    write_sources(folder, files)
    steps = list(enumerate(commands))
    compiling = steps if artifact is None else steps[:-1]
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        failures = [failure for failure in threads.map(lambda step: _run(folder, *step), compiling) if failure]
    if not failures and artifact is not None:
        failures = [failure for failure in [_run(folder, *steps[-1])] if failure]
    if failures:
        return {**failures[0], "artifact": None}
    return {"failed": None, "output": "", "artifact": None if artifact is None else folder / artifact}


def _run(folder: Path, index: int, command: list[str]) -> dict | None:
    log = folder / f"compiler-{index}.log"
    with log.open("wb") as sink:
        done = subprocess.run(command, cwd=folder, stdout=sink, stderr=subprocess.STDOUT, check=False)
    if done.returncode == 0:
        return None
    with log.open("rb") as source:
        return {"failed": index, "output": source.read(_MAX_OUTPUT).decode(errors="replace")}
