"""Finished builds by content, failed ones included. One process builds a key, the others wait for it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_POLL_SECONDS = 0.05
_FORMAT = 2


@dataclass(frozen=True)
class Built:
    """The outcome of one build."""

    compiler: str
    library: bytes | None
    """None where it failed, or where it was compiled and could not be linked on this machine."""
    cause: str | None
    """UPPER_CASE cause of a failure; None where it succeeded."""
    log: str
    method: str = "default"
    """
    `default`, as PyTorch builds it; `precompiled`, with precompiled headers; `narrow`, with headers of what the source
    uses; `split`, nvcc without PyTorch's headers;
    `device`, a launch plan's kernels; `triton`, as Triton does when it is called.
    """
    fallback: str | None = None
    """Why it was not built in a quicker way; None where it was, or where there is none."""
    kernels: list[dict] = field(default_factory=list)
    """What ptxas says of each kernel."""
    processor_seconds: float | None = None
    """What the compilers took of the processor; None where nobody measured it."""
    sha256: str | None = None
    """Hash of what was built where only that is known; None otherwise."""

    @property
    def artifact_sha256(self) -> str | None:
        """Hash of the library."""
        return self.sha256 if self.library is None else hashlib.sha256(self.library).hexdigest()


_KEPT = ("compiler", "cause", "log", "method", "fallback", "kernels", "processor_seconds")


class BuildCache:
    """A folder of builds, shared by all judges of a work directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self, key: str, seconds: float) -> Iterator[bool]:
        """Holds a key while it is looked up and built; false when another process held it for longer than `seconds`."""
        path = self._path(key).with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            yield _lock(descriptor, seconds)
        finally:
            os.close(descriptor)

    def read(self, key: str) -> Built | None:
        """A finished build, or None. What is not exactly what was written counts as absent."""
        path = self._path(key)
        try:
            record = json.loads((path / "build.json").read_text())
            library = (path / "library.so").read_bytes() if record["sha256"] is not None else None
            built = Built(library=library, **{name: record[name] for name in _KEPT})
            intact = record["format"] == _FORMAT and built.artifact_sha256 == record["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return built if intact else None

    def write(self, key: str, built: Built) -> None:
        """Keeps a build: written aside and renamed, so that it is there whole or not at all."""
        path = self._path(key)
        aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        _remove(aside)
        aside.mkdir(parents=True)
        if built.library is not None:
            (aside / "library.so").write_bytes(built.library)
        kept = {name: getattr(built, name) for name in _KEPT}
        record = {"format": _FORMAT, "sha256": built.artifact_sha256, **kept}
        (aside / "build.json").write_text(json.dumps(record))
        _remove(path)
        aside.rename(path)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key


def _lock(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True


def _remove(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
