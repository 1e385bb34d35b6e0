"""What a GPU says of its clock while it is timed on, through NVIDIA's management library (NVML)."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Final

# https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
SLOWED: Final = {
    "hardware-slowdown": 0x08,
    "thermal-slowdown": 0x20,
    "hardware-thermal-slowdown": 0x40,
    "power-brake": 0x80,
}
"""Why a GPU is slower than it should be. That power limits the clock is how a busy one works."""
POWER_CAP: Final = {"power-cap": 0x04}
# `NVML_CLOCK_SM` of nvmlClockType_t, `NVML_TEMPERATURE_GPU` of nvmlTemperatureSensors_t.
_SM_CLOCK, _GPU_SENSOR = 1, 0
_LIBRARY: Final = "libnvidia-ml.so.1"


@dataclass(frozen=True)
class Reading:
    """At one moment; None is what the GPU does not tell."""

    sm_clock_mhz: int | None
    temperature_c: int | None
    power_w: float | None
    reasons: frozenset[str]
    """What holds the clock down: names of `SLOWED` and `POWER_CAP`."""

    @property
    def is_slowed(self) -> bool:
        """Whether it is slower for another reason than its load."""
        return not self.reasons.isdisjoint(SLOWED)


class GpuMeter:
    """Reads one GPU. Who has none, or no library, has no meter."""

    def __init__(self, library: ctypes.CDLL, device: ctypes.c_void_p) -> None:
        self._library = library
        self._device = device

    @classmethod
    def open(cls, uuid: str, path: str = _LIBRARY) -> GpuMeter | None:
        """The meter of a GPU by its UUID, as `nvidia-smi -L` prints it; None where there is none."""
        try:
            library = ctypes.CDLL(path)
            device = ctypes.c_void_p()
            if library.nvmlInit_v2() != 0:
                return None
            name = ctypes.c_char_p(uuid.encode())
            if library.nvmlDeviceGetHandleByUUID(name, ctypes.byref(device)) != 0:
                return None
        except (OSError, AttributeError):
            return None
        return cls(library, device)

    def read(self) -> Reading:
        """What it says now; takes some tens of microseconds."""
        milliwatts = self._number("nvmlDeviceGetPowerUsage")
        reasons = self._bits()
        return Reading(
            self._number("nvmlDeviceGetClockInfo", _SM_CLOCK),
            self._number("nvmlDeviceGetTemperature", _GPU_SENSOR),
            None if milliwatts is None else milliwatts / 1e3,
            frozenset(name for name, bit in (SLOWED | POWER_CAP).items() if reasons & bit),
        )

    def most_mhz(self) -> int | None:
        """The highest clock that its SMs can have."""
        return self._number("nvmlDeviceGetMaxClockInfo", _SM_CLOCK)

    # Drivers before 535 know the older name alone.
    def _bits(self) -> int:
        found = ctypes.c_ulonglong()
        for name in ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"):
            ask = getattr(self._library, name, None)
            if ask is not None and ask(self._device, ctypes.byref(found)) == 0:
                return found.value
        return 0

    def _number(self, name: str, *which: int) -> int | None:
        found = ctypes.c_uint()
        ask = getattr(self._library, name, None)
        given = [ctypes.c_int(item) for item in which]
        return found.value if ask is not None and ask(self._device, *given, ctypes.byref(found)) == 0 else None
