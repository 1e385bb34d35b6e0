"""Runs compilers inside the sandbox: sources of strangers may include any file they can read."""

from __future__ import annotations

import re
import resource
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .modules import write_sources

_MAX_OUTPUT = 64 * 1024
# The usual extension has one file for each of two compilers.
_AT_A_TIME = 2
_UNDEFINED = re.compile(r"^\s*U (void (?:[\w:]+::)?(\w+)<.*\))$", re.MULTILINE)


@dataclass(frozen=True)
class _Outcome:
    has_failed: bool
    output: str


def run_compilers(folder: Path, files: dict[str, str], chains: list[list[dict]], artifact: str | None) -> dict:
    """
    Runs chains of steps in `folder` side by side, the steps of one after another, and then, if there is an artefact,
    the last chain, which links it. A step runs a `command`, or writes the instantiations `into` a source that the host
    code of an `object` needs. Gives the number of the chain that failed or None, what the compilers printed, the
    processor time they took and the path of the artefact if there is one.
    """
    folder.mkdir(exist_ok=True)
    write_sources(folder, files)
    before = _processor_seconds()
    compiling = chains if artifact is None else chains[:-1]
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        outcomes = list(threads.map(lambda numbered: _run_chain(folder, *numbered), enumerate(compiling)))
    if artifact is not None and not any(outcome.has_failed for outcome in outcomes):
        outcomes.append(_run_chain(folder, len(chains) - 1, chains[-1]))
    failed = next((number for number, outcome in enumerate(outcomes) if outcome.has_failed), None)
    told = outcomes if failed is None else [outcomes[failed]]
    return {
        "failed": failed,
        "output": "\n".join(outcome.output for outcome in told if outcome.output),
        "processor_seconds": round(_processor_seconds() - before, 3),
        "artifact": None if artifact is None or failed is not None else folder / artifact,
    }


def _run_chain(folder: Path, number: int, steps: list[dict]) -> _Outcome:
    outputs = []
    for index, step in enumerate(steps):
        if "command" not in step:
            _instantiate(folder, step["object"], step["into"], step["templates"])
            continue
        log = folder / f"compiler-{number}-{index}.log"
        with log.open("wb") as sink:
            done = subprocess.run(step["command"], cwd=folder, stdout=sink, stderr=subprocess.STDOUT, check=False)
        with log.open("rb") as source:
            outputs.append(source.read(_MAX_OUTPUT).decode(errors="replace"))
        if done.returncode != 0:
            return _Outcome(has_failed=True, output=outputs[-1])
    return _Outcome(has_failed=False, output="".join(outputs))


# Which kernels of a template are wanted is known when the code that launches them is compiled.
def _instantiate(folder: Path, object_file: str, into: str, templates: list[str]) -> None:
    listing = subprocess.run(["nm", "-u", "-C", object_file], cwd=folder, capture_output=True, text=True, check=False)
    wanted = [text for text, name in _UNDEFINED.findall(listing.stdout) if name in templates]
    with (folder / into).open("a", encoding="utf-8") as source:
        source.writelines(f"template __global__ {text};\n" for text in sorted(set(wanted)))


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
