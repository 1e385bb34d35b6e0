"""When ratios of times are believed."""

from __future__ import annotations

from curate_worker.judge.checks.self_timing import CHECK
from curate_worker.judge.evidence import Evidence
from curate_worker.judge.requests import Settings
from curate_worker.judge.self_measure import judge_itself, ratio_of
from curate_worker.judge.self_timing import Ratio, SelfTiming

_HOUR = 3600
_GOOD, _BAD, _UNCERTAIN = (0.99, 1.0, 1.01), (1.06, 1.07, 1.08), (0.95, 1.07, 1.2)


class _Bench:
    """A clock that is set, and ratios that come out one after another."""

    def __init__(self, *ratios: Ratio | None) -> None:
        self.now = 0.0
        self.left = list(ratios)
        self.timing = SelfTiming("cuda", lambda: self.now)

    def after(self, seconds: float) -> bool | None:
        """What is known when as much time has gone by."""
        self.now += seconds
        self.timing.run_if_due(lambda: self.left.pop(0))
        return self.timing.is_good


def test_it_is_measured_once_an_hour_and_not_before() -> None:
    bench = _Bench(_GOOD, _UNCERTAIN)
    assert bench.after(_HOUR - 1) is None
    assert bench.after(1) is True
    assert bench.after(_HOUR - 1) is True
    assert len(bench.left) == 1
    assert bench.after(1) is True
    assert [event["ratio"] for event in bench.timing.take_events()] == [1.0, 1.07]
    assert bench.timing.take_events() == []


def test_what_is_wrong_twice_is_believed_to_be_until_it_is_right_which_is_tried_soon() -> None:
    bench = _Bench(_BAD, _BAD, None, None, _GOOD)
    assert bench.after(_HOUR) is False
    assert bench.timing.objection is not None
    assert "1.070" in bench.timing.objection
    assert bench.after(60) is False
    assert bench.after(300) is False
    assert bench.after(300) is True
    assert bench.timing.objection is None
    assert [event["is_good"] for event in bench.timing.take_events()] == [False, False, True]


def test_an_accident_is_none_the_second_time() -> None:
    assert _Bench(_BAD, _GOOD).after(_HOUR) is True


def test_while_it_is_measured_nobody_objects() -> None:
    bench = _Bench(_BAD, _BAD)
    bench.after(_HOUR)
    seen: list[str | None] = []
    bench.now += _HOUR

    def measure() -> Ratio:
        seen.append(bench.timing.objection)
        return _GOOD

    bench.timing.run_if_due(measure)
    assert seen == [None]


def test_what_is_wrong_with_the_device_is_no_failure_of_the_candidates() -> None:
    evidence = Evidence("gpu", None, reference_mutates_inputs=False)
    assert CHECK.judge(evidence) == (None, None)
    evidence.times_itself_right = True
    assert CHECK.judge(evidence) == (True, None)
    evidence.times_itself_right, evidence.self_timing_objection = False, "1.07"
    assert CHECK.judge(evidence) == (None, "1.07")


def test_a_program_is_timed_against_itself_as_any_candidate_is(opened: tuple) -> None:
    station, _ = opened
    with station.locks.shared():
        row = judge_itself(station, Settings("screen", 1, 60.0, 0.2, 60.0, 4 << 30, 0))
    assert row["status"] == "PASSED", row["log"]
    # On a machine that is busy with other things there is no ratio.
    checks = {item["check"]: item["passed"] for item in row["checks"]}
    ratio = ratio_of(row)
    assert (ratio is None) == (not (checks["quiet-device@1"] and checks["clock-witness@1"] is not False))
