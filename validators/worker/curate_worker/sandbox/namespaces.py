"""Namespaces: own users, network, processes, mounts and inter-process objects for every runner."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from pathlib import Path

from . import system_calls as system
from .report import LayerReport

# SIOCSIFFLAGS, IFF_UP, IFF_RUNNING: include/uapi/linux/sockios.h, if.h
_SET_FLAGS, _UP, _RUNNING = 0x8914, 0x1, 0x40
SHARED_MEMORY = Path("/dev/shm")

# Layer to flag and to the link in /proc/self/ns that tells one namespace from another.
_OTHERS = {
    "network-namespace": (system.CLONE_NEWNET, "net"),
    "ipc-namespace": (system.CLONE_NEWIPC, "ipc"),
    "mount-namespace": (system.CLONE_NEWNS, "mnt"),
    "pid-namespace": (system.CLONE_NEWPID, "pid_for_children"),
}


def enter_user_namespace(report: LayerReport) -> bool:
    """Enters a user namespace in which this process keeps its own user id; the others can then be had without root."""
    user, group = os.geteuid(), os.getegid()
    try:
        _leave(system.CLONE_NEWUSER, "user")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError as error:
        report.missing("user-namespace", str(error))
        return False
    report.active("user-namespace")
    return True


def enter_other_namespaces(report: LayerReport) -> None:
    """Enters each of the other namespaces by itself, so that one that is forbidden costs only itself."""
    for name, (flag, link) in _OTHERS.items():
        try:
            _leave(flag, link)
            report.active(name)
        except OSError as error:
            report.missing(name, str(error))


def raise_loopback(report: LayerReport) -> None:
    """Lets processes of a new network namespace reach each other over 127.0.0.1: the tools of NVIDIA do."""
    request = struct.pack("16sH14s", b"lo", _UP | _RUNNING, b"")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SET_FLAGS, request)
        report.active("own-loopback")
    except OSError as error:
        report.missing("own-loopback", str(error))


def arrange_mounts(report: LayerReport, scratch: Path, options: str, needed: list[Path], hidden: list[Path]) -> None:
    """
    In a new mount namespace: the scratch folder becomes a memory file system with `options` (its size), /proc shows
    only the own processes, and `hidden` folders look empty unless something `needed` lies below them.
    """
    system.mount("none", "/", None, system.MS_REC | system.MS_PRIVATE)
    _try_mount(report, "private-tmpfs", "tmpfs", scratch, system.MS_NOSUID | system.MS_NODEV, options)
    _try_mount(report, "private-shared-memory", "tmpfs", SHARED_MEMORY, system.MS_NOSUID | system.MS_NODEV, "size=64m")
    if report.is_active("pid-namespace"):
        _try_mount(report, "private-proc", "proc", Path("/proc"), system.MS_NOSUID | system.MS_NODEV | system.MS_NOEXEC)
    for folder in hidden:
        if folder.is_dir() and not any(_is_below(path, folder) for path in [*needed, scratch]):
            flags = system.MS_NOSUID | system.MS_NODEV | system.MS_RDONLY
            _try_mount(report, "hidden-folders", "tmpfs", folder, flags, "size=4k,mode=755")


# Mounts and the killing of "all processes" follow from the belief to be elsewhere, so belief is not enough.
def _leave(flag: int, link: str) -> None:
    before = _namespace(link)
    system.unshare(flag)
    if _namespace(link) == before:
        raise OSError(0, f"unshare left this process in {before}")


# A pid namespace without a process yet cannot be read; that alone tells it from the old one.
def _namespace(link: str) -> str:
    try:
        return str((Path("/proc/self/ns") / link).readlink())
    except OSError:
        return "unborn"


def _try_mount(  # noqa: PLR0913, PLR0917
    report: LayerReport, layer: str, kind: str, target: Path, flags: int, data: str | None = None
) -> None:
    try:
        system.mount(kind, str(target), kind, flags, data)
        report.active(layer)
    except OSError as error:
        report.missing(layer, str(error))


def _is_below(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
