"""Between the fork server and a runner: enters the namespaces, waits for the runner, and leaves no process behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from .sandbox import system_calls as system
from .sandbox.control_group import enter_group, group_limits
from .sandbox.descriptors import close_all_but, keep_only
from .sandbox.enter import Confinement, confine_runner, enter_namespaces, finish_namespaces
from .sandbox.limits import Limits, process_limit
from .sandbox.report import LayerReport
from .sandbox.world import World

CHANNEL, STATUS = 3, 4
MAX_ORDER_BYTES = 64 * 1024
"""The longest order for a runner."""
_POLL_SECONDS, _ROOT_POLL_SECONDS = 60.0, 0.2
_AWAITED = {signal.SIGCHLD, signal.SIGTERM}

RunnerMain = Callable[[int, Confinement, LayerReport], None]


def fork_runner(place: Confinement, world: World, descriptors: dict[int, int], runner_main: RunnerMain) -> int:
    """
    Forks the supervisor of a new runner and gives its process id. `descriptors`: 1 and 2 the capped output, CHANNEL the
    messages, STATUS where the supervisor reports how the runner ended.
    """
    child = os.fork()
    if child != 0:
        return child
    code = 1
    try:
        _supervise_new_runner(place, world, descriptors, runner_main)
        code = 0
    except BaseException as error:
        _write_status({"failed": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(code)


def _supervise_new_runner(
    place: Confinement, world: World, descriptors: dict[int, int], runner_main: RunnerMain
) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    keep_only({0: null, **descriptors})
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    report = LayerReport()
    report.active("closed-descriptors")
    report.active("clean-environment")
    os.setsid()
    report.active("own-session")
    enter_group(group_limits(place.memory_bytes, place.scratch_bytes), place.server, report)
    enter_namespaces(place, world, report)
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    if not report.is_active("pid-namespace"):
        system.prctl(system.PR_SET_CHILD_SUBREAPER, 1)
        _run_and_watch(place, world, report, runner_main, is_init=False)
        return
    init = os.fork()
    if init == 0:
        code = 1
        try:
            _run_and_watch(place, world, report, runner_main, is_init=True)
            code = 0
        except BaseException as error:
            _write_status({"failed": f"{type(error).__name__}: {error}"})
        finally:
            os._exit(code)
    # Told to end, it waits for the namespace's: the first process there counts as ended when all others are gone.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(init, signal.SIGKILL))
    # Not by looking into /proc: the other process is about to mount one in which this process does not exist.
    os.closerange(0, STATUS)
    os.waitpid(init, 0)


def _run_and_watch(
    place: Confinement, world: World, report: LayerReport, runner_main: RunnerMain, *, is_init: bool
) -> None:
    if is_init and os.getpid() != 1:
        raise RuntimeError("not the first process of a namespace of its own")
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    finish_namespaces(place, world, report)
    limits = Limits(place.memory_bytes, process_limit())
    runner = os.fork()
    if runner == 0:
        _become_runner(place, world, limits, report, runner_main)
    close_all_but({STATUS})
    # Blocked, so that they are waited for and not lost between two looks.
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    status = _wait_for(runner, limits.max_processes)
    _kill_everything(is_init=is_init)
    _write_status(status)


def _become_runner(
    place: Confinement, world: World, limits: Limits, report: LayerReport, runner_main: RunnerMain
) -> None:
    code = 1
    try:
        os.setsid()
        os.close(STATUS)
        confine_runner(place, world, limits, report)
        system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
        runner_main(CHANNEL, place, report)
        code = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        os._exit(code)


def _wait_for(runner: int, max_processes: int) -> dict:
    # The kernel holds the process limit against everybody but root.
    patience = _ROOT_POLL_SECONDS if os.geteuid() == 0 else _POLL_SECONDS
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == runner:
            code = os.waitstatus_to_exitcode(status)
            return {"signal": -code} if code < 0 else {"exited": code}
        if pid != 0:
            continue
        if os.geteuid() == 0 and len(_descendants()) > max_processes:
            return {"failed": "too many processes"}
        received = signal.sigtimedwait(_AWAITED, patience)
        if received is not None and received.si_signo == signal.SIGTERM:
            return {"signal": int(signal.SIGKILL)}


def _kill_everything(*, is_init: bool) -> None:
    if is_init:
        _kill_own_namespace()
        return
    # Orphans become children of this process (it is their subreaper), so new ones can only appear below it.
    while pids := _descendants():
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _kill_own_namespace() -> None:
    # "All processes" must mean those of the own namespace, whatever was believed before.
    if os.getpid() != 1:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _descendants() -> list[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found, frontier = [], {os.getpid()}
    while frontier:
        frontier = {pid for pid, parent in parents.items() if parent in frontier}
        found += sorted(frontier)
    return found


def _write_status(status: dict) -> None:
    os.write(STATUS, json.dumps(status).encode() + b"\n")
