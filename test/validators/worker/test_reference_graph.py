"""References that compute the same have one fingerprint, shapes aside; others have their own."""

from __future__ import annotations

from types import ModuleType

from curate_worker.judge.requests import TraceRequest
from curate_worker.judge.station import Station
from curate_worker.judge.tracing import Tracing
from curate_worker.runner.reference_graph import fingerprint

VECTORS = "[torch.randn(64, 128)]"
MATRICES = "[torch.randn(8, 16), torch.randn(4, 16), torch.randn(4)]"
HEADS = "[torch.randn(2, 4, 16, 32), torch.randn(2, 4, 16, 32), torch.randn(2, 4, 16, 32)]"
MORE_HEADS = "[torch.randn(1, 8, 24, 64), torch.randn(1, 8, 24, 64), torch.randn(1, 8, 24, 64)]"

SAME = {
    "softmax": [
        ("return F.softmax(x, -1)", VECTORS),
        ("return torch.softmax(x, dim=2)", "[torch.randn(2, 3, 5)]"),
        ("e = torch.exp(x - x.max(-1, keepdim=True)[0]); return e / e.sum(-1, keepdim=True)", VECTORS),
    ],
    "rms_norm": [
        ("return F.rms_norm(x, (128,), None, 1e-6)", VECTORS),
        ("return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6)", "[torch.randn(3, 4, 77)]"),
        ("f = x.float(); return f * torch.rsqrt(f.pow(2).mean(-1, keepdim=True) + 1e-6)", "[torch.randn(4, 8).half()]"),
    ],
    "layer_norm": [
        ("return F.layer_norm(x, (128,))", VECTORS),
        (
            "m = x.mean(-1, keepdim=True); v = x.var(-1, unbiased=False, keepdim=True); "
            "return (x - m) / torch.sqrt(v + 1e-5)",
            VECTORS,
        ),
    ],
    "linear": [
        ("return F.linear(x, args[1], args[2])", MATRICES),
        ("return args[2] + x @ args[1].t()", MATRICES),
    ],
    "relu": [
        ("return F.relu(x)", VECTORS),
        ("return x.relu_()", "[torch.randn(2, 3, 4)]"),
        ("return x.clamp(min=0)", "[torch.randn(7, device='cuda')]"),
    ],
    "attention": [
        ("return F.scaled_dot_product_attention(*args)", HEADS),
        ("q, k, v = args; return torch.softmax(q @ k.mT / q.size(-1) ** 0.5, -1) @ v", MORE_HEADS),
    ],
}
OTHERS = [
    ("return F.softmax(x, 0)", VECTORS),
    ("return F.log_softmax(x, -1)", VECTORS),
    ("return x - x.max()", VECTORS),
    ("return x.max() - x", VECTORS),
    ("return F.leaky_relu(x, 0.1)", VECTORS),
    ("return F.leaky_relu(x, 0.2)", VECTORS),
    ("return x @ x.T", VECTORS),
    ("return torch.triu(x)", VECTORS),
    ("return torch.tril(x)", VECTORS),
    ("q, k, v = args; return F.scaled_dot_product_attention(q, k, v, is_causal=True)", HEADS),
    ("return x.masked_fill(x > 3, float('inf'))", VECTORS),
    ("return x.masked_fill(x > 3, float('-inf'))", VECTORS),
    ("return torch.where(x > 3, x, 0.0)", VECTORS),
    ("return torch.where(x < 3, x, 0.0)", VECTORS),
    ("return x", VECTORS),
]
WITHOUT = {
    "VALUE_DEPENDENT": "return x if x.sum() > 0 else -x",
    "REF_CRASH": "import os; os._exit(3)",
    "REF_IMPORT_ERROR": "import a_module_nobody_has",
    "REF_TIMEOUT": "import time; time.sleep(60)",
    "REF_INVALID": "raise RuntimeError('no graph')",
}


def reference_of(body: str, inputs: str = VECTORS) -> str:
    """A task's reference whose forward pass is `body`."""
    return f"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def forward(self, *args):
        x = args[0]
        {body}


def get_inputs():
    return {inputs}


def get_init_inputs():
    return []
"""


def fingerprint_of(reference: str) -> str:
    """The fingerprint of a reference of ours, which needs no sandbox."""
    module = ModuleType("reference")
    exec(reference, vars(module))
    return fingerprint(lambda: module)


def test_references_are_told_apart_by_what_they_compute_and_not_by_how_it_is_written_or_on_which_shapes() -> None:
    found = {name: {fingerprint_of(reference_of(*each)) for each in ways} for name, ways in SAME.items()}
    assert {name: len(graphs) for name, graphs in found.items()} == dict.fromkeys(SAME, 1)
    others = [fingerprint_of(reference_of(*each)) for each in OTHERS]
    assert len({*others, *(graph for graphs in found.values() for graph in graphs)}) == len(others) + len(found)


def test_weights_of_a_module_are_inputs_like_others() -> None:
    module = reference_of("return self.linear(x)", "[torch.randn(3, 9)]").replace(
        "    def forward",
        "    def __init__(self):\n        super().__init__()\n        self.linear = nn.Linear(9, 7)\n\n    def forward",
    )
    plain = reference_of("return F.linear(x, args[1], args[2])", MATRICES)
    assert fingerprint_of(module) == fingerprint_of(plain)


def test_what_has_no_graph_says_why_and_ends_nothing_else(opened: tuple[Station, dict]) -> None:
    tracing = Tracing(opened[0])
    told = {cause: trace(tracing, body, 1.0 if cause == "REF_TIMEOUT" else 60.0) for cause, body in WITHOUT.items()}
    assert {cause: said["cause"] for cause, said in told.items()} == {cause: cause for cause in WITHOUT}
    assert all(said["graph"] is None and "/" not in said["detail"] for said in told.values())
    assert told["REF_INVALID"]["detail"] == "RuntimeError: no graph"
    graph = {"graph": fingerprint_of(reference_of("return x.sin()")), "cause": None, "detail": None}
    assert trace(tracing, "return x.sin()", 60.0) == graph


def trace(tracing: Tracing, body: str, seconds: float) -> dict:
    """What tracing in the sandbox says of a reference with this forward pass."""
    return tracing.trace(TraceRequest("nonce", reference_of(body), seconds, 8_000_000_000))
