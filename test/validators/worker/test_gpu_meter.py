"""What a GPU says of its clock, through the library's own interface, and which timed calls count for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from curate_worker.judge.checks import run_checks
from curate_worker.judge.evidence import Evidence
from curate_worker.judge.gpu_meter import GpuMeter, Reading
from curate_worker.judge.samples import Samples, Timing

MOST_MHZ = 1980
# The functions of nvml.h that are called, of a GPU that is hot.
LIBRARY = r"""
#include <string.h>
static int hot;
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) { *device = &hot; return strcmp(uuid, "GPU-1") ? 6 : 0; }
int nvmlDeviceGetClockInfo(void *device, int type, unsigned *mhz)
{ *mhz = device == &hot && type == 1 ? 1755 : 1; return 0; }
int nvmlDeviceGetMaxClockInfo(void *device, int type, unsigned *mhz) { *mhz = 1980; return type == 1 ? 0 : 2; }
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *degrees) { *degrees = 91; return sensor; }
int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) { return 3; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *bits)
{ *bits = 0x20 | 0x4 | 0x1; return 0; }
"""


def test_a_meter_reads_what_the_management_library_says(tmp_path: Path) -> None:
    source, library = tmp_path / "nvml.c", tmp_path / "nvml.so"
    source.write_text(LIBRARY)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    meter = GpuMeter.open("GPU-1", str(library))
    assert meter is not None
    assert meter.read() == Reading(1755, 91, None, frozenset({"power-cap", "thermal-slowdown"}))
    assert meter.most_mhz() == MOST_MHZ
    assert GpuMeter.open("GPU-2", str(library)) is None
    assert GpuMeter.open("GPU-1", str(tmp_path / "none.so")) is None


def at(mhz: int | None, *reasons: str, ns: int = 1_000_000) -> Timing:
    """A call after which the clock was that."""
    return Timing(ns, 0, 2 * ns, reading=Reading(mhz, 60, 400.0, frozenset(reasons)))


def samples_of(*pairs: tuple[Timing, Timing]) -> Samples:
    samples = Samples()
    for pair in pairs:
        samples.add(*pair)
    return samples


def test_calls_at_a_lower_clock_than_others_of_the_same_program_do_not_count() -> None:
    usual = (at(1980), at(1400, "power-cap"))
    waking, sagging = (at(800, ns=9_000_000), at(1400)), (at(1980), at(1300, ns=9_000_000))
    samples = samples_of(waking, *[usual] * 8, sagging)
    clocks = samples.clocks()
    assert (len(samples), samples.num_disturbed, samples.medians()) == (8, 2, (1_000_000, 1_000_000))
    assert clocks is not None
    assert clocks.is_steady
    assert clocks.row(1980) == {
        "sm_clock_mhz": 1400.0,
        "reference_sm_clock_mhz": 1980.0,
        "max_sm_clock_mhz": 1980,
        "temperature_c": 60,
        "power_w": 400.0,
        "clock_limits": ["power-cap"],
        "num_left_out": 2,
    }


@pytest.mark.parametrize(
    "reason", ["thermal-slowdown", "hardware-slowdown", "hardware-thermal-slowdown", "power-brake"]
)
def test_a_gpu_that_slows_itself_down_gives_no_figure(reason: str) -> None:
    samples = samples_of(*[(at(1200, reason), at(1200, reason))] * 4, *[(at(1200), at(1200))] * 9)
    clocks = samples.clocks()
    assert clocks is not None
    assert not clocks.is_steady
    assert clocks.objection == f"4 of 13 pairs of calls were slowed down by the GPU itself: {reason}"


def test_what_tells_no_clock_is_believed() -> None:
    silent, processor = (at(None), at(None)), (Timing(5, 0, 9), Timing(5, 0, 9))
    assert [len(samples_of(*[pair] * 9)) for pair in (silent, processor)] == [9, 9]
    assert samples_of(processor).clocks() is None
    found = {row["check"]: row["passed"] for row in run_checks(Evidence("cpu", None, False))}
    assert found["steady-clock@1"] is None
