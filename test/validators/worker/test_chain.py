"""A chain of calls: every input once, in an order that nobody knows before the outputs."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from curate_worker.chain import Chain, followed
from curate_worker.values import Parcel, pack


def outputs_of(chain: Chain, first: float) -> Iterator[Parcel]:
    return (pack(torch.tensor([first + place])) for place in range(chain.count))


def order_of(nonce: str, first: float) -> list[int]:
    chain = Chain(nonce, 32, 0)
    return list(followed(chain, list(outputs_of(chain, first))))


def test_every_input_of_a_chain_comes_once() -> None:
    assert sorted(order_of("a", 0.5)) == list(range(32))


def test_the_order_follows_from_the_outputs_and_from_what_the_judge_drew() -> None:
    assert order_of("a", 0.5) == order_of("a", 0.5)
    assert order_of("a", 0.5)[1:] != order_of("a", 0.25)[1:]
    assert order_of("a", 0.5) != order_of("b", 0.5)
