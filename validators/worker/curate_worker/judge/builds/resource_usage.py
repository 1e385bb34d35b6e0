"""What ptxas tells of each kernel with `-v`: evidence of how it uses the device."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

# Triton has one of its own, `ptxas-blackwell`.
_ENTRY = re.compile(r"ptxas\S* info\s*: Compiling entry function '([^']+)' for '([^']+)'")
_FRAME = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"ptxas\S* info\s*: Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")
_MAX_KERNELS = 64


def resource_usage(output: str, is_named: Callable[[str], bool] = bool) -> list[dict]:
    """
    Per kernel its name, registers per thread, bytes of static shared memory per block, and bytes of the stack frame
    and of what is spilled per thread; in order of name. `is_named` leaves out kernels by their names.
    """
    kernels: dict[str, dict] = {}
    name = None
    for line in output.splitlines():
        entry = _ENTRY.search(line)
        if entry is not None:
            name = entry.group(1)
            kernels[name] = dict.fromkeys(("stack_bytes", "spill_store_bytes", "spill_load_bytes"), 0)
        elif name is None:
            continue
        elif (frame := _FRAME.search(line)) is not None:
            stack, stores, loads = (int(number) for number in frame.groups())
            kernels[name] |= {"stack_bytes": stack, "spill_store_bytes": stores, "spill_load_bytes": loads}
        elif (used := _USED.search(line)) is not None:
            shared = _SHARED.search(line)
            kernels[name] |= {"registers": int(used.group(1)), "shared_bytes": int(shared.group(1)) if shared else 0}
    complete = {name: facts for name, facts in kernels.items() if "registers" in facts and is_named(name)}
    names = _readable(sorted(complete)[:_MAX_KERNELS])
    return [{"name": names[name], **complete[name]} for name in sorted(complete)[:_MAX_KERNELS]]


def _readable(names: list[str]) -> dict[str, str]:
    try:
        done = subprocess.run(["c++filt", *names], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return {name: name for name in names}
    texts = done.stdout.splitlines()
    return dict(zip(names, texts, strict=True)) if len(texts) == len(names) else {name: name for name in names}
