"""The sandbox as a program inside it sees it, in a real runner."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from curate_worker.judge.evaluate import evaluate
from curate_worker.judge.fork_client import ForkServer
from curate_worker.judge.requests import Candidate, Request, Settings, Task, Workload
from curate_worker.judge.runner_handle import RunnerHandle
from curate_worker.judge.tasks import TaskSession
from curate_worker.sandbox.control_group import remove_groups

WORKER = Path(__file__).resolve().parents[3] / "validators" / "worker"
NUM_CHILDREN, NUM_DESCRIPTORS = 3, 7
NOT_PERMITTED, KILLED = 7, -9
LOAD = {
    "entry_point": "candidate.py::ModelNew",
    "device": "cpu",
    "recording": False,
    "uses_triton": False,
    "interpreted": False,
    "native": False,
    "plan": None,
    "built": [],
    "triton_cache": [],
}

REFERENCE = """
import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)

def get_inputs():
    return [torch.randn(64)]

def get_init_inputs():
    return []
"""


def judged(opened: tuple, body: str, timeout_s: float = 20) -> dict:
    """The row of a candidate whose forward has the given body."""
    station, _ = opened
    lines = "\n".join(f"        {line}" for line in body.strip().split("\n"))
    imports = "import os, sys, socket, ctypes, signal, torch"
    text = f"{imports}\nclass ModelNew(torch.nn.Module):\n    def forward(self, x):\n{lines}\n"
    settings = Settings("screen", 1, timeout_s, 1, 60, 2 << 30, 0)
    candidate = Candidate("cpp", "python", "candidate.py::ModelNew", {"candidate.py": text})
    session = TaskSession(station)
    try:
        task = Task("t", REFERENCE, [Workload("w", {})])
        # As the judge does: a lock that nobody gives back makes a test wait for ever that starts a judge of its own.
        with station.locks.shared():
            return evaluate(station, session, Request("n", task, candidate, settings))[0]
    finally:
        session.close()


def said(opened: tuple, expression: str) -> str:
    """What a program in the sandbox finds an expression to be."""
    log = judged(opened, f'raise RuntimeError("found " + repr({expression}))')["log"]
    return log.partition("RuntimeError: found ")[2].partition("\n")[0]


def outcome(opened: tuple, statement: str) -> str:
    """`done`, or the name of the error that a statement ends with in the sandbox."""
    body = f"""
try:
    {statement}
except BaseException as error:
    raise RuntimeError("found " + type(error).__name__ + " " + str(getattr(error, "errno", "")))
