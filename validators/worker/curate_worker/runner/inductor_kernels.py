"""
Kernels in a program of TorchInductor, without what its runtime puts around them: block sizes are written down instead
of being tried on a device, and functions of its library go with the kernel.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from types import ModuleType
from typing import Final

import triton
import triton.language as tl

from .errors import FaultInInput

HELPER: Final = "helper_"
_KINDS: Final = ("pointwise", "reduction", "persistent_reduction")
_GRIDS: Final = {
    "Grid1D": ("x",),
    "Grid2D": ("x", "y"),
    "Grid2DWithYZOverflow": ("x", "y"),
    "Grid3D": ("x", "y", "z"),
}
# Blocks of a grid's second and third axis that CUDA takes.
_MAX_BLOCKS: Final = 65535


@dataclass(frozen=True)
class Kernel:
    """One kernel and how it is launched."""

    definition: ast.FunctionDef
    functions: tuple[ast.FunctionDef, ...]
    """Functions of its own that it hands to scans and reductions."""
    kind: str
    is_outer: bool
    """Whether it reduces along an axis that is not the last."""
    axes: tuple[str, ...]
    """Axes of its grid."""
    given: tuple[str, ...]
    """Names of what a launch gives, in order."""
    constants: dict[str, object]
    """Values of parameters that a launch does not give."""

    def launch(self, values: list[ast.expr]) -> str:
        """A launch with these arguments. Raises FaultInInput where its size is no number."""
        arguments = dict(zip(self._names_for(values), values, strict=True))
        numels = {
            name.removesuffix("numel"): _number(arguments.get(name, ast.Constant(self.constants.get(name))))
            for name in (item.arg for item in self.definition.args.args)
            if name.endswith("numel")
        }
        blocks = self._blocks(numels)
        counts = [-(-numels[axis] // blocks.get(f"{axis.upper()}BLOCK", 1)) for axis in self.axes]
        if max(counts[1:], default=0) > _MAX_BLOCKS:
            raise FaultInInput("UNSUPPORTED", "a grid of more blocks than its second axis takes")
        known = {name: ast.unparse(value) for name, value in arguments.items()}
        constants = {name: repr(value) for name, value in {**self.constants, **blocks}.items() if name not in known}
        missing = [item.arg for item in self.definition.args.args if item.arg not in {**known, **constants}]
        if missing:
            raise FaultInInput("UNSUPPORTED", f"a kernel with a parameter {missing[0]}")
        keywords = {**constants, "num_warps": str(_warps(blocks, numels))}
        texts = [*known.values(), *(f"{name}={text}" for name, text in keywords.items())]
        return f"{self.definition.name}[({', '.join(map(str, counts))},)]({', '.join(texts)})"

    # Sizes that are 1 are parameters of the compiler, and yet given by a launch.
    def _names_for(self, values: list[ast.expr]) -> tuple[str, ...]:
        sizes = tuple(item.arg for item in self.definition.args.args if not item.arg.endswith("BLOCK"))
        for names in (self.given, sizes):
            if len(names) == len(values):
                return names
        raise FaultInInput("UNSUPPORTED", "a launch with other arguments than its kernel has parameters")

    # As large as the default configurations of TorchInductor: a thousand elements per program.
    def _blocks(self, numels: dict[str, int]) -> dict[str, int]:
        wanted = [item.arg for item in self.definition.args.args if item.arg.endswith("BLOCK")]
        sizes = {name: _power_of_2(numels.get(_axis_of(name), 1)) for name in wanted}
        if self.kind == "pointwise":
            limit = {1: 1024, 2: 32}.get(len(wanted), 16)
            return {name: min(limit, size) for name, size in sizes.items()}
        if self.kind == "persistent_reduction":
            reduced = _power_of_2(_product(numel for axis, numel in numels.items() if axis.startswith("r")))
            return {name: max(1, min(size, 1024 // reduced, 8)) for name, size in sizes.items()}
        limits = (64, 16) if self.is_outer else (1, 2048)
        return {name: min(limits[name.startswith("R")], size) for name, size in sizes.items()}


def kernels_of(program: ast.Module) -> dict[str, Kernel]:
    """The kernels of a program, by the names that its calls go by. Raises FaultInInput for what is none of Triton's."""
    kernels: dict[str, Kernel] = {}
    for statement in program.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
            continue
        callee = ast.unparse(statement.value.func)
        if not callee.startswith("async_compile.") or callee == "async_compile.wait":
            continue
        target, source = statement.targets[0], statement.value.args[1:2]
        if callee != "async_compile.triton" or not isinstance(target, ast.Name) or not source:
            raise FaultInInput("UNSUPPORTED", f"a kernel made by {callee}")
        kernels[target.id] = _kernel(ast.literal_eval(source[0]))
    return kernels


