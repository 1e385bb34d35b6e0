"""The two halves of entering the sandbox: what the supervisor does for its runner, and what the runner does itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from . import system_calls as system
from .identity import become
from .landlock import restrict_paths
from .limits import Limits, apply_limits
from .namespaces import SHARED_MEMORY, arrange_mounts, enter_other_namespaces, enter_user_namespace, raise_loopback
from .report import LayerReport
from .seccomp import restrict_system_calls
from .world import World


@dataclass(frozen=True)
class Confinement:
    """One runner's place in the world."""

    scratch: Path
    scratch_bytes: int
    memory_bytes: int | None
    user: int
    """User id to become where the judge is root."""
    user_namespace_works: bool
    server: int
    """Process id of the fork server, as the machine knows it."""
    window_bytes: int = 0
    """Size of the GPU memory that it shares with the judge; 0 where there is none."""
    has_turnstile: bool = False
    """Whether it tells the judge when it compiles."""
    has_loopback: bool = False
    """Whether it may talk to itself over a network of its own, on which there is nobody else."""


def enter_namespaces(place: Confinement, world: World, report: LayerReport) -> None:
    """
    Leaves the machine's namespaces. A user namespace needs no root, so root is given up before; where there is none,
    root enters the others first and is given up in `finish_namespaces`.
    """
    if place.user_namespace_works:
        become(place.user, report, world.needed, place.scratch)
        enter_user_namespace(report)
    else:
        report.missing("user-namespace", "the kernel or the container forbids it")
    enter_other_namespaces(report)
    if place.has_loopback and report.is_active("network-namespace"):
        raise_loopback(report)


def finish_namespaces(place: Confinement, world: World, report: LayerReport) -> None:
    """In the first process of the new namespaces: arranges the mounts, gives up root where that is still to be done."""
    root = os.geteuid() == 0
    owner = place.user if root and not place.user_namespace_works else os.geteuid()
    if report.is_active("mount-namespace"):
        arrange_mounts(
            report, place.scratch, f"size={place.scratch_bytes},mode=700,uid={owner}", world.needed, world.hidden
        )
    if root and not report.is_active("own-user") and not place.user_namespace_works:
        become(place.user, report, world.needed, place.scratch)


def confine_runner(place: Confinement, world: World, limits: Limits, report: LayerReport) -> None:
    """The last steps, in the runner itself, before it reads its first message."""
    os.umask(0o077)
    os.chdir(place.scratch)
    apply_limits(limits, report)
    system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
    report.active("no-new-privileges")
    own = [SHARED_MEMORY] if report.is_active("private-shared-memory") else []
    # CUDA's driver overwrites /proc/self/task/*/comm to name its threads, and fails (304) where it cannot. That is of
    # one process; who has another one looked at sees nobody else's.
    is_watching = place.has_loopback and report.is_active("private-proc")
    threads = Path("/proc") if is_watching else Path("/proc/self/task")
    restrict_paths(report, world.readable, [place.scratch, *own, threads], world.devices)
    try:
        system.drop_capabilities()
        report.active("no-capabilities")
    except OSError as error:
        report.missing("no-capabilities", str(error))
    restrict_system_calls(report, has_loopback=report.is_active("own-loopback"))


def user_namespace_works(user: int, world: World, scratch_parent: Path) -> bool:
    """Tries, in a child that is thrown away, whether user namespaces can be had and are good for anything."""
    child = os.fork()
    if child == 0:
        report = LayerReport()
        become(user, report, world.needed, scratch_parent / "any")
        entered = enter_user_namespace(report)
        enter_other_namespaces(report)
        os._exit(0 if entered and report.is_active("network-namespace") else 1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0
