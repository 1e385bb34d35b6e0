"""The compiler flags that programs may ask for: those that change code, none that read files or load plug-ins."""

from __future__ import annotations

import re

_HOST = re.compile(
    r"-O(0|1|2|3|s|z|g|fast)?"
    r"|-std=(c|gnu)\+\+(11|14|17|20|23|0x|1y|1z|2a|2b)"
    r"|-[DU][A-Za-z_]\w*(=[\w.+-]*)?"
    r"|-W(no-)?[a-z0-9+-]+(=\d+)?|-Wall|-Wextra|-w"
    r"|-m[a-z0-9][a-z0-9.=+-]*"
    r"|-f(?!plugin|dump|profile|sanitize|lto|auto-profile|callgraph|file-prefix|debug-prefix|macro-prefix)[a-z0-9-]+(=[a-z0-9-]+)?"
    r"|-pthread|-g\d?|-fopenmp"
)
_DEVICE = re.compile(
    r"-O[0-3]|-std=c\+\+(11|14|17|20)|-[DU][A-Za-z_]\w*(=[\w.+-]*)?"
    r"|--?use_fast_math|--?(f|p)[a-z]+=(true|false)|--?fmad=(true|false)|--?ftz=(true|false)"
    r"|--?prec-(div|sqrt)=(true|false)|-lineinfo|--generate-line-info|--?extra-device-vectorization"
    r"|--expt-(relaxed-constexpr|extended-lambda)|--extended-lambda|--?maxrregcount=\d+"
    r"|--ptxas-options=[\w,=-]+|-Xptxas=[\w,=-]+|--?default-stream=(legacy|null|per-thread)|-w|--restrict|-restrict"
    r"|--?diag-suppress=?[\d,]*|-Wno-[a-z-]+|--?resource-usage"
)
_PTXAS = re.compile(r"-?-?[A-Za-z][\w,=-]*")
_LIBRARY = re.compile(
    r"-l(m|gomp|pthread|dl|rt|stdc\+\+|cuda|cudart|cublas|cublasLt|cudnn|curand|cufft|cusparse|cusolver|nvrtc)"
)
# The device is ours to choose, and so is how many compilers run.
_REPLACED = re.compile(r"--?(arch|gencode|gpu-architecture|gpu-code|generate-code|threads|t)(=.*)?")
_REPLACED_WITH_VALUE = {"-arch", "-gencode", "--gpu-architecture", "--gpu-code", "--generate-code", "-t", "--threads"}
_VERBOSE = {"-v", "--verbose", "-Xptxas=-v", "--ptxas-options=-v"}


class FlagRefused(Exception):  # noqa: N818
    """A flag that may not be passed on."""


def host_flags(flags: list[str]) -> list[str]:
    """The allowed flags for the C++ compiler. Raises FlagRefused."""
    words = [word for flag in flags for word in flag.split() if word not in _VERBOSE]
    return [_allowed(word, _HOST) for word in words]


def device_flags(flags: list[str]) -> list[str]:
    """The allowed flags for nvcc, without those that name a device. Raises FlagRefused."""
    words = iter([word for flag in flags for word in flag.split()])
    result: list[str] = []
    for word in words:
        if word in _REPLACED_WITH_VALUE:
            next(words, None)
        elif word in ("-Xcompiler", "--compiler-options"):
            for part in next(words, "").strip("'\"").split(","):
                result += ["-Xcompiler", _allowed(part.strip("'\""), _HOST)]
        elif word in ("-Xptxas", "--ptxas-options"):
            value = _allowed(next(words, ""), _PTXAS)
            result += [] if value == "-v" else ["-Xptxas", value]
        elif _REPLACED.fullmatch(word) is None and word not in _VERBOSE:
            result.append(_allowed(word, _DEVICE))
    return result


def link_flags(flags: list[str]) -> list[str]:
    """The allowed libraries. Raises FlagRefused."""
    words = [word for flag in flags for word in flag.split()]
    return [_allowed(word, _LIBRARY) for word in words if word not in ("-fopenmp", "-pthread") and word[:2] != "-L"] + [
        word for word in words if word in ("-fopenmp", "-pthread")
    ]


def _allowed(word: str, pattern: re.Pattern[str]) -> str:
    if pattern.fullmatch(word) is None:
        raise FlagRefused(f"the flag {word!r} may not be passed to a compiler here")
    return word
