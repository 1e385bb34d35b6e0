"""A station as the driver sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ray.actor import ActorHandle

LOOK_SECONDS = 10.0
_TAKE_SECONDS = 2.0


@dataclass
class Seat:
    """One of them: what it runs, and how it did."""

    handle: ActorHandle
    node: str = ""
    """Name of its node; empty until it is ready."""
    node_id: str = ""
    running: set[str] = field(default_factory=set)
    failures: int = 0
    """Failures of its machine, one after another."""
    asked_at: float | None = None
    """Since when it owes an answer to `take`; None while it owes none."""


def take_seconds(stations: int) -> float:
    """For how long a station waits for news before it answers that there are none: longer where many would."""
    return min(_TAKE_SECONDS + stations / 100, LOOK_SECONDS)


def place_of(seat: Seat) -> dict:
    """Where a station is, as events tell it."""
    return {"node": seat.node, "node_id": seat.node_id}
