"""Kernels as host code sees them: a function with the same signature, and its launches as calls of it."""

from __future__ import annotations

from .source_edits import Edits, NotSplittable, Source
from .source_tokens import Token

_FOR_KERNELS = {"__launch_bounds__", "__cluster_dims__", "__maxnreg__", "__block_size__"}


def declare_kernel(source: Source, host: Edits, device: Edits, first: int, last: int) -> None:
    """Leaves of a kernel what the host part needs, and makes it visible to it."""
    for index in range(first, last + 1):
        token = source.tokens[index]
        if token.text == "{":
            host.cut(token.start, source.tokens[last].end, ";")
            break
        if token.text in ("__global__", "static", "__grid_constant__"):
            host.cut(token.start, token.end)
        elif token.text in _FOR_KERNELS:
            host.cut(token.start, source.tokens[source.pairs[index + 1]].end)
        if token.text == "static":
            device.cut(token.start, token.end)


def kernel_name(head: list[Token]) -> str:
    """The name of a kernel, from what stands before its body. Raises NotSplittable."""
    for index in range(len(head) - 1, 0, -1):
        before = head[index - 1]
        if head[index].text == "(" and before.kind == "word" and before.text not in _FOR_KERNELS:
            return before.text
        if head[index].text == "(" and before.text == ">":
            raise NotSplittable("a kernel's specialization")
    raise NotSplittable("a kernel whose name cannot be read")


def rewrite_launches(source: Source, host: Edits, first: int, last: int) -> None:
    """Rewrites the launches between two tokens."""
    for index in range(first, last + 1):
        if source.tokens[index].text == "<<<":
            _rewrite_launch(source, host, index, last)


# `k<<<grid, block>>>(a)` becomes `(__cudaPushCallConfiguration(grid, block) ? (void)0 : k(a))`.
def _rewrite_launch(source: Source, host: Edits, opening: int, last: int) -> None:
    closing = opening + 1
    while closing <= last and source.tokens[closing].text != ">>>":
        closing = source.pairs.get(closing, closing) + 1
    if closing + 1 > last or source.tokens[closing + 1].text != "(":
        raise NotSplittable("a launch that cannot be read")
    start = source.tokens[_callee(source, opening)].start
    text = source.text
    callee = text[start : source.tokens[opening].start]
    configuration = text[source.tokens[opening].end : source.tokens[closing].start]
    if "<<<" in configuration or "\n#" in configuration:
        raise NotSplittable("a launch that cannot be read")
    end = source.tokens[source.pairs[closing + 1]].end
    # The callee moves behind the configuration, with the line breaks it holds.
    host.spans += [
        (start, source.tokens[opening].end, "(__cudaPushCallConfiguration("),
        (source.tokens[closing].start, source.tokens[closing].end, f") ? (void)0 : {callee}"),
        (end, end, ")"),
    ]


def _callee(source: Source, opening: int) -> int:
    index = opening - 1
    if source.tokens[index].text in (">", ">>"):
        depth = 0
        while index >= 0:
            depth += {">": 1, ">>": 2, "<": -1}.get(source.tokens[index].text, 0)
            if depth <= 0:
                break
            index -= 1
        index -= 1
    while index >= 0 and source.tokens[index].kind == "word":
        if source.tokens[index - 1].text != "::":
            return index
        index -= 2
    raise NotSplittable("a launch of something without a name")
