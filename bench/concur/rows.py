"""
Writes a file as ConCuR's is (arXiv 2510.07356): an Arrow stream of PyTorch program, reasoning, CUDA code and speedup,
here with all five answers to each task, wrong ones too. What its columns are called is a guess: there is no list.

    python bench/concur/rows.py rows.arrow expected.json [--tasks 1000]

Beside it, for every set of parts of ConCuR's rule, the rows that it must keep, worked out here by loops over lists.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

PARTS = ("concise_and_fast", "high_speedup", "single_operator")
SAMPLES = 5
SINGLE_SHARE = 0.35
RIGHT_SHARE = 0.65
HIGH_SPEEDUP = 5
MOST_SINGLE = 544
# Each is one token of `o200k_base` after a space, so that the words of a reasoning are its tokens.
WORDS = ("the", "of", "and", "to", "in", "is", "that", "for", "it", "as", "on", "with", "be", "at", "by", "this")
SINGLE = ("relu", "gelu", "tanh", "sigmoid", "softmax", "cumsum", "sort", "exp")
FUSED = ("relu", "tanh", "sigmoid", "exp", "softmax")


@dataclass(frozen=True)
class Row:
    """One answer to one task."""

    task: int
    reference: str
    is_single: bool
    words: int
    speedup: float
    correct: bool
    code: str


def main() -> None:
    """Draws the rows, the same each time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("expected", type=Path)
    parser.add_argument("--tasks", type=int, default=1000)
    options = parser.parse_args()
    rows = drawn(options.tasks)
    write(rows, options.rows)
    held = parts_of([row for row in rows if row.correct])
    kept = {
        ",".join(chosen): sorted(row.code for row, parts in held.items() if parts & set(chosen))
        for size in (1, 2, 3)
        for chosen in itertools.combinations(PARTS, size)
    }
    correct = sum(row.correct for row in rows)
    options.expected.write_text(json.dumps({"rows": len(rows), "correct": correct, "kept": kept}))


def drawn(tasks: int) -> list[Row]:
    """Five answers to every task; about two of three are right, and length says nothing of speed."""
    draw = random.Random(2510)
    lengths = draw.sample(range(100, 100 + SAMPLES * tasks), SAMPLES * tasks)
    rows: list[Row] = []
    for task in range(tasks):
        is_single = draw.random() < SINGLE_SHARE
        reference = program(task, [draw.choice(SINGLE)] if is_single else draw.sample(FUSED, draw.choice((2, 3))))
        for sample in range(SAMPLES):
            speedup = round(math.exp(draw.gauss(0.2, 0.7)), 5)
            code = kernel(task, sample)
            rows.append(Row(task, reference, is_single, lengths.pop(), speedup, draw.random() < RIGHT_SHARE, code))
    return rows


def parts_of(rows: list[Row]) -> dict[Row, set[str]]:
    """The parts of the rule that hold for each row; `rows` are the right ones."""
    held: dict[Row, set[str]] = {row: set() for row in rows}
    left: list[tuple[int, int, Row]] = []
    for _, group in itertools.groupby(rows, key=lambda row: row.task):
        own = list(group)
        shortest = min(own, key=lambda row: row.words)
        if shortest is max(own, key=lambda row: row.speedup):
            held[shortest].add("concise_and_fast")
        for row in own:
            if row.speedup > HIGH_SPEEDUP:
                held[row].add("high_speedup")
        others = sorted((row for row in own if not held[row]), key=lambda row: row.words)
        left += [(turn, row.words, row) for turn, row in enumerate(others) if row.is_single]
    for _, _, row in sorted(left, key=lambda each: each[:2])[:MOST_SINGLE]:
        held[row].add("single_operator")
    return held


def write(rows: list[Row], path: Path) -> None:
    """One record batch for every thousand rows, as `datasets` saves them."""
    draw = random.Random(7356)
    columns = {
        "pytorch_code": [row.reference for row in rows],
        "reasoning_trace": ["".join(f" {draw.choice(WORDS)}" for _ in range(row.words)) for row in rows],
        "cuda_code": [row.code for row in rows],
        "speedup": [row.speedup for row in rows],
        "is_correct": [row.correct for row in rows],
    }
    table = pa.table(columns)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table, max_chunksize=1000)


def program(task: int, operators: list[str]) -> str:
    """A task in the form of KernelBench."""
    arguments = {"softmax": ", dim=-1", "cumsum": ", dim=-1", "sort": ", dim=-1"}
    lines = [f"        x = torch.{name}(x{arguments.get(name, '')})" for name in operators]
    if operators == ["sort"]:
        lines.append("        x = x[0]")
    body = "\n".join(lines)
    return (
        f"import torch\n\n\nclass Model(torch.nn.Module):\n    def forward(self, x):\n{body}\n        return x\n\n\n"
        f"def get_inputs():\n    return [torch.rand({task + 2}, 1024)]\n\n\ndef get_init_inputs():\n    return []\n"
    )


def kernel(task: int, sample: int) -> str:
    """An answer; nobody runs it here, and no two are the same."""
    return (
        "import torch\nfrom torch.utils.cpp_extension import load_inline\n\nSOURCE = r'''\n"
        "#include <torch/extension.h>\n__global__ void answer(const float* x, float* y, int n) {\n"
        f"  int i = blockIdx.x * {32 * (sample + 1)} + threadIdx.x;\n"
        f"  if (i < n) y[i] = x[i] * {task}.f;\n}}\n'''\n\n\n"
        "class ModelNew(torch.nn.Module):\n    def forward(self, x):\n        return load(SOURCE).answer(x)\n"
    )


if __name__ == "__main__":
    main()
