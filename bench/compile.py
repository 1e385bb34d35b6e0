"""
Builds CUDA candidates in the quick way and as PyTorch builds them, from an empty cache, and prints what each takes of
the processor: `compile.py CANDIDATE... [--quick-only]`. Where there is `cuobjdump`, it also says whether both
give the same machine code.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "validators" / "worker"))

from curate_worker.judge.builds.build_cache import BuildCache, Built
from curate_worker.judge.builds.builder import Builder
from curate_worker.judge.builds.quick_plan import plan_quickly
from curate_worker.judge.opening import open_station
from curate_worker.judge.prepared import prepare, record
from curate_worker.judge.requests import Candidate, Settings
from curate_worker.judge.station import Station

_SETTINGS = Settings("screen", 1, 60, 1, 900, 8 << 30, 0)


def main() -> None:
    """Builds one after another, so that the compilers have the machine to themselves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("candidates", nargs="+", type=Path)
    parser.add_argument("--quick-only", action="store_true")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    options = parser.parse_args()
    totals = [0.0, 0.0]
    with (
        tempfile.TemporaryDirectory() as folder,
        open_station(options.device, "bench", Path(folder), 1) as (station, _),
    ):
        builder = station.builder
        plain = Builder(station.server, BuildCache(Path(folder) / "default"), builder._tools, None, gpu=builder._gpu)
        found = [(path, spec) for path in options.candidates for spec in _specs(station, path)]
        _make_headers(station, [spec for _, spec in found])
        print(f"{'candidate':44} {'quick':>8} {'default':>8}  how, and what differs")
        for path, spec in found:
            quick = _timed(builder, spec)
            default = None if options.quick_only else _timed(plain, spec)
            totals[0] += quick[0]
            totals[1] += 0.0 if default is None else default[0]
            _show(path.name, quick, default)
    print(f"processor seconds: quick {totals[0]:.1f}, default {totals[1]:.1f}", end="")
    print(f", ratio {totals[1] / totals[0]:.1f}" if totals[1] else "")


# Made once per machine, so timed apart.
def _make_headers(station: Station, specs: list[dict]) -> None:
    headers = station.builder._headers
    if headers is None:
        return
    start = time.monotonic()
    for spec in specs:
        for _ in range(4):
            plan_quickly(spec, station.builder._tools, headers, link=False, is_narrow=True)
    headers.wait()
    print(f"precompiled headers: {time.monotonic() - start:.1f} s by the clock")


def _specs(station: Station, path: Path) -> list[dict]:
    candidate = Candidate("cuda", "python", f"{path.name}::ModelNew", {path.name: path.read_text()})
    return [spec for spec in record(station, _SETTINGS, prepare(station, candidate)) if isinstance(spec, dict)]


def _timed(builder: Builder, spec: dict) -> tuple[float, Built]:
    built = builder.build(spec, _SETTINGS.build_timeout_s)
    return built.processor_seconds or 0.0, built


def _show(name: str, quick: tuple[float, Built], default: tuple[float, Built] | None) -> None:
    built = quick[1]
    how = built.method if built.fallback is None else f"{built.method}, because: {built.fallback}"
    how = how if built.cause is None else f"{how}; {built.cause}"
    if default is None:
        print(f"{name:44} {quick[0]:8.1f} {'':8}  {how}", flush=True)
        return
    differences = [field for field in ("cause", "kernels") if getattr(built, field) != getattr(default[1], field)]
    if built.library is not None and default[1].library is not None:
        differences += [] if _machine_code(built.library) == _machine_code(default[1].library) else ["machine code"]
    print(
        f"{name:44} {quick[0]:8.1f} {default[0]:8.1f}  {how}; differs: {', '.join(differences) or 'nothing'}",
        flush=True,
    )


def _machine_code(library: bytes) -> str | None:
    program = shutil.which("cuobjdump")
    if program is None:
        return None
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(library)
        file.flush()
        text = subprocess.run([program, "-sass", file.name], capture_output=True, text=True, check=False).stdout
    # In order of name: the kernels of one source may come in another order.
    return "\n".join(sorted(text.split("Function : ")[1:]))


if __name__ == "__main__":
    main()
