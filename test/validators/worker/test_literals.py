"""Literals of a workload's axes."""

from __future__ import annotations

import pytest
import torch
from curate_worker.literals import parse_literal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1024", 1024),
        ("-3.5e2", -350.0),
        ("'mean'", "mean"),
        ("None", None),
        ("(4, 8)", (4, 8)),
        ("[1, (2, torch.float16)]", [1, (2, torch.float16)]),
        ("torch.bfloat16", torch.bfloat16),
        ("torch.float", torch.float32),
        ("torch.long", torch.int64),
        ("{'a': torch.int8}", {"a": torch.int8}),
    ],
)
def test_literals_and_dtypes_are_read(text: str, value: object) -> None:
    assert parse_literal(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "print(1)",
        "torch.load",
        "torch.complex32",
        "torch.nn.Linear",
        "os.environ",
        "__import__('os')",
        "x",
        "1 +",
        "",
        "(" * 1000,
        "1" * 20_000,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"literal|dtype"):
        parse_literal(text)
