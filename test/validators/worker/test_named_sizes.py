"""The sizes that a reference names, and others in their place."""

from __future__ import annotations

import pytest
from curate_worker.judge.named_sizes import other_sizes

_READS_ALL = "def get_inputs():\n    return [make(batch, width, heads, scale)]\n"


def _sizes(reference: str, axes: dict[str, str] | None = None, seed: int = 1) -> list[dict[str, int]]:
    return [{name: int(text) for name, text in item.items()} for item in other_sizes(reference, axes or {}, seed)]


def test_all_sizes_are_others_and_smaller() -> None:
    found = _sizes(f"batch, width = 16, 4 * 64\n{_READS_ALL}")
    first = found[0]
    assert set(first) == {"batch", "width"}
    assert first["batch"] in range(8, 16)
    assert first["width"] in range(128, 256)


def test_sizes_that_fit_beside_each_other_follow_and_then_one_at_a_time() -> None:
    found = _sizes(f"batch = 16\nwidth: int = 512\n{_READS_ALL}")
    assert found[1] == {"batch": 12, "width": 384}
    assert [set(item) for item in found[2:]] == [{"batch"}, {"width"}]


def test_a_seed_decides_which_sizes_there_are() -> None:
    source = f"batch = 1000\nwidth = 5000\n{_READS_ALL}"
    assert _sizes(source, seed=1) == _sizes(source, seed=1)
    assert _sizes(source, seed=1)[0] != _sizes(source, seed=2)[0]


def test_the_workload_says_what_a_size_is_and_the_rest_of_it_stays() -> None:
    found = other_sizes(f"batch = 16\nwidth = 512\n{_READS_ALL}", {"batch": "4", "mode": "'mean'"}, 1)
    assert found[0]["batch"] in ("2", "3")
    assert all(item["mode"] == "'mean'" for item in found)


def test_sizes_are_found_where_inputs_are_made_in_another_function() -> None:
    source = "batch = 16\n\ndef make():\n    return batch\n\ndef get_inputs():\n    return [make()]\n"
    assert set(_sizes(source)[0]) == {"batch"}


@pytest.mark.parametrize(
    "source",
    [
        f"batch = 1\n{_READS_ALL}",
        f"batch = True\nwidth = 'wide'\nscale = 2.5\n{_READS_ALL}",
        f"batch = 16 // 0\n{_READS_ALL}",
        f"batch = 16\nbatch = size()\n{_READS_ALL}",
        "unread = 16\n\ndef get_inputs():\n    return [4]\n",
        "batch = 16\n",
        "batch = (",
        "batch = " + "(" * 5000,
        "",
    ],
)
def test_what_names_no_size_has_no_others(source: str) -> None:
    assert _sizes(source) == []
