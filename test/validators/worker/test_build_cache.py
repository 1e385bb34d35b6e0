"""The cache of builds: whole or absent, one builder at a time."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

from curate_worker.judge.builds.build_cache import BuildCache, Built

KEY = "ab" * 32


def test_builds_and_failures_are_kept(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    assert cache.read(KEY) is None
    good, bad = Built("g++ 1", b"library", None, ""), Built("g++ 1", None, "COMPILE_ERROR", "error: no")
    with cache.held(KEY, 1):
        cache.write(KEY, good)
    cache.write("cd" * 32, bad)
    assert cache.read(KEY) == good
    assert cache.read("cd" * 32) == bad
    cache.write(KEY, bad)
    assert cache.read(KEY) == bad


def test_what_was_damaged_counts_as_absent(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    (tmp_path / "ab").mkdir()
    cache.write(KEY, Built("g++ 1", b"library", None, ""))
    library = tmp_path / "ab" / KEY / "library.so"
    library.write_bytes(b"librarx")
    assert cache.read(KEY) is None
    library.unlink()
    assert cache.read(KEY) is None
    (tmp_path / "ab" / KEY / "build.json").write_text("{")
    assert cache.read(KEY) is None


def test_a_writer_that_was_killed_leaves_nothing_that_counts(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    aside = tmp_path / "ab" / f"{KEY}.1.tmp"
    aside.mkdir(parents=True)
    (aside / "library.so").write_bytes(b"half")
    assert cache.read(KEY) is None
    cache.write(KEY, Built("g++ 1", b"library", None, ""))
    assert cache.read(KEY) is not None


def build_slowly(folder: Path, log: Path) -> None:
    cache = BuildCache(folder)
    with cache.held(KEY, 10):
        if cache.read(KEY) is None:
            with log.open("a") as lines:
                lines.write("built\n")
            time.sleep(0.2)
            cache.write(KEY, Built("g++ 1", b"library", None, ""))


def test_of_many_who_want_a_build_one_makes_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    builders = [context.Process(target=build_slowly, args=(tmp_path, tmp_path / "log")) for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert (tmp_path / "log").read_text() == "built\n"


def test_waiting_for_another_builder_ends(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    with cache.held(KEY, 1) as first, cache.held(KEY, 0.1) as second:
        assert first
        assert not second
