"""What the driver says: JSON lines for whoever watches, and a file beside the output for whoever only sees the disk."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_LEAST_SECONDS = 2.0
_FILE_SECONDS = 5.0
# Rounds of progress grow with the logarithm of the time: a job of days prints some thousand, not a million.
_ROUNDS = 200


class Report:
    """Speaks for one job."""

    def __init__(self, config: dict) -> None:
        self.publish: Callable[[str], None] | None = None
        """Where the progress goes when there is no folder that all see."""
        self._stage = config["stage"]
        self._file = None if config["progress_file"] is None else Path(config["progress_file"])
        self._started = time.monotonic()
        self._last_round = 0.0
        self._last_file = 0.0
        self._last_waiting = -60.0
        self._news: dict[str, dict] = {}
        self._known: dict[str, dict] = {}
        self._counts = {"shards": len(config["shards"]), "finished": 0, "failed": 0, "retried": 0}
        self._running: dict[str, str] = {}

    def say(self, event: dict) -> None:
        """Prints an event; progress waits for its round."""
        if event["type"] == "progress":
            self._news[event["shard"]] = event
            self._known[event["shard"]] = event
            return
        ended = {"shard_finished": "finished", "shard_failed": "failed"}.get(event["type"])
        if ended is not None:
            self._counts[ended] += 1
            last = self._news.pop(event["shard"], None)
            if last is not None:
                self._print(last)
        self._print(event)

    def warn(self, message: str, hint: str) -> None:
        """Says what the user should know although the job goes on."""
        self.say({"type": "warning", "message": message, "hint": hint})

    def retry(self, shard: str, reason: str) -> None:
        """Says that a shard was lost and is tried again."""
        self._counts["retried"] += 1
        hint = "It runs again, perhaps on another node; nothing is lost."
        self.warn(f"{self._stage}/{shard} was lost: {reason}", hint)

    def lose(self, shard: str, message: str) -> None:
        """Says that a shard failed for good without a word of its own."""
        hint = "Look at the logs of the run for that shard, then run the same command again."
        error = {"code": "shard_lost", "message": message, "hint": hint, "retryable": True}
        self.say({"type": "shard_failed", "stage": self._stage, "shard": shard, "error": error})

    def waiting(self, options: dict, slots: int) -> None:
        """Says, now and then, that no node has room."""
        if time.monotonic() - self._last_waiting < 60:  # noqa: PLR2004
            return
        self._last_waiting = time.monotonic()
        wanted = f"{options['num_cpus']} cores and {options['num_gpus']} GPUs"
        if slots == 0:
            hint = "Start nodes, or ask for less with --engine-set cpus=1 and --engine-set gpus=0."
            self.warn(f"no node has {wanted} for a station", hint)

    def tick(self, running: dict[str, str]) -> None:
        """Prints the progress and writes the file when it is time; `running` is shard to node."""
        self._running = running
        now = time.monotonic()
        if now - self._last_round >= max(_LEAST_SECONDS, (now - self._started) / _ROUNDS):
            self._last_round = now
            for event in self._news.values():
                self._print(event)
            self._news.clear()
        if now - self._last_file >= _FILE_SECONDS:
            self._write()

    def close(self) -> None:
        """The last words."""
        self._running = {}
        self._write()

    def _write(self) -> None:
        self._last_file = time.monotonic()
        shards = {
            shard: {"node": node, **{key: self._known.get(shard, {}).get(key, 0) for key in ("done", "total")}}
            for shard, node in sorted(self._running.items())
        }
        body = {**self._counts, "running": shards, "updated_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        if self._file is None:
            if self.publish is not None:
                self.publish(json.dumps(body))
            return
        aside = self._file.with_suffix(f".{os.getpid()}.tmp")
        # A disk that is full for a moment must not end the job.
        with suppress(OSError):
            aside.write_text(json.dumps(body))
            aside.replace(self._file)

    def _print(self, event: dict) -> None:
        sys.stdout.write(f"{json.dumps(event)}\n")
        sys.stdout.flush()
