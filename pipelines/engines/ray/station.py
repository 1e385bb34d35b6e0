"""What runs on a node of the cluster: one warm process of the command line per GPU, or per some cores."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import threading
import time
from contextlib import suppress

import ray
from node import curate, make_ready, start_child

_GOODBYE_SECONDS = 8.0
ENDINGS = ("shard_finished", "shard_failed", "lost")


def build_ahead(config: dict, shard: str) -> None:
    """Compiles what the candidates of a shard want, on one core and without a GPU; what fails is done by its judge."""
    make_ready(config)
    command = [*curate(config), "--ahead", config["builds_for"], "--shard", shard]
    child = start_child(command, {**config, "cpus": 1, "gpus": 0})
    child.communicate()


class Station:
    """One warm process that runs shards, on one GPU or on some cores of a node. Called from several threads at once."""

    def __init__(self, config: dict) -> None:
        self._config = config
        self._events: queue.Queue[dict] = queue.Queue()
        self._child: subprocess.Popen | None = None
        self._lock = threading.Lock()
        self._running: set[str] = set()

    def ready(self) -> dict:
        """Prepares the node; says where this is."""
        make_ready(self._config)
        gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "") if self._config["gpus"] else ""
        return {"node": socket.gethostname(), "node_id": ray.get_runtime_context().get_node_id(), "gpus": gpus}

    def start(self, shard: str) -> None:
        """Begins with a shard; `take` tells what becomes of it."""
        with self._lock:
            self._running.add(shard)
            if self._child is None:
                started: queue.Queue[subprocess.Popen | None] = queue.Queue()
                threading.Thread(target=self._serve, args=(started,), daemon=True).start()
                self._child = started.get()
            if self._child is None or self._child.stdin is None:
                return
            # A process that ended meanwhile is told as lost by who reads its output.
            with suppress(OSError):
                self._child.stdin.write(f"{shard}\n")
                self._child.stdin.flush()
        if self._config["timeout_s"] is not None:
            threading.Timer(self._config["timeout_s"], self._stop_late, (shard, self._child)).start()

    def publish(self, text: str, is_last: bool) -> None:
        """Has the progress of the job put where whoever sees the store finds it; the last ends the process."""
        child = self._child
        if child is None or child.stdin is None:
            return
        with suppress(OSError, subprocess.TimeoutExpired):
            child.stdin.write(f"{text}\n")
            child.stdin.flush()
            if is_last:
                child.stdin.close()
                child.wait(_GOODBYE_SECONDS)

    def stop(self) -> None:
        """Ends the process; this station gets nothing more, and keeps its GPU from others."""
        child = self._child
        if child is not None:
            child.kill()

    def take(self, seconds: float) -> list[dict]:
        """What happened since the last call; waits for the end of a shard, but not for longer than `seconds`."""
        events: list[dict] = []
        progress: dict[str, dict] = {}
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=left)
            except queue.Empty:
                break
            if event["type"] == "progress":
                progress[event["shard"]] = event
                continue
            events.append(event)
            if event["type"] in ENDINGS:
                break
        return [*progress.values(), *events]

    # The signal on the parent's death is bound to the thread that forks, so that thread lives as long as the child.
    def _serve(self, started: queue.Queue) -> None:
        try:
            child = start_child([*curate(self._config), "--serve"], self._config)
        except OSError as error:
            self._end_all(f"it could not be started: {error}")
            started.put(None)
            return
        started.put(child)
        last = ""
        for line in child.stdout or ():
            event = parse_event(line)
            if event is None:
                last = line.strip() or last
                continue
            if event["type"] in ENDINGS:
                self._running.discard(event["shard"])
            self._events.put(event)
        code = child.wait()
        with self._lock:
            self._child = None
        self._end_all(f"its process ended with {code}: {last[-400:]}")

    def _end_all(self, detail: str) -> None:
        for shard in sorted(self._running):
            self._events.put({"type": "lost", "shard": shard, "detail": detail})
        self._running.clear()

    def _stop_late(self, shard: str, child: subprocess.Popen) -> None:
        if shard in self._running and child is self._child:
            child.kill()


def parse_event(line: str) -> dict | None:
    """An event of the command line, or None for anything else that is printed."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("type"), str) else None
