"""
What was found out of a task that takes gigabytes, on disk: to prove it takes seconds of a GPU's whole memory, and the
next candidate of the task is often another judge's.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..effects import Effects
from ..tensors import DTYPES, name_of
from .expected import Usual
from .free_orders import FreeOrder, Orders
from .tolerance import FaintNumbers, Tolerance

if TYPE_CHECKING:
    from .reference_program import ReferenceProgram

# Raised by every change of what is proved, or of how.
_FORMAT: Final = 4

Tolerances = list[Tolerance | None]


@dataclass(frozen=True)
class Proof:
    """What a reference is known by that was proved fit to judge, and whose outputs are too large to be kept."""

    precision: str | None
    usual: Usual
    drawn: dict[str, Tolerances | None]
    """By distribution; None where the reference cannot judge."""
    unseeded: list[int]
    mutated_inputs: list[int]
    gradient_places: list[int]
    changed_state: list[str]
    changed: Effects
    orders: Orders
    aliases_inputs: bool
    returns_parameters: bool
    has_twin_outputs: bool
    input_bytes: int
    largest_answer: int


class ProofStore:
    """A folder of proofs, shared by all judges of a work directory; no program of a stranger sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place_of(self, reference: ReferenceProgram, environment: dict, *, is_tame: bool) -> Path:
        """Where a proof lies: by the program, what it is judged by and what it runs on."""
        place = [environment["hardware"], environment["driver"], sorted(environment["libraries"].items())]
        known = [reference.task.id, reference.task.reference, reference.workload.id, reference.workload.axes]
        text = json.dumps([_FORMAT, known, asdict(reference.settings), place, reference.device, is_tame])
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()}.json"

    def read(self, path: Path) -> Proof | None:
        """What was proved; None where nothing was, or nothing that can be read."""
        try:
            return _proof_of(json.loads(path.read_text()))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, path: Path, proof: Proof) -> None:
        """Keeps a proof: there whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        aside.write_text(json.dumps(_plain(proof), allow_nan=False))
        aside.rename(path)


def _plain(proof: Proof) -> dict:
    drawn = {name: None if items is None else list(map(_told, items)) for name, items in proof.drawn.items()}
    usual = {"tolerances": list(map(_told, proof.usual.tolerances)), "finite_shares": proof.usual.finite_shares}
    orders = [None if item is None else vars(item) for item in proof.orders]
    return {**vars(proof), "usual": usual, "drawn": drawn, "orders": orders}


def _proof_of(told: dict) -> Proof:
    usual = Usual(list(map(_tolerance_of, told["usual"]["tolerances"])), told["usual"]["finite_shares"])
    drawn = {name: None if items is None else list(map(_tolerance_of, items)) for name, items in told["drawn"].items()}
    orders = [None if item is None else FreeOrder(**item) for item in told["orders"]]
    return Proof(**{**told, "usual": usual, "drawn": drawn, "orders": orders})


def _told(tolerance: Tolerance | None) -> dict | None:
    if tolerance is None:
        return None
    widened = None if tolerance.widened is None else name_of(tolerance.widened)
    faint = tolerance.faint
    known = None if faint is None else {"limit": faint.limit, "tolerance": _told(faint.tolerance)}
    return {**vars(tolerance), "widened": widened, "faint": known}


def _tolerance_of(told: Mapping | None) -> Tolerance | None:
    if told is None:
        return None
    faint = told["faint"]
    within = None if faint is None else _tolerance_of(faint["tolerance"])
    widened = None if told["widened"] is None else DTYPES[told["widened"]]
    known = None if faint is None or within is None else FaintNumbers(faint["limit"], within)
    return Tolerance(**{**told, "widened": widened, "faint": known})
