"""
KernelBench's own verdict and time for one candidate: `baseline.py CHECKOUT REFERENCE CANDIDATE BACKEND`. Prints one
JSON line. What KernelBench imports for other purposes than judging and is not installed is stood in for.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import sys
import tempfile
import time
import types
from pathlib import Path

CORRECTNESS_TRIALS, TIMINGS = 5, 100
_FOR_OTHER_PURPOSES = ("requests", "pydantic", "dotenv", "tqdm", "openai", "litellm")


class _Model:
    """A record with defaults, as far as the results of an evaluation need one."""

    def __init__(self, **values: object) -> None:
        for name, default in vars(type(self)).items():
            if not name.startswith("_") and not callable(default):
                setattr(self, name, dict(default) if isinstance(default, dict) else default)
        for name, value in values.items():
            setattr(self, name, value)


def main(checkout: Path, reference: Path, candidate: Path, backend: str) -> None:
    for name in _FOR_OTHER_PURPOSES:
        if importlib.util.find_spec(name) is None:
            _stand_in(name)
    sys.path.insert(0, str(checkout / "src"))
    import torch  # noqa: PLC0415
    from kernelbench.eval import eval_kernel_against_ref  # noqa: PLC0415

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as build:
        result = eval_kernel_against_ref(
            reference.read_text(),
            candidate.read_text(),
            num_correct_trials=CORRECTNESS_TRIALS,
            num_perf_trials=TIMINGS,
            measure_performance=True,
            build_dir=build,
            device=torch.device("cuda:0"),
            backend=backend,
        )
    seconds = time.monotonic() - start
    facts = {"compiled": result.compiled, "correct": result.correctness, "ms": result.runtime, "seconds": seconds}
    print(json.dumps(facts | {"reference_ms": result.ref_runtime}), flush=True)


def _stand_in(name: str) -> None:
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    module.BaseModel = _Model
    for unused in ("load_dotenv", "tqdm", "OpenAI", "completion"):
        setattr(module, unused, lambda *_, **__: None)
    sys.modules[name] = module


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