def _kernel(text: str) -> Kernel:
    *functions, definition = [item for item in ast.parse(text).body if isinstance(item, ast.FunctionDef)]
    heuristics = next((item for item in definition.decorator_list if isinstance(item, ast.Call)), None)
    kind = "" if heuristics is None else ast.unparse(heuristics.func).removeprefix("triton_heuristics.")
    if heuristics is None or kind not in _KINDS:
        raise FaultInInput("UNSUPPORTED", f"a kernel of the kind {kind or 'none'}")
    settings = {item.arg: item.value for item in heuristics.keywords}
    meta = _entries(settings.get("triton_meta"))
    grid = ast.literal_eval(_entries(settings.get("inductor_meta"))["grid_type"])
    if grid not in _GRIDS:
        raise FaultInInput("UNSUPPORTED", f"a grid of the type {grid}")
    signature: dict[str, str] = ast.literal_eval(meta["signature"])
    constants: dict[str, object] = ast.literal_eval(meta["constants"])
    definition.decorator_list = [ast.parse("triton.jit", mode="eval").body]
    hint = settings.get("reduction_hint")
    # Kernels number their functions, each from 0.
    names = {item.name: f"{definition.name}{item.name}" for item in functions}
    for item in functions:
        item.name = names[item.name]
    for node in ast.walk(ast.Module([definition, *functions], [])):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    return Kernel(
        definition=definition,
        functions=tuple(functions),
        kind=kind,
        is_outer=hint is not None and ast.unparse(hint).startswith("ReductionHint.OUTER"),
        axes=_GRIDS[grid],
        given=tuple(name for name, kind in signature.items() if kind != "constexpr"),
        constants=constants,
    )


def _entries(node: ast.expr | None) -> dict[str, ast.expr]:
    if not isinstance(node, ast.Dict):
        raise FaultInInput("UNSUPPORTED", "a kernel that does not say how it is launched")
    pairs = zip(node.keys, node.values, strict=True)
    return {key.value: value for key, value in pairs if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def _number(node: ast.expr) -> int:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if not isinstance(value, int):
        raise FaultInInput("UNSUPPORTED", "a launch whose size is only known when it runs")
    return value


def _axis_of(block: str) -> str:
    return block.removesuffix("BLOCK").lower()


def _power_of_2(number: int) -> int:
    return triton.next_power_of_2(max(1, number))


def _product(numbers: object) -> int:
    result = 1
    for number in numbers:
        result *= number
    return result


def _warps(blocks: dict[str, int], numels: dict[str, int]) -> int:
    reduced = {f"{axis.upper()}BLOCK": _power_of_2(numel) for axis, numel in numels.items() if axis.startswith("r")}
    elements = _product({**reduced, **blocks}.values())
    return max(1, min(8, elements // 256))


def helpers_of(kernels: list[Kernel]) -> tuple[str, set[str]]:
    """
    The functions of TorchInductor's library that kernels call, as text, and the modules that they and the kernels name.
    The kernels are changed so that they call them by their names here.
    """
    from torch._inductor.runtime import triton_helpers  # noqa: PLC0415

    texts: dict[str, str] = {}
    modules: set[str] = set()
    for kernel in kernels:
        for definition in (*kernel.functions, kernel.definition):
            _link(definition, triton_helpers, texts, modules)
    return "\n\n\n".join(texts.values()), modules


def _link(definition: ast.FunctionDef, library: ModuleType, texts: dict[str, str], modules: set[str]) -> None:
    for node in ast.walk(definition):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in _MODULES:
            modules.add(_MODULES[node.value.id])
            node.value.id = _MODULES[node.value.id]
    _Linker(library, texts, modules).visit(definition)


_MODULES: Final = {"libdevice": "libdevice", "tl_math": "tl_math", "math": "tl_math"}


# Another class where kernels are interpreted.
def _is_jit(value: object) -> bool:
    return inspect.isfunction(getattr(value, "fn", None))


class _Linker(ast.NodeTransformer):
    def __init__(self, library: ModuleType, texts: dict[str, str], modules: set[str]) -> None:
        self._library = library
        self._texts = texts
        self._modules = modules

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        is_library = isinstance(node.value, ast.Name) and node.value.id == "triton_helpers"
        return self._named(node.attr) if is_library else node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        known = getattr(self._library, node.id, None)
        return self._named(node.id) if _is_jit(known) or isinstance(known, tl.constexpr) else node

    def _named(self, name: str) -> ast.Name:
        if name not in self._texts:
            self._texts[name] = ""
            self._texts[name] = self._text(name)
            # What it needs comes before it.
            self._texts[name] = self._texts.pop(name)
        return ast.Name(HELPER + name, ast.Load())

    def _text(self, name: str) -> str:
        known = getattr(self._library, name, None)
        if isinstance(known, tl.constexpr):
            return f"{HELPER}{name} = tl.constexpr({known.value!r})"
        if not _is_jit(known):
            raise FaultInInput("UNSUPPORTED", f"a call of triton_helpers.{name}")
        definition = ast.parse(inspect.getsource(known.fn)).body[0]
        if not isinstance(definition, ast.FunctionDef):
            raise FaultInInput("UNSUPPORTED", f"a call of triton_helpers.{name}")
        _link(definition, self._library, self._texts, self._modules)
        definition.name = HELPER + name
        return ast.unparse(definition)
