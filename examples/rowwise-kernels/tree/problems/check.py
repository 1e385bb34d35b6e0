# SPDX-License-Identifier: Apache-2.0
"""Compares every solution with its problem: `python problems/check.py`."""

import os
import runpy
import sys
from pathlib import Path

import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")


def check(folder: Path) -> bool:
    problem = runpy.run_path(str(folder / "model.py"))
    solution = runpy.run_path(str(folder / "model_new.py"))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    modules = []
    for module_class in (problem["Model"], solution["ModelNew"]):
        torch.manual_seed(0)
        modules.append(module_class(*problem["get_init_inputs"]()).to(device))
    inputs = [tensor.to(device) for tensor in problem["get_inputs"]()]
    results = [module(*inputs) for module in modules]
    return torch.allclose(*results, atol=1e-5, rtol=1e-5)


if __name__ == "__main__":
    folders = sorted(path.parent for path in Path(__file__).parent.glob("*/model.py"))
    failed = [folder.name for folder in folders if not check(folder)]
    print(f"{len(folders) - len(failed)} of {len(folders)} problems solved")
    sys.exit(1 if failed else 0)
