"""
Seccomp: system calls that no kernel needs answer EPERM; sockets other than local ones cannot be made, and those reach
nobody. A local socket is a file, which neither a network namespace nor landlock keeps anybody from: an agent with keys
or a container's daemon may listen there.
"""

from __future__ import annotations

import ctypes
import errno
import platform

from . import system_calls as system
from .report import LayerReport

_LOAD, _AND, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _FIRST_ARGUMENT_OFFSET, _SECOND_ARGUMENT_OFFSET = 0, 4, 16, 24
_MODE_FILTER = 2
# Of seccomp(2): `SECCOMP_SET_MODE_FILTER` and `SECCOMP_FILTER_FLAG_TSYNC`.
_SET_FILTER, _ALL_THREADS = 1, 1
_AF_UNIX, _AF_INET = 1, 2
# Those are sent to whom they are connected to; a datagram goes wherever it says. The other bits are flags.
_SOCK_STREAM, _SOCK_SEQPACKET, _KINDS_OF_SOCKET = 1, 5, 0xF
# Every CLONE_NEW* flag: a namespace of its own would give back capabilities.
_NAMESPACE_FLAGS = 0x7E020000
# Numbers from here on are the x32 interface, which would pass under other numbers.
_X32_NUMBERS = 0x40000000

# Numbers: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h
_X86_64 = {
    "architecture": 0xC000003E,
    "socket": 41,
    "socketpair": 53,
    "connect": 42,
    "clone": 56,
    "clone3": 435,
    "seccomp": 317,
    "denied": [
        *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
        *(165, 166, 155, 161, 428, 429, 430, 431, 432, 442),  # mount, umount2, pivot_root, chroot, the new mount calls
        *(321, 425, 426, 427, 323, 298),  # bpf, io_uring_*, userfaultfd, perf_event_open
        *(272, 308, 248, 249, 250, 304, 438),  # unshare, setns, keys, open_by_handle_at, pidfd_getfd
        *(175, 176, 313, 246, 320, 169, 163, 179),  # modules, kexec, reboot, acct, quotactl
    ],
}
_AARCH64 = {
    "architecture": 0xC00000B7,
    "socket": 198,
    "socketpair": 199,
    "connect": 203,
    "clone": 220,
    "clone3": 435,
    "seccomp": 277,
    "denied": [
        *(117, 270, 271, 272),
        *(40, 39, 41, 51, 428, 429, 430, 431, 432, 442),
        *(280, 425, 426, 427, 282, 241),
        *(97, 268, 217, 218, 219, 265, 438),
        *(105, 106, 273, 104, 294, 142, 89, 60),
    ],
}
_TABLES = {"x86_64": _X86_64, "aarch64": _AARCH64}


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def restrict_system_calls(report: LayerReport, *, has_loopback: bool = False) -> None:
    """Installs the filter; needs no-new-privileges to be set. Holds for every child and cannot be taken back."""
    table = _TABLES.get(platform.machine())
    if table is None:
        report.missing("seccomp", f"no table of system calls for {platform.machine()}")
        return
    program = _program(_filter(table, has_loopback=has_loopback))
    try:
        system.prctl(system.PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(program))
        report.active("seccomp")
    except OSError as error:
        report.missing("seccomp", str(error))


def forbid_connections() -> None:
    """
    Takes from all threads of this process, and from what they start, the connections that `has_loopback` leaves to a
    tool: whoever has one keeps it. Raises OSError where that cannot be.
    """
    table = _TABLES.get(platform.machine())
    if table is None:
        raise OSError(errno.ENOSYS, f"no table of system calls for {platform.machine()}")
    system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
    program = _program(_filter(table, has_loopback=False))
    system.raw(table["seccomp"], _SET_FILTER, _ALL_THREADS, ctypes.c_void_p(ctypes.addressof(program)))


def _program(instructions: list[_Instruction]) -> _Program:
    array = (_Instruction * len(instructions))(*instructions)
    return _Program(len(instructions), array)


def _filter(table: dict, *, has_loopback: bool) -> list[_Instruction]:
    denied = _ERROR | errno.EPERM
    body = [
        _Instruction(_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        _Instruction(_JUMP_EQUAL, 1, 0, table["architecture"]),
        _Instruction(_RETURN, 0, 0, _KILL),
        _Instruction(_LOAD, 0, 0, _NUMBER_OFFSET),
        _Instruction(_JUMP_AT_LEAST, 0, 1, _X32_NUMBERS),
        _Instruction(_RETURN, 0, 0, denied),
    ]
    for number in table["denied"]:
        body += _when(number, [_Instruction(_RETURN, 0, 0, denied)])
    # glibc falls back to clone, whose flags can be looked at.
    body += _when(table["clone3"], [_Instruction(_RETURN, 0, 0, _ERROR | errno.ENOSYS)])
    body += _when(table["clone"], _first_argument(_JUMP_ANY_BIT, _NAMESPACE_FLAGS, yes=denied, no=_ALLOW))
    refused = _ERROR | errno.EAFNOSUPPORT
    of_local = [*_going_on_for(_AF_UNIX, refused), *_only_connected(denied)]
    if has_loopback:
        # NVIDIA's driver gives up where it may not even make a local socket.
        body += _when(table["socket"], [*_allowed_for(_AF_INET), *of_local])
    else:
        # NVIDIA's driver asks so whether somebody shares the GPU, and is told what it is told where nobody does.
        body += _when(table["connect"], [_Instruction(_RETURN, 0, 0, _ERROR | errno.ENOENT)])
        body += _when(table["socket"], of_local)
    body += _when(table["socketpair"], _only_connected(denied))
    return [*body, _Instruction(_RETURN, 0, 0, _ALLOW)]


def _when(number: int, then: list[_Instruction]) -> list[_Instruction]:
    return [_Instruction(_JUMP_EQUAL, 0, len(then), number), *then]


def _allowed_for(value: int) -> list[_Instruction]:
    return [
        _Instruction(_LOAD, 0, 0, _FIRST_ARGUMENT_OFFSET),
        _Instruction(_JUMP_EQUAL, 0, 1, value),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    ]


# And returns for any other first argument.
def _going_on_for(value: int, otherwise: int) -> list[_Instruction]:
    return [
        _Instruction(_LOAD, 0, 0, _FIRST_ARGUMENT_OFFSET),
        _Instruction(_JUMP_EQUAL, 1, 0, value),
        _Instruction(_RETURN, 0, 0, otherwise),
    ]


# Of local sockets any other kind is one of datagrams, also the raw one.
def _only_connected(denied: int) -> list[_Instruction]:
    return [
        _Instruction(_LOAD, 0, 0, _SECOND_ARGUMENT_OFFSET),
        _Instruction(_AND, 0, 0, _KINDS_OF_SOCKET),
        _Instruction(_JUMP_EQUAL, 2, 0, _SOCK_STREAM),
        _Instruction(_JUMP_EQUAL, 1, 0, _SOCK_SEQPACKET),
        _Instruction(_RETURN, 0, 0, denied),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    ]


def _first_argument(jump: int, value: int, *, yes: int, no: int) -> list[_Instruction]:
    return [
        _Instruction(_LOAD, 0, 0, _FIRST_ARGUMENT_OFFSET),
        _Instruction(jump, 0, 1, value),
        _Instruction(_RETURN, 0, 0, yes),
        _Instruction(_RETURN, 0, 0, no),
    ]
