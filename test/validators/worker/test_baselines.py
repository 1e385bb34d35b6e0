"""What a candidate gains over the reference under `torch.compile`."""

from __future__ import annotations

from pathlib import Path

import pytest
from curate_worker.judge.baseline_cache import Baseline, BaselineCache, baseline_key
from curate_worker.judge.baselines import quotient
from curate_worker.judge.device_lock import DeviceLocks
from curate_worker.judge.parsing import BadRequest, parse_settings
from curate_worker.judge.requests import Task, Workload

_TASK = Task("task", "class Model: ...", [Workload("w", {})])
_ENVIRONMENT = {"hardware": "NVIDIA H100", "driver": "580", "libraries": {"torch": "2.11.0"}}


def test_a_ratio_of_ratios_is_as_uncertain_as_both_together() -> None:
    assert quotient((2.0, 2.0, 2.0), (4.0, 4.0, 4.0)) == pytest.approx((0.5, 0.5, 0.5))
    own, certain, uncertain = (1.8, 2.0, 2.2), (1.0, 1.0, 1.0), (0.9, 1.0, 1.1)
    assert quotient(own, certain) == pytest.approx(own)
    low, middle, high = quotient(own, uncertain)
    assert middle == pytest.approx(own[1])
    assert own[0] / uncertain[2] < low < own[0]
    assert own[2] < high < own[2] / uncertain[0]


def test_what_was_measured_is_known_to_the_next_judge_and_rubbish_is_measured_again(tmp_path: Path) -> None:
    cache, locks = BaselineCache(tmp_path), DeviceLocks({})
    key = baseline_key(_TASK, _TASK.workloads[0], "compile", _ENVIRONMENT)
    measured = Baseline("compile", 1.0, 2.0, 2.0, 1.9, 2.1)
    with cache.held(key, locks) as path:
        assert cache.read(path) is None
        cache.write(path, measured)
    with BaselineCache(tmp_path).held(key, locks) as path:
        assert cache.read(path) == measured
        path.write_text("{")
        assert cache.read(path) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{key}.json", f"{key}.lock"]


def test_a_baseline_is_of_one_program_on_one_device() -> None:
    workload = _TASK.workloads[0]
    keys = [
        baseline_key(_TASK, workload, "compile", _ENVIRONMENT),
        baseline_key(_TASK, workload, "max_autotune", _ENVIRONMENT),
        baseline_key(_TASK, Workload("w", {"rows": "2"}), "compile", _ENVIRONMENT),
        baseline_key(_TASK, workload, "compile", {**_ENVIRONMENT, "hardware": "NVIDIA H200"}),
        baseline_key(_TASK, workload, "compile", {**_ENVIRONMENT, "libraries": {"torch": "2.12.0"}}),
    ]
    assert len(set(keys)) == len(keys)


def test_only_certify_asks_for_baselines_by_itself() -> None:
    limits = {"calls": 1, "timeout_s": 1, "timing_s": 1, "build_timeout_s": 1, "memory_bytes": 1, "seed": 0}
    policies = dict.fromkeys(("own_kernel", "library_calls", "backward"), "report")
    policies |= {"precision": "strict", "static_tags": "refuse"}

    def wanted(mode: str, baselines: object) -> tuple[str, ...]:
        settings = {"mode": mode, **limits, **policies, "baselines": baselines, "sanitizer_share": 0}
        return parse_settings(settings).wanted_baselines

    assert wanted("standard", None) == ()
    assert wanted("certify", None) == ("compile", "max_autotune")
    assert wanted("certify", []) == ()
    assert wanted("standard", ["max_autotune", "compile"]) == ("compile", "max_autotune")
    with pytest.raises(BadRequest, match="baseline"):
        wanted("standard", ["eager"])
