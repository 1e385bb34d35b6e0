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
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.05
_FORMAT = 1


@dataclass(frozen=True)
class Built:
    """The outcome of one build."""

    compiler: str
    library: bytes | None
    """None where it failed, or where it was compiled and could not be linked on this machine."""
    cause: str | None
    """UPPER_CASE cause of a failure; None where it succeeded."""
    log: str

    @property
    def artifact_sha256(self) -> str | None:
        """Hash of the library."""
        return None if self.library is None else hashlib.sha256(self.library).hexdigest()


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
            built = Built(record["compiler"], library, record["cause"], record["log"])
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
        record = {
            "format": _FORMAT,
            "compiler": built.compiler,
            "sha256": built.artifact_sha256,
            "cause": built.cause,
            "log": built.log,
        }
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
