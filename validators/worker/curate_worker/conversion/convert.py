"""A module with `ModelNew` over one CUDA extension, as kernels with a launch plan."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Final

from ..judge.builds.source_edits import NotSplittable
from ..judge.builds.split_source import split_source
from .cuda_source import CudaSource, read_cuda
from .host_values import Number, Tensor, Value
from .launcher import Launched, Launcher
from .refusal import CannotConvert

PLAN: Final = "plan.json"
KERNELS: Final = "kernels.cu"


@dataclass(frozen=True)
class _Call:
    """What `forward` does: one call of an extension's function."""

    function: str
    inputs: list[str]
    given: list[ast.expr]
    names: dict[str, str]
    """What else `forward` calls its inputs."""


def convert_extension(module: str, entry: str, specs: list[dict]) -> dict[str, str]:
    """The files of form `device` for a module and the extensions that it asks to have built. Raises CannotConvert."""
    source = _cuda_of(specs)
    call = _call_of(module, entry)
    known = read_cuda(source)
    function = known.launchers.get(call.function)
    if function is None:
        raise CannotConvert("NO_LAUNCHER", f"the CUDA source has no launcher {call.function}")
    taken = set(call.inputs)
    parameters: dict[str, str] = {}
    kinds = [kind for kind, _ in function.parameters]
    if len(kinds) != len(call.given):
        raise CannotConvert("HOST_CALL", f"{call.function} is called with {len(call.given)} arguments")
    given = [_given(item, kind, call, parameters, taken) for item, kind in zip(call.given, kinds, strict=True)]
    done = Launcher(known, function, given, taken).follow()
    plan = _plan(call, parameters, done, specs[0]["extra_cuda_cflags"])
    return {PLAN: json.dumps(plan, indent=2) + "\n", KERNELS: _device_part(source, known)}


def _cuda_of(specs: list[dict]) -> str:
    if len(specs) != 1:
        raise CannotConvert("NOT_ONE_EXTENSION", f"it asks for {len(specs)} extensions")
    sources = [text for name, text in specs[0]["units"] if name.endswith(".cu")]
    others = [name for name, _ in specs[0]["units"] if not name.endswith((".cu", "main.cpp"))]
    if len(sources) != 1 or others:
        raise CannotConvert("NOT_ONE_SOURCE", "its extension is not one CUDA source")
    return sources[0]


def _device_part(source: str, known: CudaSource) -> str:
    try:
        text = split_source(source, KERNELS).device
    except NotSplittable as error:
        raise CannotConvert("UNREADABLE", str(error)) from error
    if any(kernel.is_template for kernel in known.kernels.values()):
        raise CannotConvert("TEMPLATE_KERNEL", "its kernels are templates")
    text = re.sub(r'^#line 1 "[^"]*"\n', "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*#\s*include\s*<(cuda|cuda_runtime)\.h>\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\n[ \t]*(?:\n[ \t]*)+\n", "\n\n", text).strip() + "\n"


def _plan(call: _Call, parameters: dict[str, str], done: Launched, flags: list[str]) -> dict:
    outputs = [_room(item) for item in done.returned]
    workspaces = [_room(item) for item in done.tensors if item not in done.returned]
    plan: dict[str, object] = {"source": KERNELS}
    if flags:
        plan["flags"] = [flag for flag in flags if "gencode" not in flag and "arch" not in flag]
    plan["inputs"] = call.inputs
    if parameters:
        plan["parameters"] = parameters
    if done.symbols:
        plan["symbols"] = done.symbols
    plan["outputs"] = outputs
    if workspaces:
        plan["workspaces"] = workspaces
    return {**plan, "launches": done.launches}


def _room(item: Tensor) -> dict:
    if item.dtype is None:
        raise CannotConvert("UNKNOWN_DTYPE", f"nothing says what {item.name} holds")
    if item.shape is None:
        raise CannotConvert("HOST_CODE", f"nothing says how large {item.name} is")
    shape = (
        [int(text) if text.isdigit() else text for text in item.shape] if isinstance(item.shape, list) else item.shape
    )
    return {"name": item.name, "dtype": item.dtype, "shape": shape} | ({} if item.fill is None else {"fill": item.fill})


def _call_of(module: str, entry: str) -> _Call:
    try:
        tree = ast.parse(module)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise CannotConvert("UNREADABLE", "the module cannot be read") from error
    classes = [item for item in tree.body if isinstance(item, ast.ClassDef) and item.name == entry]
    methods = [item for kind in classes for item in kind.body if isinstance(item, ast.FunctionDef)]
    forward = next((item for item in methods if item.name == "forward"), None)
    if forward is None or forward.args.vararg or forward.args.kwarg or forward.args.kwonlyargs or forward.args.defaults:
        raise CannotConvert("HOST_CODE", f"{entry} has no plain `forward`")
    inputs = [argument.arg for argument in forward.args.args[1:]]
    names = {name: name for name in inputs}
    for statement in [item for item in forward.body if not _is_text(item)]:
        if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Call):
            return _returned(statement.value, inputs, names)
        name = _made_contiguous(statement, names)
        if name is None:
            raise CannotConvert("HOST_CODE", f"`{ast.unparse(statement)[:120]}` in `forward`")
    raise CannotConvert("HOST_CODE", "`forward` returns no call of an extension")


def _returned(call: ast.Call, inputs: list[str], names: dict[str, str]) -> _Call:
    of = call.func
    is_method = isinstance(of, ast.Attribute) and isinstance(of.value, (ast.Name, ast.Attribute))
    root = ast.unparse(of.value) if isinstance(of, ast.Attribute) else ""
    if not is_method or call.keywords or root.startswith(("torch", "F.", "nn.")) or root == "F":
        raise CannotConvert("HOST_CODE", f"`{ast.unparse(call)[:120]}` in `forward`")
    return _Call(of.attr if isinstance(of, ast.Attribute) else "", inputs, call.args, names)


# `x = x.contiguous()`: inputs of a plan are.
def _made_contiguous(statement: ast.stmt, names: dict[str, str]) -> str | None:
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return None
    found = re.fullmatch(r"(\w+)(\.contiguous\(\))?", ast.unparse(statement.value))
    if found is None or found.group(1) not in names:
        return None
    names[statement.targets[0].id] = names[found.group(1)]
    return statement.targets[0].id


def _given(item: ast.expr, kind: str, call: _Call, parameters: dict[str, str], taken: set[str]) -> Value:
    text = ast.unparse(item).removesuffix(".contiguous()").removesuffix(".data")
    is_tensor = "Tensor" in kind
    if text in call.names:
        name = call.names[text]
        return Tensor(name) if is_tensor else Number(name, kind in ("float", "double"), is_atom=True)
    if is_tensor and re.fullmatch(r"self(\.\w+)+", text):
        return Tensor(_parameter(text.removeprefix("self."), parameters, taken))
    if not is_tensor and re.fullmatch(r"-?\d+(\.\d*)?(e-?\d+)?", text):
        return Number(text, kind in ("float", "double"), is_atom=not text.startswith("-"))
    if text in ("True", "False"):
        return Number(str(int(text == "True")), is_atom=True)
    raise CannotConvert("HOST_CODE", f"`{text[:120]}` is computed on the host")


def _parameter(own: str, parameters: dict[str, str], taken: set[str]) -> str:
    known = next((name for name, path in parameters.items() if path == own), None)
    if known is not None:
        return known
    name = own.replace(".", "_")
    while name in taken:
        name += "_"
    taken.add(name)
    parameters[name] = own
    return name


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
