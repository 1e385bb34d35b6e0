"""Mistakes that are made in references on purpose."""

from __future__ import annotations

import ast

from curate_worker.runner.mutations import mutations_of

SOURCE = """
import torch
import torch.nn.functional as F

N = 4


class Model(torch.nn.Module):
    def forward(self, x, weight):
        assert x.dim() == 2
        size = (x.float() ** 2).mean(dim=-1, keepdim=True) + 1e-6
        y = F.softmax(-x * torch.rsqrt(size), dim=-1)
        return (y[:, 1:] * weight).view(3, N - 1).relu() if x.sum() > 0 else F.linear(y, weight, bias=weight)


def get_inputs():
    return [torch.randn(3, N) + 1, torch.randn(3, N - 1)]


def get_init_inputs():
    return []
"""


def texts() -> list[str]:
    return [mutation.text for mutation in mutations_of(SOURCE)]


def test_operators_functions_axes_slices_constants_and_terms_are_mistaken() -> None:
    assert {
        *("Add becomes Sub", "what Add has on its right is left out", "what Mult has on its left is left out"),
        *("a minus is left out", "a comparison is turned round", "softmax becomes log_softmax", "softmax is left out"),
        *("dim is another one", "the lower end of a slice is off by one", "1e-06 becomes 0", "bias is left out"),
        *("rsqrt becomes sqrt", "relu is left out", "mean becomes sum"),
    } <= set(texts())


def test_what_makes_inputs_and_what_says_shapes_is_left_alone() -> None:
    for mutation in mutations_of(SOURCE):
        made = mutation.make()
        assert "torch.randn(3, N) + 1" in made and ".view(3, N - 1)" in made and "assert x.dim() == 2" in made


def test_every_mistake_is_another_program_and_one_at_a_time() -> None:
    plain = ast.unparse(ast.parse(SOURCE))
    sources = [mutation.make() for mutation in mutations_of(SOURCE)]
    assert plain not in sources
    assert len(set(sources)) == len(sources)
    for source in sources:
        different = [1 for mine, other in zip(source.splitlines(), plain.splitlines(), strict=True) if mine != other]
        assert len(different) == 1
