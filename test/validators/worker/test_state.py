"""Which of a candidate's parameters and buffers are which of the reference's."""

from __future__ import annotations

import pytest
from curate_worker.judge.faults import Verdict
from curate_worker.judge.state import State, is_counter, names_of_state

REFERENCE = State(
    {"bn.weight": [6], "bn.running_mean": [6], "bn.running_var": [6], "mask": [4, 4]},
    ["bn.weight"],
)
WRITTEN = ("bn.running_mean", "bn.running_var")


def test_written_buffers_are_found_where_their_module_is_called_otherwise() -> None:
    given = State({"gain": [6], "own.running_mean": [6], "own.running_var": [6], "other": [4, 4]}, ["gain"])
    names = names_of_state(REFERENCE, given, "cpu", WRITTEN)
    assert names == {"gain": "bn.weight", "own.running_mean": "bn.running_mean", "own.running_var": "bn.running_var"}


@pytest.mark.parametrize(
    "shapes",
    [
        {"gain": [6]},
        {"gain": [6], "own.running_mean": [6]},
        {"gain": [6], "own.running_mean": [6], "own.running_var": [7]},
        {"gain": [6], "a.running_mean": [6], "b.running_mean": [6], "own.running_var": [6]},
    ],
)
def test_a_program_without_a_buffer_that_the_reference_writes_into_is_refused(shapes: dict[str, list[int]]) -> None:
    with pytest.raises(Verdict, match="STATE_MISMATCH") as found:
        names_of_state(REFERENCE, State(shapes, ["gain"]), "cpu", WRITTEN)
    assert found.value.log.endswith(", which the reference writes into")


def test_buffers_that_nobody_writes_into_are_a_program_s_own_affair() -> None:
    assert names_of_state(REFERENCE, State({"gain": [6]}, ["gain"]), "cpu") == {"gain": "bn.weight"}
    assert [is_counter(name) for name in ("bn.num_batches_tracked", "bn.running_mean")] == [True, False]


TIED = State(
    {"embedding.weight": [9, 4], "norm.weight": [4], "head.weight": [9, 4]},
    ["embedding.weight", "norm.weight", "head.weight"],
    {"head.weight": "embedding.weight"},
)


@pytest.mark.parametrize(
    ("shapes", "names"),
    [
        ({"embedding.weight": [9, 4], "norm.weight": [4]}, ["embedding.weight", "norm.weight"]),
        ({"norm.weight": [4], "head.weight": [9, 4]}, ["norm.weight", "head.weight"]),
        ({"table": [9, 4], "gain": [4]}, ["embedding.weight", "norm.weight"]),
    ],
)
def test_a_parameter_that_two_layers_share_may_have_one_name(shapes: dict[str, list[int]], names: list[str]) -> None:
    assert names_of_state(TIED, State(shapes, list(shapes)), "cpu") == dict(zip(shapes, names, strict=True))


def test_what_two_layers_do_not_share_must_be_there_twice() -> None:
    apart = State(TIED.shapes, TIED.parameters)
    with pytest.raises(Verdict, match="STATE_MISMATCH") as found:
        names_of_state(apart, State({"embedding.weight": [9, 4], "norm.weight": [4]}, apart.parameters[:2]), "cpu")
    assert found.value.log == "missing: head.weight"
