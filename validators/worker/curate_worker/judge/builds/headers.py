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
import threading
from collections.abc import Callable
from pathlib import Path

from ..faults import MachineFault, RunnerLost
from .toolchain import Toolchain

EXTENSION, TYPES = "torch/extension.h", "torch/types.h"
PLACE = "@headers@"
"""Stands in command lines for the folder where a build finds them."""
# Each takes 0.5 to 0.8 GB of disk.
_MAX_KEPT = 6
# Making one costs as much as it saves in this many builds.
_WORTH_IT = 4
_OF_THE_MOMENT = re.compile(r"No space left|Killed|out of memory|[Cc]annot allocate")
_HARMLESS = re.compile(r"-D\w+(=.*)?|-W.*|-w|-fPIC|-std=.*")
_OPTIMIZATION = re.compile(r"-O[0-3]?")

# Runs one command on files: whether it failed, what it printed, and the file it made.
RunCompilers = Callable[[dict[str, str], list[str], str], tuple[bool, str, memoryview | None]]


class HeaderStore:
    """
    Precompiled headers of a work directory, and the folder in which builds of one judge see them. They are made beside
    the builds that want them, which do not wait: threads may ask at the same time.
    """

    def __init__(self, folder: Path, shown: Path, tools: Toolchain, run: RunCompilers) -> None:
        self._folder, self._shown, self._tools = folder, shown, tools
        self._run = run
        self._turn = threading.Lock()
        self._making: dict[str, threading.Thread] = {}

    def provide(self, text: str, flags: list[str], includes: list[str]) -> str | None:
        """
        The path of a header of this text with a precompiled one beside it, as `@headers@/…`, for a compilation with
        these flags; None where there is none yet. What is asked for often enough to be worth it is made.
        """
        level = optimization_of(flags)
        if level is None or self._tools.cxx is None:
            return None
        command = ["-x", "c++-header", "header.h", "-o", "header.h.gch", "-fPIC", f"-std={self._tools.standard}"]
        command += [*([level] if level else []), *includes]
        key = hashlib.sha256(json.dumps([text, command, self._tools.identity()]).encode()).hexdigest()[:32]
        home = self._folder / key
        try:
            with self._turn:
                self._folder.mkdir(parents=True, exist_ok=True)
                if home.exists():
                    return self._show(home) if (home / "header.h.gch").exists() else None
                if self._is_wanted_often(key) and key not in self._making:
                    self._making[key] = threading.Thread(target=self._make_alone, args=(home, text, command))
                    self._making[key].start()
        except OSError:
            # A saving that cannot be had; the build does without.
            return None
        return None

    def wait(self) -> None:
        """Waits until what is being made is made."""
        for thread in list(self._making.values()):
            thread.join()

    # One process of all that share the folder makes it; the others have it later.
    def _make_alone(self, home: Path, text: str, command: list[str]) -> None:
        with contextlib.suppress(OSError, RunnerLost, MachineFault):
            descriptor = os.open(self._folder / f"{home.name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not home.exists():
                    self._make(home, text, command)
            finally:
                os.close(descriptor)

    def _make(self, home: Path, text: str, command: list[str]) -> None:
        failed, output, made = self._run({"header.h": text}, [str(self._tools.cxx), *command], "header.h.gch")
        if failed and _OF_THE_MOMENT.search(output):
            raise OSError("the precompiled header could not be made this time")
        aside = home.with_suffix(".tmp")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        (aside / "header.h").write_text(text)
        (aside / "log").write_text(output)
        # Kept without the result where it failed, so that nobody tries again.
        if made is not None:
            (aside / "header.h.gch").write_bytes(made)
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


def optimization_of(flags: list[str]) -> str | None:
    """The level of a compilation, `""` for none; None where its flags may not fit a precompiled header."""
    level = ""
    for flag in flags:
        if _OPTIMIZATION.fullmatch(flag):
            level = "" if flag == "-O0" else flag
        elif _HARMLESS.fullmatch(flag) is None:
            return None
    return level
