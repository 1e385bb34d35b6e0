"""Runs compilers inside the sandbox: sources of strangers may include any file they can read."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .modules import write_sources

_MAX_OUTPUT = 64 * 1024


def run_compilers(folder: Path, files: dict[str, str], commands: list[list[str]], artifact: str | None) -> dict:
    """
    Runs commands one after another in `folder` until one fails. Gives the index of the failed one or None, its output,
    and the path of the artefact if there is one.
    """
    folder.mkdir(exist_ok=True)
    write_sources(folder, files)
    for index, command in enumerate(commands):
        log = folder / "compiler.log"
        with log.open("wb") as sink:
            done = subprocess.run(command, cwd=folder, stdout=sink, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            with log.open("rb") as source:
                text = source.read(_MAX_OUTPUT).decode(errors="replace")
            return {"failed": index, "returncode": done.returncode, "output": text, "artifact": None}
    path = None if artifact is None else folder / artifact
    return {"failed": None, "returncode": 0, "output": "", "artifact": path}
