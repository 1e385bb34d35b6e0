"""The page by which others may time while a program compiles."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest
from curate_worker.turnstile import Turnstile, new_page


@pytest.fixture
def sides() -> Iterator[tuple[Turnstile, Turnstile]]:
    """Runner's and judge's view of one page."""
    page = new_page()
    runner, judge = Turnstile(page), Turnstile(page)
    os.close(page)
    yield runner, judge
    runner.close()
    judge.close()


def test_the_device_is_not_taken_from_a_program_that_uses_it(sides: tuple[Turnstile, Turnstile]) -> None:
    runner, judge = sides
    assert not judge.take()
    with runner.compiling():
        pass
    assert not judge.take()


def test_a_program_that_compiled_waits_until_the_device_is_given_back(sides: tuple[Turnstile, Turnstile]) -> None:
    runner, judge = sides
    done = threading.Event()
    compiled = threading.Event()

    def program() -> None:
        with runner.compiling():
            compiled.wait(10)
        done.set()

    thread = threading.Thread(target=program)
    thread.start()
    while not judge.take():
        time.sleep(0.001)
    compiled.set()
    assert not done.wait(0.1)
    judge.give_back()
    assert done.wait(10)
    thread.join()


def test_a_program_that_ends_compiling_while_it_is_asked_keeps_the_device(sides: tuple[Turnstile, Turnstile]) -> None:
    runner, judge = sides
    taken_while_using = 0
    stop = threading.Event()
    using = threading.Event()

    def program() -> None:
        while not stop.is_set():
            with runner.compiling():
                time.sleep(0.0005)
            using.set()
            time.sleep(0.0005)
            using.clear()

    thread = threading.Thread(target=program)
    thread.start()
    for _ in range(200):
        if judge.take():
            taken_while_using += using.is_set()
            judge.give_back()
    stop.set()
    thread.join()
    assert taken_while_using == 0