raise RuntimeError("found done")
"""
    return judged(opened, body)["log"].partition("RuntimeError: found ")[2].partition("\n")[0]


def test_an_honest_program_passes_in_it(opened: tuple) -> None:
    row = judged(opened, "return x.clamp(min=0)")
    assert (row["status"], row["log"]) == ("PASSED", "")


def test_its_environment_holds_nothing_of_anybody(opened: tuple) -> None:
    assert os.environ["CANARY_TOKEN"] == "hf_canary"
    names = set(eval(said(opened, "sorted(os.environ)")))
    allowed = {
        "PATH",
        "LANG",
        "HOME",
        "LOGNAME",
        "USER",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "CUDA_HOME",
        "CUDA_PATH",
        "CUDA_VISIBLE_DEVICES",
        "PYTHONPATH",
    }
    assert {
        name
        for name in names - allowed
        if not name.startswith(("PYTHON", "PYTORCH_", "OMP_", "OPENBLAS_", "MKL_", "KMP_"))
    } <= {
        *("TRITON_INTERPRET", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "TORCHINDUCTOR_COMPILE_THREADS"),
        *(
            "TORCH_EXTENSIONS_DIR",
            "CUDA_CACHE_PATH",
            "XDG_CACHE_HOME",
            "CURATE_REAL_HOME",
            "TORCHINDUCTOR_FORCE_DISABLE_CACHES",
        ),
    }
    for process in ("self", str(os.getpid()), str(os.getppid()), "1"):
        assert "canary" not in said(opened, f"open('/proc/{process}/environ').read()")


def test_files_of_the_user_cannot_be_read(opened: tuple, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text(secrets.token_hex())
    home = Path.home() / f".curate-canary-{os.getpid()}"
    home.write_text("canary")
    try:
        for path in (canary, home, Path("/etc/shadow")):
            assert outcome(opened, f"open({str(path)!r}).read()").split()[0] in ("PermissionError", "FileNotFoundError")
        assert outcome(opened, f"os.listdir({str(Path.home())!r})").split()[0] in ("PermissionError", "done")
    finally:
        home.unlink()


def test_nothing_can_be_written_but_the_own_folder(opened: tuple) -> None:
    for path in ("/tmp/x", "/usr/x", str(Path(__file__)), str(Path(sys.prefix) / "x"), "/proc/sys/kernel/hostname"):
        assert outcome(opened, f"open({path!r}, 'a').write('x')").split()[0] in (
            "PermissionError",
            "OSError",
            "FileNotFoundError",
        )
    assert outcome(opened, "open(os.path.join(os.environ['TMPDIR'], 'x'), 'w').write('x')").split()[0] == "done"


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET"])
def test_no_socket_reaches_outside(opened: tuple, family: str) -> None:
    assert outcome(opened, f"socket.socket(socket.{family}, socket.SOCK_DGRAM)").split()[0] in (
        "OSError",
        "PermissionError",
    )


def test_no_local_socket_of_others_is_reached(opened: tuple) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name, contextlib.ExitStack() as opened_here:
        folder = Path(name)
        folder.chmod(0o755)
        heard = []
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            heard.append(opened_here.enter_context(socket.socket(socket.AF_UNIX, kind)))
            path = folder / kind.name
            heard[-1].bind(str(path))
            heard[-1].setblocking(False)
            path.chmod(0o777)
        heard[0].listen(4)
        stream, datagram = (repr(str(folder / kind)) for kind in ("SOCK_STREAM", "SOCK_DGRAM"))
        attempts = [
            f"socket.socket(socket.AF_UNIX).connect({stream})",
            f"socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect({stream})",
            f"socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', {datagram})",
            f"socket.socket(socket.AF_UNIX, socket.SOCK_RAW).sendto(b'x', {datagram})",
            f"socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', {datagram})",
            f"socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0].sendto(b'x', {datagram})",
        ]
        body = "".join(f"try:\n    {item}\nexcept OSError:\n    pass\n" for item in attempts)
        # What processes of one program say to each other needs no name.
        body += "a, b = socket.socketpair()\na.send(b'x')\nraise RuntimeError('found ' + repr(b.recv(1)))"
        assert "found b'x'" in judged(opened, body)["log"]
        for item, ask in zip(heard, (socket.socket.accept, lambda item: item.recv(9)), strict=True):
            with pytest.raises(BlockingIOError):
                ask(item)


@pytest.mark.parametrize(
    "statement",
    [
        "assert ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0",
        "assert ctypes.CDLL(None).unshare(0x10000000) == 0",
        "assert ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0",
        "assert ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(120)) >= 0",
        "assert ctypes.CDLL(None).syscall(323, 0) >= 0",
        "assert ctypes.CDLL(None).syscall(321, 0, 0, 0) >= 0",
        "os.setuid(12345)",
        "os.chroot('/')",
    ],
)
def test_dangerous_system_calls_are_refused(opened: tuple, statement: str) -> None:
    assert outcome(opened, statement).split()[0] in ("AssertionError", "PermissionError", "OSError")


def test_it_has_no_descriptor_but_its_own(opened: tuple) -> None:
    # Standard input, outputs, the channel, /dev/null once more, and the folder that is being listed.
    assert len(eval(said(opened, "sorted(os.listdir('/proc/self/fd'))"))) <= NUM_DESCRIPTORS


def test_a_probe_finds_no_leak_and_every_layer_is_named(opened: tuple) -> None:
    _, facts = opened
    assert facts["sandbox_leaks"] == []
    assert {"no-new-privileges", "closed-descriptors", "clean-environment"} <= set(facts["environment"]["sandbox"])
    assert not set(facts["environment"]["sandbox"]) & set(facts["sandbox_missing"])


def test_a_runner_ends_with_everything_it_started(opened: tuple) -> None:
    station, _ = opened
    marker = f"{secrets.randbelow(10**9) + 10**9}"
    with RunnerHandle(station.server, station.room(2 << 30, "cpu"), 20) as runner:
        start = f"for _ in range({NUM_CHILDREN}): subprocess.Popen(['setsid', 'sleep', '{marker}'])"
        files = {"candidate.py": f"import subprocess\n{start}\nModelNew = 1"}
        answer = runner.request("load", {"files": files, **LOAD})
        assert answer.kind == "loaded"
        wait_until(lambda: len(processes_with(marker)) == NUM_CHILDREN)
    assert processes_with(marker) == []


# Where there may be a GPU, a fork server gives its place to one that has imported more.
def test_nothing_is_left_of_a_fork_server_and_its_successor_when_the_judge_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "judge.py"
    script.write_text(f"""
