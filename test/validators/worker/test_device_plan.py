"""Launch plans: what can be read, what is refused, and what they come to on given inputs."""

from __future__ import annotations

import json
import struct
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from curate_worker.device.concrete import launches_of, scope_of, shapes_of_rooms
from curate_worker.device.expressions import Facts, PlanError, number
from curate_worker.device.launch_plan import LaunchPlan, parse_plan
from curate_worker.judge.builds.cubin import kernels_of, symbol_of
from curate_worker.runner.given_memory import GivenMemory

KERNELS = Path(__file__).parents[2] / "fixtures" / "kernels"
PLAN = json.loads((KERNELS / "correct_softmax_device" / "plan.json").read_text())
SCOPE = {"x": Facts((6, 5), 4), "n": 30, "eps": 1e-5}
ITEMSIZES = {"float32": 4}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("numel(x)", 30),
        ("ceil_div(n, 256) * 2", 2),
        ("shape(x, -1) + rank(x)", 7),
        ("1 / sqrt(shape(x, 0) - 2)", 0.5),
        ("min(n, 1024) // 32 * 32", 0),
        ("select(n % 4 == 0, n // 4, -n)", -30),
        ("not n > 2 or n == 30 and 1", 1),
        ("2 * -3 - 1", -7),
        ("next_power_of_2(5) * itemsize(x)", 32),
        ("max(1, eps)", 1),
    ],
)
def test_an_expression_means_what_it_says(text: str, value: float) -> None:
    assert number(text, SCOPE) == value


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "y",
        "n / 0",
        "n // (1 - 1)",
        "__import__('os')",
        "x.shape",
        "open(1)",
        "9999999999999999 * 9999999999999999",
        "2 ** 9",
        "1 if n else 2",
        "numel(n)",
        "shape(x, 2)",
        "shape(x, 1 / 2)",
        "(" * 50 + "1" + ")" * 50,
        "-" * 50 + "1",
        "1 " * 600,
        "",
        "n +",
        "sqrt(0 - 1)",
        "min(1)",
        "next_power_of_2(1e999)",
        "sqrt(1" + "0" * 400 + ")",
        "1" + "0" * 400 + " / 3",
        "next_power_of_2(ceil_div(9e18, 1e-300))",
    ],
)
def test_what_is_no_expression_or_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(PlanError):
        number(text, SCOPE)


def test_a_plan_comes_to_launches_with_packed_arguments() -> None:
    plan, scope = softmax_of(3, 1000)
    assert shapes_of_rooms(plan, scope, ITEMSIZES) == [[3, 1000], [3, 2]]
    first, second = launches_of(plan, scope)
    assert (first.kernel, first.grid, first.block) == ("row_statistics", (3, 1, 1), (256, 1, 1))
    assert first.shared_bytes == 256 * 4
    assert first.arguments == ("x", "statistics", struct.pack("i", 1000), struct.pack("f", 0.5))
    assert (second.grid, second.arguments[4]) == ((12, 1, 1), struct.pack("q", 3000))


def test_a_launch_over_nothing_is_not_made() -> None:
    plan, scope = softmax_of(0, 8)
    shapes_of_rooms(plan, scope, ITEMSIZES)
    assert launches_of(plan, scope) == []


def softmax_of(rows: int, columns: int) -> tuple[LaunchPlan, dict]:
    plan = parse_plan(json.dumps(PLAN))
    return plan, scope_of(plan, {"x": Facts((rows, columns), 4)})


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        (["launches", 0, "grid"], ["70000", "70000"], "a grid or block of"),
        (["launches", 0, "block"], [2048], "a grid or block of"),
        (["launches", 0, "grid"], ["-1"], "a grid or block of"),
        (["launches", 0, "grid"], ["columns / 3"], "a whole number is wanted"),
        (["launches", 0, "shared_bytes"], "1000000", "bytes of shared memory"),
        (["launches", 0, "arguments", 2, "value"], "columns * 10000000", "does not fit into int32"),
        (["workspaces", 0, "shape"], ["columns * 100000000"], "outputs and workspaces of more than"),
        (["workspaces", 0, "shape"], ["-columns"], "would have the shape"),
        (["outputs", 0, "dtype"], "float12", "there is no dtype float12"),
        (["symbols", "columns"], "threads", "nothing is called threads"),
    ],
)
def test_a_plan_that_comes_to_nothing_possible_says_where(place: list, value: object, text: str) -> None:
    with pytest.raises(PlanError, match=text):
        concrete(changed(place, value))


def concrete(value: dict) -> None:
    plan = parse_plan(json.dumps(value))
    scope = scope_of(plan, {"x": Facts((3, 1000), 4)})
    shapes_of_rooms(plan, scope, ITEMSIZES)
    launches_of(plan, scope)


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        (["launches"], [], "a plan needs outputs, and launches"),
        (["launches", 0, "arguments", 0], "y", "there is no tensor y"),
        (["launches", 0, "arguments", 2, "type"], "int128", "int128"),
        (["launches", 0, "kernel"], "a;b", "is no name of a kernel"),
        (["launches", 0, "grid"], [1, 1, 1, 1], "a list of at most 3"),
        (["launches", 0, "host_code"], "x", "'host_code' is none of"),
        (["inputs"], ["x", "x"], "more than one thing is called x"),
        (["inputs"], ["not"], "'not' is no name"),
        (["outputs", 0, "fill"], "0", "a number or null is wanted"),
        (["symbols"], [], "an object of at most"),
        (["flags"], [3], "a text is wanted"),
    ],
)
def test_a_plan_with_a_wrong_field_says_which(place: list, value: object, text: str) -> None:
    with pytest.raises(PlanError, match=text):
        parse_plan(json.dumps(changed(place, value)))


@pytest.mark.parametrize("text", ["", "[]", '{"source": NaN}', "[" * 100_000, '{"source": "k.cu"}'])
def test_what_is_no_plan_at_all_is_refused(text: str) -> None:
    with pytest.raises(PlanError):
        parse_plan(text)


def changed(place: list, value: object) -> dict:
    plan = deepcopy(PLAN)
    item: object = plan
    for step in place[:-1]:
        item = item[step]  # type: ignore[index]
    item[place[-1]] = value  # type: ignore[index]
    return plan


def test_a_kernel_is_found_by_the_name_that_people_call_it() -> None:
    symbols = ["relu", "_Z4prelPKf", "_ZN1n2stE1PPf", "_Z3dblIfEvPKT_", "_Z3twoPf", "_Z3twoPi"]
    found = [symbol_of(name, symbols) for name in ("relu", "prel", "st", "dbl", "two", "elu")]
    assert found == ["relu", "_Z4prelPKf", "_ZN1n2stE1PPf", None, None, None]


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF" + b"\xff" * 100, b"MZ" * 40])
def test_what_is_no_cubin_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="cubin"):
        kernels_of(content)


def test_parameters_of_another_workload_may_have_other_sizes_and_those_of_the_same_stay_where_they_are() -> None:
    memory = GivenMemory("cpu")
    memory.set_state({"gain": torch.ones(3)})
    place = memory.state["gain"].data_ptr()
    memory.set_state({"gain": torch.zeros(3)})
    assert (memory.state["gain"].data_ptr(), memory.state["gain"].tolist()) == (place, [0, 0, 0])
    memory.set_state({"gain": torch.ones(2)})
    assert memory.state["gain"].tolist() == [1, 1]
