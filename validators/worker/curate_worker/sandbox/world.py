"""What of the file system a runner may see: everything it imports and compiles with, and nothing of anybody's."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

_SYSTEM_FOLDERS = ["/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/opt", "/proc", "/sys"]
_SYSTEM_FILES = [
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/group",
]
_LIBRARY_VARIABLES = ("LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "TRITON_LIBCUDA_PATH", "TRITON_PTXAS_PATH")
_DEVICES = ["null", "zero", "full", "random", "urandom", "tty", "nvidia*", "nvidia-caps", "dri"]
_PERSONAL_FOLDERS = ["/root", "/home", "/mnt", "/media", "/srv", "/run", "/var/run", "/var/tmp", "/tmp"]


@dataclass(frozen=True)
class World:
    """Paths by what a runner may do with them."""

    readable: list[Path]
    devices: list[Path]
    hidden: list[Path]
    """Folders to cover with empty ones where mounts are possible: a second wall behind landlock."""
    needed: list[Path]
    """Files that a runner must be able to read, whatever user it is."""


HEADER_FOLDER = "headers"
"""Below the folder of all scratch folders: what the judge lays there for compilers to read."""


def survey(scratch_root: Path) -> World:
    """Looks at this interpreter and this machine; called once by the fork server."""
    package = Path(__file__).resolve().parents[1]
    interpreter = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent]
    imports = [Path(entry) for entry in sys.path if entry and Path(entry).exists()]
    libraries = [Path(entry) for name in _LIBRARY_VARIABLES for entry in os.environ.get(name, "").split(":") if entry]
    compilers = [_home_of(name) for name in ("nvcc", "g++", "c++", "ptxas")]
    personal = [Path(folder) for folder in _PERSONAL_FOLDERS] + [Path(os.environ.get("CURATE_REAL_HOME", "/root"))]
    wanted = [*interpreter, *imports, *libraries, package, *(path for path in compilers if path is not None)]
    needed = [path for path in wanted if _is_of_programs(path, personal)]
    devices = [path for pattern in _DEVICES for path in sorted(Path("/dev").glob(pattern))]
    return World(
        readable=[Path(folder) for folder in _SYSTEM_FOLDERS + _SYSTEM_FILES] + [*needed, scratch_root / HEADER_FOLDER],
        devices=devices,
        hidden=list(dict.fromkeys(personal)),
        needed=[
            *(path for path in needed if path.exists()),
            Path(os.__file__),
            *(path for path in devices if path.name.startswith("nvidia")),
        ],
    )


# `.` in PYTHONPATH or LD_LIBRARY_PATH would be the root of the file system, and a compiler in /bin has its home there.
def _is_of_programs(path: Path, personal: list[Path]) -> bool:
    return path.is_absolute() and not any(folder.is_relative_to(path.resolve()) for folder in personal)


def _home_of(program: str) -> Path | None:
    found = shutil.which(program)
    return None if found is None else Path(found).resolve().parent.parent