import sys, time
sys.path.insert(0, {str(WORKER)!r})
from pathlib import Path
from curate_worker.judge.fork_client import ForkServer, Room
from curate_worker.judge.runner_handle import RunnerHandle
import os
os.environ.pop("CUDA_VISIBLE_DEVICES", None)
server = ForkServer(Path({str(tmp_path)!r}), dict(os.environ, OPENBLAS_NUM_THREADS="1"))
server.wait_until_ready()
def start():
    runner = RunnerHandle(server, Room(2 << 30, 1 << 20), 60)
    return runner, facts(Path(f"/proc/{{runner.process}}"))[1]
def facts(place):
    return place.joinpath("stat").read_text().rpartition(")")[2].split()
def niceness_of_importing():
    for stat in Path("/proc").glob("[0-9]*/task/*/stat"):
        try:
            if facts(stat.parents[2])[1] == its_server:
                yield facts(stat.parent)[16]
        except OSError:
            continue
first, its_server = start()
seen = set()
runner, successor = start()
while successor == its_server:
    runner.close()
    seen |= set(niceness_of_importing())
    time.sleep(0.1)
    runner, successor = start()
files = {{"candidate.py": "import time\\nwhile True: time.sleep(0.1)"}}
threads = len(os.listdir(f"/proc/{{successor}}/task"))
print("started", sorted(seen), os.getpriority(os.PRIO_PROCESS, runner.process), threads, flush=True)
runner.request("load", {{"files": files, **{LOAD!r}}})
""")
    tmp_path.chmod(0o711)
    judge = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert judge.stdout is not None
    mine = os.nice(0)
    # It imports behind all others, and its processes are none of these.
    assert judge.stdout.readline() == f"started {sorted({str(mine), str(mine + 10)})} {mine} 1\n"
    assert len(processes_with(str(tmp_path))) >= NUM_CHILDREN
    judge.kill()
    judge.wait()
    wait_until(lambda: processes_with(str(tmp_path)) == [])


WITHOUT_NAMESPACES = [
    *("unshare", "-U", "-r", "sh", "-c"),
    'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"',
    "sh",
]


def test_where_no_namespace_can_be_had_the_other_layers_hold_and_say_so(tmp_path: Path) -> None:
    possible = subprocess.run([*WITHOUT_NAMESPACES, "true"], check=False, capture_output=True)
    if possible.returncode != 0:
        pytest.skip(f"namespaces cannot be taken away here: {possible.stderr.decode().strip()}")
    marker = f"{secrets.randbelow(10**9) + 10**9}"
    script = tmp_path / "judge.py"
    script.write_text(f"""
