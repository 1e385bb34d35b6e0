"""
Runs the shards of one stage on a Ray cluster: the driver of the job that `--engine ray` submits. It knows nothing of
shards but their names. Stations on the nodes run them and commit them; a shard whose process or node is lost is given
to another station. What happens is printed, one JSON object per line, in the words of `pipelines/core/events.ts`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from contextlib import suppress

import node
import ray
import station
from allotment import slots_of, with_defaults
from report import Report
from seat import LOOK_SECONDS, Seat, place_of, take_seconds

_FAILURES_TO_DRAIN = 2
_FAILURES_TO_GIVE_UP = 6
_BUILDS_PER_SEAT = 2
_SETUPS_TO_GIVE_UP = 6


class Drive:
    """The state of the job: shards that wait, stations, and the calls that are under way."""

    def __init__(self, config: dict, report: Report) -> None:
        self._config = config
        self._report = report
        self._pending = deque(config["shards"])
        self._tries: Counter[str] = Counter()
        self._calls: dict[ray.ObjectRef, Seat] = {}
        self._seats: list[Seat] = []
        self._unfinished = set(config["shards"])
        self._to_build = deque(config["shards"] if config["builds_for"] is not None else [])
        self._builds: list[ray.ObjectRef] = []
        self._drained: list[Seat] = []
        self._failed_setups = 0
        self._listened_at = time.monotonic()
        self._looked_at = -LOOK_SECONDS
        report.publish = self._publish

    def run(self) -> None:
        """Ends when every shard is finished or failed for good."""
        while self._unfinished:
            self._open_seats()
            self._hand_out()
            self._build_ahead()
            for call in self._answered():
                self._settle(call)
            self._give_up_silent()
            self._report.tick({shard: seat.node for seat in self._seats for shard in seat.running})
        self._report.close()
        for seat in [*self._seats, *self._drained]:
            self._close(seat)

    # All that are there, and not the first alone: of a thousand stations some hundred answer in a second.
    def _answered(self) -> list[ray.ObjectRef]:
        calls = list(self._calls)
        if not calls:
            time.sleep(1)
            return []
        ray.wait(calls, num_returns=1, timeout=1)
        return ray.wait(calls, num_returns=len(calls), timeout=0)[0]

    def _open_seats(self) -> None:
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        alive = [each for each in ray.nodes() if each["Alive"]]
        slots = sum(slots_of(each["Resources"], self._config) for each in alive)
        self._forgive({each["NodeID"] for each in alive}, slots)
        most = self._config["stations"] or slots - len(self._drained)
        wanted = max(1, min(most, len(self._unfinished)))
        options = {"num_cpus": self._config["cpus"], "num_gpus": self._config["gpus"], "max_restarts": 0}
        actor = ray.remote(station.Station).options(
            **options, max_concurrency=3, scheduling_strategy="SPREAD" if not self._config["gpus"] else "DEFAULT"
        )
        while len(self._seats) < wanted:
            seat = Seat(actor.remote(self._config))
            self._seats.append(seat)
            self._calls[seat.handle.ready.remote()] = seat
        if not any(seat.node for seat in self._seats):
            self._report.waiting(options, slots)

    # A drained station keeps its GPU, or the next one would be given the same. Where nothing else is left, a second
    # chance is better than none.
    def _forgive(self, alive: set[str], slots: int) -> None:
        self._drained = [each for each in self._drained if each.node_id in alive]
        if not self._drained or any(seat.node for seat in self._seats) or slots > len(self._drained):
            return
        self._report.warn("only stations that failed are left", "They are tried again.")
        for seat in self._drained:
            self._kill(seat)
        self._drained = []

    def _hand_out(self) -> None:
        for seat in self._seats:
            idle = not seat.running
            while seat.node and self._pending and len(seat.running) < self._config["depth"]:
                shard = self._pending.popleft()
                seat.running.add(shard)
                seat.handle.start.remote(shard)
            if idle and seat.running:
                self._ask(seat)

    def _ask(self, seat: Seat) -> None:
        seat.asked_at = time.monotonic()
        self._calls[seat.handle.take.remote(take_seconds(len(self._seats)))] = seat

    # A machine that stands still: Ray counts it as dead after a minute, and one whose worker alone hangs never. Nobody
    # was silent where it was the driver that stood still.
    def _give_up_silent(self) -> None:
        now, patience = time.monotonic(), self._config["silence_s"]
        did_stand = now - self._listened_at > patience / 2
        self._listened_at = now
        for seat in list(self._seats):
            if seat.asked_at is None:
                continue
            if did_stand:
                seat.asked_at = now
            elif now - seat.asked_at > patience + take_seconds(len(self._seats)):
                self._lose(seat, f"its station has not answered for {patience:g} s")

    # A few shards ahead of the stations, on cores that nobody else wants: what is built lies in the shared cache.
    def _build_ahead(self) -> None:
        if self._builds:
            _, self._builds = ray.wait(self._builds, num_returns=len(self._builds), timeout=0)
        build = ray.remote(num_cpus=1, num_gpus=0, max_calls=0, max_retries=1)(station.build_ahead)
        waiting = set(self._pending)
        while self._to_build and len(self._builds) < _BUILDS_PER_SEAT * max(1, len(self._seats)):
            shard = self._to_build.popleft()
            if shard in waiting:
                self._builds.append(build.remote(self._config, shard))

    def _settle(self, call: ray.ObjectRef) -> None:
        seat = self._calls.pop(call)
        if seat not in self._seats:
            return
        try:
            answer = ray.get(call)
        except ray.exceptions.RayTaskError as error:
            self._lose(seat, str(error.cause))
            return
        except ray.exceptions.RayError as error:
            self._lose(seat, f"{type(error).__name__}: {str(error).splitlines()[0]}")
            return
        seat.asked_at = None
        if isinstance(answer, dict):
            seat.node, seat.node_id = answer["node"], answer["node_id"]
            self._failed_setups = 0
            return
        for event in answer:
            self._take(seat, event)
        if seat.running and seat in self._seats:
            self._ask(seat)

    def _take(self, seat: Seat, event: dict) -> None:
        kind, shard = event["type"], event.get("shard", "")
        if kind == "lost":
            seat.running.discard(shard)
            seat.failures += 1
            self._try_again(shard, f"on {seat.node}, {event['detail']}")
            self._drain_if_sick(seat, event["detail"])
        elif kind == "shard_finished":
            seat.running.discard(shard)
            seat.failures = 0
            self._unfinished.discard(shard)
            self._report.say({"type": kind, "stage": event["stage"], "shard": shard, **place_of(seat)})
        elif kind == "shard_failed":
            seat.running.discard(shard)
            self._take_failure(seat, event)
        else:
            self._report.say({**event, **place_of(seat)})

    # A failure of the machine may be none on another; the others would come again.
    def _take_failure(self, seat: Seat, event: dict) -> None:
        error = event["error"]
        if error.get("retryable") and self._tries[event["shard"]] < self._config["retries"]:
            # What the judge says of its GPU after it looked needs no second opinion.
            seat.failures += _FAILURES_TO_DRAIN if error.get("code") == "device_unhealthy" else 1
            self._try_again(event["shard"], f"on {seat.node}, {error['message']}")
        else:
            self._unfinished.discard(event["shard"])
            self._report.say({**event, **place_of(seat)})
        self._drain_if_sick(seat, error["message"])
        # Whatever else the last one was given would fail as well, and count as failed.
        if seat.failures >= _FAILURES_TO_GIVE_UP and error.get("code") == "device_unhealthy" and self._seats == [seat]:
            raise SystemExit(f"no station is left whose GPU works: {error['message']}")

    # Also while the others are only opening: who is quick to fail would have failed everything by then.
    def _drain_if_sick(self, seat: Seat, reason: str) -> None:
        if seat.failures >= _FAILURES_TO_DRAIN and len(self._seats) > 1 and seat in self._seats:
            self._seats.remove(seat)
            self._drained.append(seat)
            seat.handle.stop.remote()
            self._report.warn(
                f"a station on {seat.node} gets nothing more: {reason}",
                "Look at the GPU and the disk of that node; `curate doctor --engine ray` does.",
            )
            for shard in sorted(seat.running):
                self._try_again(shard, f"on {seat.node}, its station was closed")

    # Where nobody shares a folder, what is on the head's disk is seen by nobody: a station puts it into the store.
    def _publish(self, text: str) -> None:
        seat = next((each for each in self._seats if each.node), None)
        if seat is None:
            return
        published = seat.handle.publish.remote(text, not self._unfinished)
        if not self._unfinished:
            with suppress(ray.exceptions.RayError):
                ray.get(published, timeout=LOOK_SECONDS)

    def _lose(self, seat: Seat, reason: str) -> None:
        self._close(seat)
        if not seat.node:
            self._failed_setups += 1
            self._report.warn(f"a station could not be opened: {reason}", "It is tried again, perhaps elsewhere.")
            if self._failed_setups >= _SETUPS_TO_GIVE_UP and not any(each.node for each in self._seats):
                raise SystemExit(f"no station can be opened: {reason}")
        for shard in sorted(seat.running):
            self._try_again(shard, f"on {seat.node}, {reason}")

    def _try_again(self, shard: str, reason: str) -> None:
        if shard not in self._unfinished:
            return
        self._tries[shard] += 1
        if self._tries[shard] <= self._config["retries"]:
            self._pending.appendleft(shard)
            self._report.retry(shard, reason)
            return
        self._unfinished.discard(shard)
        self._report.lose(shard, f"it was lost {self._tries[shard]} times, at last {reason}")

    def _close(self, seat: Seat) -> None:
        with suppress(ValueError):
            self._seats.remove(seat)
        # Another at once, unless this one never worked: then the next may not either.
        if seat.node:
            self._looked_at = -LOOK_SECONDS
        self._kill(seat)

    def _kill(self, seat: Seat) -> None:
        with suppress(ray.exceptions.RayError):
            ray.kill(seat.handle)


def main(arguments: list[str]) -> None:
    """Reads the configuration that `pipelines/engines/ray.ts` wrote, and works it off."""
    config = node.read_config(arguments[0])
    # The modules are beside this file and nowhere on the nodes' path.
    for module in (node, station):
        ray.cloudpickle.register_pickle_by_value(module)
    # A job is told its cluster in RAY_ADDRESS; "auto" would take the one that was started last on the machine.
    ray.init(address=config.get("address"), log_to_driver=False, logging_level="error")
    Drive(with_defaults(config, ray.nodes()), Report(config)).run()


if __name__ == "__main__":
    main(sys.argv[1:])
