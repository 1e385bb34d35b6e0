"""Rules for C++ and CUDA, by its tokens: comments and literals say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..judge.builds.source_tokens import Token, Unreadable, tokens_of

_CALLS: Final = {
    "native-loads-code": {"dlopen", "dlsym", "dlmopen", "dlvsym"},
    "native-starts-process": {
        "fork",
        "vfork",
        "execve",
        "execv",
        "execvp",
        "execl",
        "execlp",
        "posix_spawn",
        "popen",
        "system",
    },
    "native-opens-socket": {"socket", "connect", "bind", "listen", "sendto"},
    "native-changes-memory-map": {"mprotect", "ptrace", "process_vm_writev", "process_vm_readv", "memfd_create"},
    "native-opens-file": {"fopen", "freopen", "openat", "open", "creat", "mmap"},
    "native-reads-environment": {"getenv", "secure_getenv", "setenv"},
    "native-starts-thread": {"pthread_create", "async"},
    "native-own-stream": {
        "cudaStreamCreate",
        "cudaStreamCreateWithFlags",
        "cudaStreamCreateWithPriority",
        "getStreamFromPool",
    },
}
_WORDS: Final = {
    # Switched off, PyTorch tells no profiler what it does.
    "native-hides-work": {"DisableRecordFunctionGuard", "RecordFunctionGuard"},
    "native-opens-file": {"ifstream", "ofstream", "fstream"},
    "native-starts-thread": {"thread", "jthread"},
    "native-cuda-graph": {"cudaGraph_t", "cudaGraphExec_t", "cudaGraphLaunch", "cudaStreamBeginCapture"},
    "native-calls-library": {"cublasHandle_t", "cudnnHandle_t", "cublasLtHandle_t", "getCurrentCUDABlasHandle"},
    "native-lower-precision": {"__half", "half", "__nv_bfloat16", "nv_bfloat16", "half2", "__half2"},
}
# Only these are called without an object or a namespace before them.
_FREE: Final = {"native-opens-socket", "native-opens-file", "native-starts-process", "native-starts-thread"}
_CUDA_NAME: Final = re.compile(r"cu(da)?(Event|Stream|Device|Launch|Mem|Ctx)[A-Z]\w*")
_TYPES: Final = {"cudaError_t", "CUresult", "int", "void"}


def native_tags(text: str) -> Iterator[tuple[str, int]]:
    """Rules that match, each with its line in the text."""
    try:
        tokens = tokens_of(text)
    except Unreadable:
        return
    for index, token in enumerate(tokens):
        if token.kind == "word":
            for rule in _rules_of(tokens, index):
                yield rule, text.count("\n", 0, token.start) + 1


def _rules_of(tokens: list[Token], index: int) -> Iterator[str]:
    word, after, before = tokens[index].text, _text(tokens, index + 1), _text(tokens, index - 1)
    yield from (rule for rule, words in _WORDS.items() if word in words and (word != "thread" or before == "::"))
    if after != "(":
        return
    is_free = before not in (".", "->") and (
        before != "::" or _text(tokens, index - 2) in ("", ";", "{", "}", "(", "=")
    )
    is_declared = index > 0 and (
        tokens[index - 1].kind == "word" and before not in ("return", "else", "do", "co_return")
    )
    for rule, words in _CALLS.items():
        if word in words and not is_declared and (is_free or rule not in _FREE):
            yield rule
    if _CUDA_NAME.fullmatch(word) and before in _TYPES and _has_body(tokens, index + 1):
        yield "native-replaces-cuda"
    if word == "TORCH_LIBRARY_IMPL" and _text(tokens, index + 2) == "aten":
        yield "native-replaces-operator"


# A definition of what the driver or the runtime defines.
def _has_body(tokens: list[Token], index: int) -> bool:
    depth = 0
    for place in range(index, min(len(tokens), index + 200)):
        depth += {"(": 1, ")": -1}.get(tokens[place].text, 0)
        if depth == 0:
            return _text(tokens, place + 1) == "{"
    return False


def _text(tokens: list[Token], index: int) -> str:
    return tokens[index].text if 0 <= index < len(tokens) else ""