import json, sys
sys.path[:0] = [{str(WORKER)!r}, {str(Path(__file__).parent)!r}]
from pathlib import Path
from curate_worker.judge.opening import open_station
from test_sandbox import judged, outcome
with open_station("cpu", "test", Path({str(tmp_path)!r}) / "cache", 1) as opened:
    start = "import subprocess; subprocess.Popen(['setsid', 'sleep', '{marker}'])"
    daemon = judged(opened, start + "; return x.clamp(min=0)")
    print(json.dumps({{
        "layers": opened[1]["environment"]["sandbox"],
        "missing": sorted(opened[1]["sandbox_missing"]),
        "leaks": opened[1]["sandbox_leaks"],
        "daemon": daemon["status"],
        "socket": outcome(opened, "socket.socket(socket.AF_INET)"),
        "endless": judged(opened, "while True: pass", 2)["cause"],
    }}))
""")
    done = subprocess.run(
        [*WITHOUT_NAMESPACES, sys.executable, str(script)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"user-namespace", "pid-namespace", "network-namespace"} <= set(found["missing"])
    assert not {"user-namespace", "pid-namespace", "network-namespace"} & set(found["layers"])
    assert (found["daemon"], found["endless"], found["leaks"]) == ("PASSED", "TIMEOUT", [])
    assert found["socket"].split()[0] in ("OSError", "PermissionError")
    assert processes_with(marker) == []


def test_the_fork_server_has_one_thread(opened: tuple) -> None:
    station, facts = opened
    assert isinstance(station.server, ForkServer)
    assert facts["fork_server"] == {"threads": 1, "touched_cuda": False}


def processes_with(text: str) -> list[str]:
    """Command lines of running processes that contain a text."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and folder.name != str(os.getpid()):
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in line:
                found.append(line)
    return found


def wait_until(condition: object, seconds: float = 10) -> None:
    """Waits for a condition that is about to come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


HOG = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from curate_worker.sandbox.control_group import GroupLimits, enter_group
from curate_worker.sandbox.report import LayerReport
report = LayerReport()
enter_group(GroupLimits(96 << 20, 16), os.getppid(), report)
if not report.is_active("control-group"):
    sys.exit(7)
def ends_of(count):
    # Each holds 24 MB until all do or have ended.
    (ready, tell), (go, start) = os.pipe(), os.pipe()
    children = set()
    for _ in range(count):
        child = os.fork()
        if child == 0:
            os.close(start)
            kept = bytearray(os.urandom(1 << 20)) * 24
            os.write(tell, b"x")
            os.read(go, 1)
            os._exit(0)
        children.add(child)
    os.set_blocking(ready, False)
    num_ready, ended = 0, {}
    while num_ready + sum(code != 0 for code in ended.values()) < count:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child:
            ended[child] = os.waitstatus_to_exitcode(status)
        try:
            num_ready += len(os.read(ready, count))
        except BlockingIOError:
            time.sleep(0.01)
    os.close(start)
    for child in children - set(ended):
        ended[child] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return sorted(ended.values())
ends = ends_of(1) + ends_of(6)
print(ends)
"""


def test_all_processes_of_a_runner_together_may_use_so_much_memory() -> None:
    command = [sys.executable, "-c", HOG, str(WORKER)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    remove_groups(os.getpid())
    if done.returncode == NOT_PERMITTED:
        pytest.skip("control groups cannot be made here")
    # One alone has room. Of six the kernel ends some, if not whoever started them.
    if done.returncode != KILLED:
        ends = json.loads(done.stdout)
        assert (ends[0], ends[1]) == (0, KILLED), done.stderr


def test_a_runner_is_in_a_group_of_its_own_where_that_is_permitted(opened: tuple) -> None:
    row = judged(opened, 'raise RuntimeError("found " + open("/proc/self/cgroup").read())')
    assert ("curate-" in row["log"]) == ("control-group" in row["environment"]["sandbox"])
