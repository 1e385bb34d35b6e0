"""Honest ways to compute common operators, in three precisions and from all distributions: none may be refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch
from curate_worker.judge.compare import compare
from curate_worker.judge.distributions import DISTRIBUTIONS, is_of_use
from curate_worker.judge.expected import Usual, expect, is_fit_to_judge
from curate_worker.judge.faults import Verdict
from curate_worker.runner.inputs import make_inputs
from curate_worker.values import pack

F = torch.nn.functional
Way = Callable[..., object]
BLOCK = 64


def online_softmax(x: torch.Tensor) -> torch.Tensor:
    """Running maximum and running sum, a block of columns at a time."""
    largest = torch.full((*x.shape[:-1], 1), -math.inf)
    total = torch.zeros_like(largest)
    for block in x.float().split(BLOCK, -1):
        now = torch.maximum(largest, block.amax(-1, keepdim=True))
        total = total * (largest - now).exp() + (block - now).exp().sum(-1, keepdim=True)
        largest = now
    return ((x.float() - largest).exp() / total).to(x.dtype)


def one_by_one(x: torch.Tensor) -> torch.Tensor:
    """A sum along the last axis, term by term in float32."""
    total = torch.zeros(x.shape[:-1])
    for column in x.float().unbind(-1):
        total = total + column
    return total


def blocked_product(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(x.shape[0], y.shape[1])
    for k in range(0, x.shape[1], BLOCK):
        total = total + x[:, k : k + BLOCK].float() @ y[k : k + BLOCK].float()
    return total.to(x.dtype)


def product_term_by_term(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(x.shape[0], y.shape[1])
    for k in range(x.shape[1]):
        total = total + torch.outer(x[:, k].float(), y[k].float())
    return total.to(x.dtype)


def welford(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    mean, second = torch.zeros(x.shape[0]), torch.zeros(x.shape[0])
    for count, column in enumerate(x.float().unbind(-1), 1):
        step = column - mean
        mean = mean + step / count
        second = second + step * (column - mean)
    return mean[:, None], (second / x.shape[-1])[:, None]


def normed(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor, moments: tuple) -> torch.Tensor:
    mean, variance = moments
    return ((x.float() - mean) * (variance + 1e-5).rsqrt() * w.float() + b.float()).to(x.dtype)


def two_pass(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    mean = x.float().mean(-1, keepdim=True)
    return mean, (x.float() - mean).square().mean(-1, keepdim=True)


def rms(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    return (wide * (wide.square().mean(-1, keepdim=True) + 1e-6).rsqrt()).to(x.dtype) * w


def rms_at_once(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    size = (one_by_one(x.float().square()) / x.shape[-1] + 1e-6).sqrt()[:, None]
    return (x.float() / size * w.float()).to(x.dtype)


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ v


def fused_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    scores = q.float() @ k.float().transpose(-1, -2) * q.shape[-1] ** -0.5
    weights = (scores - scores.amax(-1, keepdim=True)).exp()
    # As tensor cores are fed: rounded to the inputs' precision before the second product.
    return ((weights.to(q.dtype).float() @ v.float()) / weights.sum(-1, keepdim=True)).to(q.dtype)


def wide(function: Way) -> Way:
    """In float32 throughout, rounded once."""
    return lambda *given: function(*(item.float() for item in given)).to(given[0].dtype)


def loss(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(x, target)


def loss_by_hand(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    picked = x.float().gather(1, target[:, None])[:, 0]
    largest = x.float().amax(1)
    rows = (x.float() - largest[:, None]).exp().sum(1).log() + largest - picked
    return (one_by_one(rows[None])[0] / x.shape[0]).to(x.dtype)


def matrix(*shape: int) -> Callable[[torch.dtype], torch.Tensor]:
    return lambda dtype: torch.randn(*shape, dtype=dtype)


def ones(count: int) -> Callable[[torch.dtype], torch.Tensor]:
    return lambda dtype: torch.ones(count, dtype=dtype)


def classes(count: int, high: int) -> Callable[[torch.dtype], torch.Tensor]:
    return lambda _: torch.randint(0, high, (count,))


X, ROWS, COLUMNS = matrix(24, 160), 24, 160
# The operator, what makes its inputs, and honest ways to compute it otherwise.
OPERATORS: dict[str, tuple[Way, list, list[Way]]] = {
    "relu": (torch.relu, [X], [lambda x: x.clamp(min=0), lambda x: torch.where(x > 0, x, torch.zeros_like(x))]),
    "gelu": (F.gelu, [X], [wide(lambda x: x * 0.5 * (1 + torch.erf(x * 0.7071067811865476))), wide(F.gelu)]),
    "silu": (F.silu, [X], [wide(lambda x: x / (1 + (-x).exp())), wide(lambda x: x * torch.sigmoid(x))]),
    "tanh": (torch.tanh, [X], [wide(torch.tanh), wide(lambda x: 2 * torch.sigmoid(2 * x) - 1)]),
    "softplus": (F.softplus, [X], [wide(lambda x: x.clamp(min=0) + (-x.abs()).exp().log1p())]),
    "sigmoid": (torch.sigmoid, [X], [wide(lambda x: 1 / (1 + (-x).exp())), wide(lambda x: 0.5 + 0.5 * (x / 2).tanh())]),
    "swiglu": (lambda x, y: F.silu(x) * y, [X, X], [wide(lambda x, y: F.silu(x) * y), lambda x, y: y * F.silu(x)]),
    "axpy": (
        lambda x, y: x * 2.5 + y,
        [X, X],
        [wide(lambda x, y: x * 2.5 + y), lambda x, y: torch.add(y, x, alpha=2.5)],
    ),
    "softmax": (
        lambda x: torch.softmax(x, -1),
        [X],
        [online_softmax, wide(lambda x: torch.softmax(x, -1)), wide(lambda x: torch.log_softmax(x, -1).exp())],
    ),
    "log_softmax": (
        lambda x: torch.log_softmax(x, -1),
        [X],
        [wide(lambda x: x - torch.logsumexp(x, -1, keepdim=True)), wide(lambda x: torch.log_softmax(x, -1))],
    ),
    "sum": (lambda x: x.sum(-1), [X], [lambda x: one_by_one(x).to(x.dtype), wide(lambda x: x.flip(-1).sum(-1))]),
    "mean": (lambda x: x.mean(-1), [X], [lambda x: (one_by_one(x) / COLUMNS).to(x.dtype), wide(lambda x: x.mean(-1))]),
    "amax": (lambda x: x.amax(-1), [X], [lambda x: x.sort(-1).values[..., -1]]),
    "norm": (lambda x: x.norm(dim=-1), [X], [lambda x: one_by_one(x.float().square()).sqrt().to(x.dtype)]),
    "cumsum": (lambda x: x.cumsum(-1), [X], [wide(lambda x: x @ torch.ones(COLUMNS, COLUMNS).triu())]),
    "layer_norm": (
        lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b),
        [X, ones(COLUMNS), matrix(COLUMNS)],
        [lambda x, w, b: normed(x, w, b, two_pass(x)), lambda x, w, b: normed(x, w, b, welford(x))],
    ),
    "rms_norm": (rms, [X, matrix(COLUMNS)], [rms_at_once, lambda x, w: rms(x.float(), w.float()).to(x.dtype)]),
    "matmul": (torch.matmul, [X, matrix(COLUMNS, 40)], [blocked_product, product_term_by_term, wide(torch.matmul)]),
    "linear": (
        F.linear,
        [X, matrix(40, COLUMNS), matrix(40)],
        [wide(F.linear), lambda x, w, b: (blocked_product(x, w.t()).float() + b.float()).to(x.dtype)],
    ),
    "attention": (
        attention,
        [matrix(2, 40, 32)] * 3,
        [fused_attention, wide(attention), wide(F.scaled_dot_product_attention)],
    ),
    "cross_entropy": (loss, [X, classes(ROWS, COLUMNS)], [loss_by_hand, lambda x, t: loss(x.float(), t).to(x.dtype)]),
    "mse": (F.mse_loss, [X, X], [lambda x, y: (x.float() - y.float()).square().mean().to(x.dtype)]),
    "embedding": (lambda w, i: w[i], [matrix(60, 32), classes(90, 60)], [lambda w, i: w.index_select(0, i)]),
    "transpose": (lambda x: x.t().contiguous(), [X], [lambda x: x.t().clone(memory_format=torch.contiguous_format)]),
    "conv1d": (
        F.conv1d,
        [matrix(2, 6, 50), matrix(8, 6, 5)],
        [lambda x, w: torch.einsum("nclk,ock->nol", x.float().unfold(2, 5, 1), w.float()).to(x.dtype)],
    ),
    "to_float32": (
        lambda x, y: (
            x.to(torch.promote_types(x.dtype, torch.float32)) @ y.to(torch.promote_types(y.dtype, torch.float32))
        ),
        [X, matrix(COLUMNS, 40)],
        [lambda x, y: blocked_product(x, y).float(), lambda x, y: blocked_product(x.float(), y.float())],
    ),
}


def kernels() -> Iterator[tuple[str, int, torch.dtype]]:
    for name, (_, _, ways) in OPERATORS.items():
        for way in range(len(ways)):
            for dtype in (torch.float32, torch.float16, torch.bfloat16):
                yield name, way, dtype


@pytest.mark.parametrize(("name", "way", "dtype"), list(kernels()))
def test_an_honest_kernel_is_not_refused(name: str, way: int, dtype: torch.dtype) -> None:
    operator, makers, ways = OPERATORS[name]
    module = SimpleNamespace(get_inputs=lambda: [make(dtype) for make in makers])
    usual = None
    wild = [name for name in DISTRIBUTIONS if is_of_use(name, "", is_exact=False, is_wide=dtype == torch.bfloat16)]
    for number, dice in enumerate((None, None, *wild)):
        how = {"seed": number, "dice": dice, "vary": number > 0, "vary_integers": False, "jitter": [], "tame": False}
        inputs = make_inputs(module, "cpu", how)
        exact = operator(*(item.double() if item.is_floating_point() else item for item in inputs))
        own = operator(*inputs)
        expected = expect(pack(own), pack(exact), pack(inputs).tensors, usual=None if dice is None else usual)
        usual = Usual.of(expected) if usual is None else usual
        if dice is None or is_fit_to_judge(expected, usual):
            try:
                compare(pack(ways[way](*inputs)), expected)
            except Verdict as found:
                pytest.fail(f"{dice}: {found.cause}: {found.log}")
