"""Starts one of the worker's processes: `judge`, or `fork-server` on its behalf."""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path

# The folder of this file would otherwise offer its modules under top-level names.
sys.path[0] = str(Path(__file__).resolve().parents[1])


def main() -> None:
    """Runs what the first argument names."""
    name, *arguments = sys.argv[1:]
    # Nothing of what is imported goes away again; looking for what does takes a tenth of the time.
    gc.disable()
    if name == "fork-server":
        descriptor, user, scratch_root = arguments
        module = importlib.import_module("curate_worker.fork_server")
        module.serve(int(descriptor), int(user), Path(scratch_root))
    elif name == "sanitized":
        importlib.import_module("curate_worker.runner.sanitizer").replay(Path(arguments[0]))
    elif name == "judge":
        importlib.import_module("curate_worker.judge.main").main(arguments)
    else:
        sys.exit(f"unknown process {name}")


if __name__ == "__main__":
    main()
