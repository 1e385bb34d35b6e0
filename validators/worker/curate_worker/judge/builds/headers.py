"""
PyTorch's headers, precompiled once per machine and set of flags: g++ reads `torch/extension.h` in 8 seconds of
processor time instead of 20. The compiler itself checks that a precompiled header fits, and else reads the text beside
it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .toolchain import Toolchain

EXTENSION, TYPES = "torch/extension.h", "torch/types.h"
PLACE = "@headers@"
"""Stands in command lines for the folder where a build finds them."""
_BUILD_SECONDS = 600
# Each takes 0.5 to 0.8 GB of disk.
_MAX_KEPT = 6
# Making one costs as much as it saves in this many builds of a binding alone. One build of a CUDA source repays it.
_WORTH_IT = 4
_COMPILE_ERROR = 1
_OF_THE_MOMENT = re.compile(rb"No space left|Killed|out of memory|[Cc]annot allocate")
_HARMLESS = re.compile(r"-D\w+(=.*)?|-W.*|-w|-fPIC|-std=.*")
_OPTIMIZATION = re.compile(r"-O[0-3]?")


class HeaderStore:
    """Precompiled headers of a work directory, and the folder in which builds of one judge see them."""

    def __init__(self, folder: Path, shown: Path, tools: Toolchain) -> None:
        self._folder, self._shown, self._tools = folder, shown, tools

    def provide(self, header: str, flags: list[str], includes: list[str], *, is_urgent: bool) -> str | None:
        """
        The path of a header with a precompiled one beside it, as `@headers@/…`, for a compilation with these flags;
        None where there is none. It is made if it `is_urgent` or was asked for often enough.
        """
        level = optimization_of(flags)
        if level is None or self._tools.cxx is None:
            return None
        command = ["-x", "c++-header", "header.h", "-o", "header.h.gch", "-fPIC", f"-std={self._tools.standard}"]
        command += [*([level] if level else []), *includes]
        key = hashlib.sha256(json.dumps([header, command, self._tools.identity()]).encode()).hexdigest()[:32]
        try:
            with self._held(key):
                home = self._folder / key
                if not home.exists() and (is_urgent or self._is_wanted_often(key)):
                    self._make(home, header, command)
                return self._show(home) if (home / "header.h.gch").exists() else None
        except (OSError, subprocess.SubprocessError):
            # A saving that cannot be had; the build does without.
            return None

    def _make(self, home: Path, header: str, command: list[str]) -> None:
        aside = home.with_suffix(".tmp")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        (aside / "header.h").write_text(f"#include <{header}>\n")
        with (aside / "log").open("wb") as log:
            made = subprocess.run(
                [str(self._tools.cxx), *command],
                cwd=aside,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                timeout=_BUILD_SECONDS,
                check=False,
            )
        if made.returncode != 0:
            if made.returncode != _COMPILE_ERROR or _OF_THE_MOMENT.search((aside / "log").read_bytes()):
                raise OSError("the precompiled header could not be made this time")
            # Kept without the result, so that nobody tries again.
            (aside / "header.h.gch").unlink(missing_ok=True)
        self._forget_oldest()
        aside.rename(home)

    def _forget_oldest(self) -> None:
        known = [path for path in self._folder.iterdir() if (path / "header.h.gch").exists()]
        for path in sorted(known, key=lambda path: path.stat().st_mtime)[: 1 - _MAX_KEPT]:
            shutil.rmtree(path, ignore_errors=True)

    # Builds see no folder of the user's, so a link (or where the disk is another, a copy) lies in one of their own.
    def _show(self, home: Path) -> str:
        shown = self._shown / home.name
        if not (shown / "header.h.gch").exists():
            shown.mkdir(exist_ok=True)
            for name in ("header.h", "header.h.gch"):
                aside = shown / f"{name}.tmp"
                aside.unlink(missing_ok=True)
                try:
                    aside.hardlink_to(home / name)
                except OSError:
                    shutil.copyfile(home / name, aside)
                aside.rename(shown / name)
                (shown / name).chmod(0o644)
            shown.chmod(0o755)
        return f"{PLACE}/{home.name}/header.h"

    def _is_wanted_often(self, key: str) -> bool:
        wanted = self._folder / f"{key}.wanted"
        with wanted.open("ab") as marks:
            marks.write(b".")
        return wanted.stat().st_size >= _WORTH_IT

    @contextmanager
    def _held(self, key: str) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / f"{key}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def optimization_of(flags: list[str]) -> str | None:
    """The level of a compilation, `""` for none; None where its flags may not fit a precompiled header."""
    level = ""
    for flag in flags:
        if _OPTIMIZATION.fullmatch(flag):
            level = "" if flag == "-O0" else flag
        elif _HARMLESS.fullmatch(flag) is None:
            return None
    return level
