"""
How much of a call is a candidate's own work. On a GPU by kernels, as CUPTI saw them: those that its sources declare are
its own, everything else is a library's. On the processor by time in functions of its extensions, and in operators of
PyTorch beside them. The figures come from the candidate's process: evidence, and no proof against a liar.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from ..operator_names import FREE, MEMORY, NAMESPACES
from .call_answer import Work
from .candidate_run import CandidateRun
from .evidence import Evidence
from .faults import Verdict
from .interpreted_work import require_little_in_libraries
from .reference import Reference
from .requests import Candidate

_BOUNDS: Final = re.compile(r"__launch_bounds__\s*\([^()]*(?:\([^()]*\)[^()]*)*\)")
_GLOBAL: Final = re.compile(r"__global__[^;{}()]*?\b([A-Za-z_]\w*)\s*\(")
_LIBRARIES: Final = (
    "at::",
    "c10::",
    "cub::",
    "thrust::",
    "cutlass::",
    "cudnn::",
    "cublas",
    "flash::",
    "pytorch_flash::",
)
# Libraries besides PyTorch that compute; Python between two calls takes time as well, though not that much.
_OTHERS: Final = {"numpy", "scipy", "numba", "numexpr", "ctypes", "cffi", "cupy", "jax", "tensorflow", "sklearn"}
_WAYS: Final = {
    "numpy",
    "from_numpy",
    "__array__",
    "__array_interface__",
    "from_dlpack",
    "import_module",
    "__import__",
    "modules",
}
_MOST_ELSEWHERE, _LEAST_ELSEWHERE_NS = 0.1, 200_000
_MOST: Final = 16
# The last sum of a few partial sums, or a cast, is no library that does the work.
_FORBIDDEN_SHARE: Final = 0.05
_MOSTLY: Final = 0.5
_CALLS: Final = 3
_PROFILED: Final = frozenset({"profiled"})


def look_at_work(run: CandidateRun, candidate: Candidate, reference: Reference, evidence: Evidence) -> None:
    """Measures it in one call more. Raises a Verdict on library calls where the recipe forbids them."""
    policy = reference.settings.library_calls
    if policy == "allow":
        return
    if policy == "forbid" and run.proved_on == "interpreter":
        require_little_in_libraries(run, reference)
        return
    evidence.work = evidence.work or _measured(run, candidate, reference, is_needed=policy == "forbid")
    if policy == "forbid" and _library_share(evidence) > _FORBIDDEN_SHARE:
        raise _fallback(evidence, "which this recipe forbids")


def require_use_of_extensions(
    run: CandidateRun, candidate: Candidate, reference: Reference, evidence: Evidence
) -> None:
    """Raises a Verdict where an extension was built, nobody was seen calling it, and libraries do the work."""
    if evidence.extension_calls or evidence.triton_launches or not evidence.built_extensions:
        return
    evidence.work = _measured(run, candidate, reference, is_needed=True)
    if _library_share(evidence) > _MOSTLY:
        raise _fallback(evidence, "and nobody calls the extension that was built")


def _measured(run: CandidateRun, candidate: Candidate, reference: Reference, *, is_needed: bool) -> dict | None:
    if candidate.is_native or run.proved_on == "interpreter":
        return None
    try:
        run.restart_if_ended(reference)
        calls = _CALLS if is_needed and run.proved_on == "cpu" else 1
        answers = [run.call(reference.unforeseen_case(0), flush=False, how=_PROFILED) for _ in range(calls)]
    except Verdict:
        if is_needed:
            raise
        run.restart_if_ended(reference)
        return None
    hooks = sorted({name for answer in answers for name in answer.hooks})
    if hooks:
        text = f"what it does was not to be seen: {', '.join(hooks)}"
        raise Verdict("REWARD_HACK", "integrity", "HACK_PATCH", "candidate", text)
    own, wrappers = own_kernels(candidate.files), autograd_functions(candidate.files)
    seen = [without_wrappers(answer.work, wrappers) for answer in answers]
    if is_needed and run.proved_on == "cpu":
        # Others on the machine only add to it.
        elapsed = [answer.timing.inside for answer in answers]
        share = min(share_elsewhere(*pair) for pair in zip(seen, elapsed, strict=True))
        _require_nothing_elsewhere(candidate, share)
    rows = [row for work in seen if (row := work_row(work, own, run.proved_on)) is not None]
    # On a busy machine some function of one call or another takes a hundred times as long.
    return sorted(rows, key=lambda row: row["library_share"])[len(rows) // 2] if rows else None


# What NumPy computes is neither an operator of PyTorch nor a function of an extension.
def _require_nothing_elsewhere(candidate: Candidate, share: float) -> None:
    libraries = other_libraries(candidate.files) or ways_to_others(candidate.files)
    if libraries and share > _MOST_ELSEWHERE:
        where = f"neither in its own kernels nor in PyTorch, and it uses {', '.join(libraries)}"
        text = f"{100 * share:.0f} % of its time is spent {where}"
        raise Verdict("REWARD_HACK", "integrity", "HACK_FALLBACK", "candidate", text)


def share_elsewhere(work: list[Work], elapsed: int) -> float:
    """Share of a call that nobody saw, where that is more than what Python takes anyway."""
    unseen = elapsed - sum(item.ns for item in work)
    return unseen / elapsed if unseen > _LEAST_ELSEWHERE_NS else 0.0


def other_libraries(files: Mapping[str, str]) -> list[str]:
    """Libraries besides PyTorch that sources import and that compute."""
    return sorted({module for node in _nodes_of(files) for module in _imported_by(node) if module in _OTHERS})


def ways_to_others(files: Mapping[str, str]) -> list[str]:
    """How sources may reach libraries that they do not import by name: tensors as arrays, modules by a text."""
    return sorted(
        {name for node in _nodes_of(files) if (name := getattr(node, "attr", getattr(node, "id", ""))) in _WAYS}
    )


def _nodes_of(files: Mapping[str, str]) -> Iterator[ast.AST]:
    for name, text in files.items():
        if name.endswith(".py"):
            yield from ast.walk(_tree_of(text))


def _imported_by(node: ast.AST) -> list[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return [name.partition(".")[0] for name in names]


def _library_share(evidence: Evidence) -> float:
    return 0.0 if evidence.work is None else evidence.work["library_share"]


def _fallback(evidence: Evidence, why: str) -> Verdict:
    parts = [] if evidence.work is None else evidence.work["parts"]
    names = [part["name"] for part in parts if part["origin"] == "library"]
    text = f"{100 * _library_share(evidence):.0f} % of its work is done by libraries, {why}: {', '.join(names[:4])}"
    return Verdict("REWARD_HACK", "integrity", "HACK_FALLBACK", "candidate", text)


def own_kernels(files: Mapping[str, str]) -> set[str]:
    """Names of the kernels that sources declare: `__global__` functions, also in strings, and functions under `jit`."""
    names: set[str] = set()
    for name, text in files.items():
        names |= set(_GLOBAL.findall(_BOUNDS.sub(" ", text)))
        if name.endswith(".py"):
            names |= set(_jitted(text))
    return names


def autograd_functions(files: Mapping[str, str]) -> set[str]:
    """Names of the classes that say how gradients come: calls of them are recorded beside what they call."""
    kinds = (node for node in _nodes_of(files) if isinstance(node, ast.ClassDef))
    return {kind.name for kind in kinds if any(ast.unparse(base).endswith("Function") for base in kind.bases)}


def without_wrappers(work: list[Work], wrappers: set[str]) -> list[Work]:
    """What was recorded but for the calls of such classes, whose own time is that of Python between two calls."""
    return [item for item in work if item.kind != "operator" or item.name not in wrappers]


# What keeps the GPU busy until all of a call is queued is the clock's own, and no work of the call.
_OF_THE_CLOCK: Final = re.compile(r"at::cuda::.*\bspin_kernel\(")


def work_row(work: list[Work], own: set[str], proved_on: str) -> dict | None:
    """The `work` field of a row; None where nothing was measured."""
    left_out = {"operator": FREE, "kernel": _OF_THE_CLOCK}
    counted = [
        item for item in work if item.ns and not (item.kind in left_out and left_out[item.kind].match(item.name))
    ]
    total = sum(item.ns for item in counted)
    if total == 0 or proved_on not in ("gpu", "cpu"):
        return None
    by_origin = {name: sum(item.ns for item in counted if _origin(item, own) == name) for name in ("own", "library")}
    return {
        "own_kernel_share": round(by_origin["own"] / total, 4),
        "library_share": round(by_origin["library"] / total, 4),
        "parts": [
            {
                "name": item.name,
                "origin": _origin(item, own),
                "num_calls": item.count,
                "share": round(item.ns / total, 4),
            }
            for item in counted[:_MOST]
        ],
    }


def _origin(item: Work, own: set[str]) -> str:
    if _is_own(item, own):
        return "own"
    return "memory" if MEMORY.match(item.name) else "library"


def _is_own(item: Work, own: set[str]) -> bool:
    if item.kind == "operator":
        # What an extension registers with PyTorch has a namespace of its own.
        return "::" in item.name and item.name.partition("::")[0] not in NAMESPACES
    if item.kind == "own":
        return True
    qualified = re.split(r"[<(]", item.name.replace("(anonymous namespace)::", "").removeprefix("void "), maxsplit=1)[0]
    return not qualified.startswith(_LIBRARIES) and qualified.rpartition("::")[2].strip() in own


def _tree_of(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _jitted(text: str) -> Iterator[str]:
    for node in ast.walk(_tree_of(text)):
        if isinstance(node, ast.FunctionDef) and any("jit" in ast.unparse(item) for item in node.decorator_list):
            yield node.name
