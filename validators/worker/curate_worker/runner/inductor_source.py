"""
Makes a `ModelNew` of what TorchInductor wrote: Triton kernels and calls of PyTorch, without anything of the compiler,
so that it runs wherever they do.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import Final

import torch

from .errors import FaultInInput
from .inductor_kernels import Kernel, helpers_of, kernels_of

_IMPORTS: Final = {
    "libdevice": "from triton.language.extra import libdevice",
    "tl_math": "from triton.language import math as tl_math",
}
_REINTERPRET: Final = '''def reinterpret(tensor, size, stride, offset):
    """The same memory under another shape."""
    return torch.as_strided(tensor, size, stride, tensor.storage_offset() + offset)'''
_KNOWN: Final = frozenset({"torch", "device", "reinterpret", "inf", "nan", *dir(builtins)})


@dataclass(frozen=True)
class Written:
    """What TorchInductor wrote for one set of inputs."""

    program: str
    inputs: list[object]
    returns_one: bool
    """Whether the model gives one tensor, and not several."""


def module_source(model: torch.nn.Module, written: list[Written]) -> str:
    """The text of a module with `ModelNew`, for all sets of inputs. Raises FaultInInput for more than kernels."""
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    names = {name: name.replace(".", "_") for name in state}
    kernels: list[Kernel] = []
    functions: list[str] = []
    for number, item in enumerate(written):
        program = ast.parse(item.program)
        own = kernels_of(program)
        arguments = [*names.values(), *(name for name, value in _named(item.inputs) if _is_tensor(value))]
        functions.append(_Runner(own, number).text(program, arguments))
        kernels += own.values()
    if any("tl.rand" in ast.unparse(kernel.definition) for kernel in kernels):
        raise FaultInInput("RANDOM", "it draws random numbers, and would draw others than the reference")
    if not kernels:
        raise FaultInInput("EXTERN_ONLY", "it calls library functions alone: there is nothing to fuse")
    helpers, modules = helpers_of(kernels)
    definitions = [ast.unparse(item) for kernel in kernels for item in (*kernel.functions, kernel.definition)]
    body = "\n\n\n".join(part for part in (helpers, *definitions, _REINTERPRET, *functions) if part)
    imports = ["import torch", "import triton", "import triton.language as tl"]
    head = "\n".join([*imports, *(_IMPORTS[name] for name in sorted(modules))])
    return f"{head}\n\n\n{body}\n\n\n{_class_text(model, written, names)}\n"


def _named(inputs: list[object]) -> list[tuple[str, object]]:
    return [(f"x_{place}", value) for place, value in enumerate(inputs)]


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)


class _Runner:
    """Turns the wrapper of a program into a plain function."""

    def __init__(self, kernels: dict[str, Kernel], number: int) -> None:
        self._kernels = kernels
        self._number = number
        # Kernels of several sets of inputs may have one name.
        for kernel in kernels.values() if number else ():
            kernel.definition.name += f"_{number}"

    def text(self, program: ast.Module, arguments: list[str]) -> str:
        """The function, whose parameters go by these names."""
        call = next(
            (node for node in ast.walk(program) if isinstance(node, ast.FunctionDef) and node.name == "call"), None
        )
        if call is None:
            raise FaultInInput("UNSUPPORTED", "a program without a call")
        taken, statements = _arguments_taken(call)
        if len(taken) != len(arguments):
            raise FaultInInput("UNSUPPORTED", "a program that takes other arguments than the model has tensors")
        self._names = dict(zip(taken, arguments, strict=True))
        lines = [line for statement in statements for line in self._lines(statement)]
        body = [f"    device = {arguments[-1]}.device", *(f"    {line}" for line in lines)]
        return f"def run_{self._number}({', '.join(arguments)}):\n" + "\n".join(body)

    def _lines(self, statement: ast.stmt) -> list[str]:
        if isinstance(statement, ast.With):
            return [line for inner in statement.body for line in self._lines(inner)]
        if isinstance(statement, ast.Delete) or _is_of_the_runtime(statement):
            return []
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            function = statement.value.func
            is_launch = isinstance(function, ast.Attribute) and function.attr == "run"
            if is_launch and isinstance(function.value, ast.Name) and function.value.id in self._kernels:
                values = [self._rewritten(value) for value in statement.value.args]
                return [self._kernels[function.value.id].launch(values)]
        if isinstance(statement, (ast.Assign, ast.Expr, ast.Return)):
            return [ast.unparse(self._rewritten(statement))]
        raise FaultInInput("UNSUPPORTED", f"a statement of the kind {type(statement).__name__}")

    def _rewritten(self, node: ast.AST) -> ast.AST:
        rewritten = ast.fix_missing_locations(_Rewriter(self._names).visit(node))
        bound = {
            item.id for item in ast.walk(rewritten) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
        }
        self._names.update({name: name for name in bound if name not in self._names})
        for item in ast.walk(rewritten):
            if isinstance(item, ast.Name) and item.id not in _KNOWN and item.id not in self._names.values():
                raise FaultInInput("UNSUPPORTED", f"a use of {item.id}")
        return rewritten


# `arg0_1, arg1_1 = args` and what follows; a program without arguments has no such line.
def _arguments_taken(call: ast.FunctionDef) -> tuple[list[str], list[ast.stmt]]:
    for place, statement in enumerate(call.body):
        is_taken = isinstance(statement, ast.Assign) and ast.unparse(statement.value) == "args"
        if is_taken and isinstance(statement.targets[0], ast.Tuple):
            return [ast.unparse(item) for item in statement.targets[0].elts], call.body[place + 1 :]
    return [], call.body


# Checks of shapes, streams and devices: dispatch and Triton see to them.
def _is_of_the_runtime(statement: ast.stmt) -> bool:
    text = ast.unparse(statement)
    starts = ("args.clear()", "assert_size_stride(", "assert_alignment(", "torch.cuda.set_device(")
    return text.startswith(starts) or "get_raw_stream(" in text


class _Rewriter(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(self._names.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "aten":
            return ast.parse(f"torch.ops.aten.{node.attr}", mode="eval").body
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        callee = ast.unparse(node.func)
        if callee in ("empty_strided_cuda", "empty_strided_cpu"):
            node.func = ast.parse("torch.empty_strided", mode="eval").body
            node.args, dtype = node.args[:2], node.args[2]
            place = ast.Name("device", ast.Load()) if callee.endswith("cuda") else ast.Constant("cpu")
            node.keywords = [ast.keyword("dtype", dtype), ast.keyword("device", place)]
        elif callee == "reinterpret_tensor":
            node.func = ast.Name("reinterpret", ast.Load())
        elif callee.startswith("extern_kernels."):
            name = callee.removeprefix("extern_kernels.")
            if not hasattr(torch, name):
                raise FaultInInput("UNSUPPORTED", f"a call of extern_kernels.{name}")
            node.func = ast.parse(f"torch.{name}", mode="eval").body
        return node


def _class_text(model: torch.nn.Module, written: list[Written], names: dict[str, str]) -> str:
    inputs = [name for name, _ in _named(written[0].inputs)]
    lines = ["class ModelNew(torch.nn.Module):", "    def __init__(self, *_):", "        super().__init__()"]
    lines += [f"        {line}" for line in _state_lines(model)]
    lines += ["", "    @torch.no_grad()", f"    def forward({', '.join(['self', *inputs])}):"]
    lines += [f"        given = ({', '.join(f'key_of({name})' for name in inputs)},)"]
    for number, item in enumerate(written):
        key = ", ".join(_key_text(value) for value in item.inputs)
        tensors = [(name, value) for name, value in _named(item.inputs) if isinstance(value, torch.Tensor)]
        arguments = [_value_text(name) for name in names]
        arguments += [f"laid_out({name}, {tuple(value.stride())})" for name, value in tensors]
        call = f"run_{number}({', '.join(arguments)})"
        lines += [f"        if given == ({key},):", f"            return {call}{'[0]' if item.returns_one else ''}"]
    lines += ['        raise ValueError(f"this was compiled for other inputs than {given}")']
    return f"{_DISPATCH}\n\n\n" + "\n".join(lines)


_DISPATCH: Final = '''def key_of(value):
    """What a kernel was compiled for."""
    return (tuple(value.shape), value.dtype) if isinstance(value, torch.Tensor) else repr(value)


def laid_out(tensor, stride):
    """The tensor with its elements where the kernels look for them."""
    if tensor.stride() == stride:
        return tensor
    return torch.empty_strided(tensor.shape, stride, dtype=tensor.dtype, device=tensor.device).copy_(tensor)'''


def _key_text(value: object) -> str:
    if isinstance(value, torch.Tensor):
        return f"({tuple(value.shape)}, {value.dtype})"
    return repr(repr(value))


# The names of the reference, dots and all, so that its parameters can be loaded.
def _state_lines(model: torch.nn.Module) -> list[str]:
    parents: dict[str, None] = {}
    lines: list[str] = []
    parameters = dict(model.named_parameters())
    for name, item in {**parameters, **dict(model.named_buffers())}.items():
        *path, last = name.split(".")
        for depth in range(len(path)):
            parent = ".".join(path[: depth + 1])
            if parent not in parents:
                parents[parent] = None
                owner = _reach(path[:depth])
                lines.append(f'{owner}.add_module("{path[depth]}", torch.nn.Module())')
        empty = f"torch.empty({tuple(item.shape)}, dtype={item.dtype})"
        owner = _reach(path)
        kind = "register_parameter" if name in parameters else "register_buffer"
        if name in parameters:
            empty = f"torch.nn.Parameter({empty}, requires_grad={item.requires_grad})"
        lines.append(f'{owner}.{kind}("{last}", {empty})')
    return lines


def _value_text(name: str) -> str:
    *path, last = name.split(".")
    return f"self.{name}" if all(part.isidentifier() for part in path) else f"{_reach(path)}.{last}"


# Names of lists are numbers, which are no attributes to Python's grammar.
def _reach(path: list[str]) -> str:
    return "self" if not path else f'self.get_submodule("{".".join(path)}")'
