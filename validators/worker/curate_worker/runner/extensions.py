"""
`torch.utils.cpp_extension.load_inline` and `load` as a program sees them here: nothing is compiled in its process. The
first run records what it asks for, the judge has it built, and later runs load the built module.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import torch
import torch.utils.cpp_extension

from ..extension_spec import spec_id
from .ablation import ExtensionCalls
from .errors import BuildNeeded, FaultInInput

_CUDA_HEADERS = ["#include <torch/types.h>", "#include <cuda.h>", "#include <cuda_runtime.h>"]
_HEADER_SUFFIXES = {".h", ".hpp", ".cuh"}


class Extensions:
    """What was asked for and what is built already."""

    def __init__(self, scratch: Path) -> None:
        self._folder = scratch / "built"
        self._built: dict[str, memoryview] = {}
        self._loaded: dict[str, object] = {}
        self._recording = False
        self.calls = ExtensionCalls()
        self.recorded: list[dict] = []
        self.needed: dict | None = None

    def install(self, *, recording: bool) -> None:
        """Puts the functions in place; called before the program is loaded."""
        self._recording = recording
        torch.utils.cpp_extension.load_inline = self._load_inline
        torch.utils.cpp_extension.load = self._load

    def add_built(self, identity: str, library: memoryview) -> None:
        """Makes a built module available."""
        self._built[identity] = library

    def raise_if_needed(self) -> None:
        """A program that caught the request for a build would go on without it; it must not."""
        if self.needed is not None:
            raise BuildNeeded(self.needed)

    # The signatures are PyTorch's own (torch/utils/cpp_extension.py), with what changes no result swallowed.
    def _load_inline(  # noqa: PLR0913, PLR0917
        self,
        name: str,
        cpp_sources: str | Sequence[str],
        cuda_sources: str | Sequence[str] | None = None,
        sycl_sources: object = None,
        functions: str | Sequence[str] | dict[str, str] | None = None,
        extra_cflags: Sequence[str] | None = None,
        extra_cuda_cflags: Sequence[str] | None = None,
        extra_sycl_cflags: object = None,
        extra_ldflags: Sequence[str] | None = None,
        extra_include_paths: object = None,
        build_directory: object = None,
        verbose: object = False,
        with_cuda: bool | None = None,
        with_sycl: object = None,
        is_python_module: bool = True,
        with_pytorch_error_handling: bool = True,
        keep_intermediates: object = True,
        use_pch: object = False,
        no_implicit_headers: bool = False,
    ) -> object:
        if sycl_sources:
            raise FaultInInput("UNSUPPORTED_FORM", "SYCL sources cannot be judged here")
        main = _as_list(cpp_sources)
        if not no_implicit_headers:
            main.insert(0, "#include <torch/extension.h>")
        main += _bindings(functions, handle_errors=with_pytorch_error_handling)
        units = [["main.cpp", "\n".join(main)]]
        cuda = _as_list(cuda_sources)
        if cuda:
            units.append(["cuda.cu", "\n".join(cuda if no_implicit_headers else _CUDA_HEADERS + cuda)])
        flags = (extra_cflags, extra_cuda_cflags, extra_ldflags)
        return self._provide(_spec(name, units, with_cuda, is_python_module, flags))

    def _load(  # noqa: PLR0913, PLR0917
        self,
        name: str,
        sources: str | Sequence[str],
        extra_cflags: Sequence[str] | None = None,
        extra_cuda_cflags: Sequence[str] | None = None,
        extra_ldflags: Sequence[str] | None = None,
        extra_include_paths: object = None,
        build_directory: object = None,
        verbose: object = False,
        with_cuda: bool | None = None,
        is_python_module: bool = True,
        is_standalone: bool = False,
        keep_intermediates: object = True,
        **_: object,
    ) -> object:
        if is_standalone:
            raise FaultInInput("UNSUPPORTED_FORM", "standalone programs cannot be judged here")
        paths = [Path(path) for path in _as_list(sources)]
        headers = sorted(
            {found for path in paths for found in path.parent.iterdir() if found.suffix in _HEADER_SUFFIXES}
        )
        units = [[path.name, path.read_text(encoding="utf-8")] for path in [*paths, *headers]]
        flags = (extra_cflags, extra_cuda_cflags, extra_ldflags)
        return self._provide(_spec(name, units, with_cuda, is_python_module, flags))

    def _provide(self, spec: dict) -> object:
        identity = spec_id(spec)
        if identity in self._loaded:
            return self._loaded[identity]
        if identity in self._built:
            self._loaded[identity] = self._open(identity, spec)
            return self._loaded[identity]
        if self._recording:
            self.recorded.append(spec)
            return _Recorded()
        self.needed = spec
        raise BuildNeeded(spec)

    def _open(self, identity: str, spec: dict) -> object:
        folder = self._folder / identity
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{spec['name']}.so"
        path.write_bytes(self._built[identity])
        if not spec["is_python_module"]:
            torch.ops.load_library(str(path))
            return str(path)
        found = importlib.util.spec_from_file_location(spec["name"], path)
        if found is None or found.loader is None:
            raise ImportError(f"{path.name} is not an extension module")
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        return self.calls.watch(module)


class _Recorded:
    """Stands for a module that is not built yet: its functions may be named, not called."""

    def __getattr__(self, name: str) -> _Recorded:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise RuntimeError("this extension is only being recorded")


def _spec(
    name: str,
    units: list[list[str]],
    with_cuda: bool | None,
    is_python_module: bool,
    flags: tuple[Sequence[str] | None, ...],
) -> dict:
    extra_cflags, extra_cuda_cflags, extra_ldflags = ([str(flag) for flag in item or []] for item in flags)
    has_cuda = any(unit_name.endswith(".cu") for unit_name, _ in units)
    return {
        "name": name,
        "units": units,
        "with_cuda": has_cuda if with_cuda is None else bool(with_cuda),
        "is_python_module": bool(is_python_module),
        "extra_cflags": extra_cflags,
        "extra_cuda_cflags": extra_cuda_cflags,
        "extra_ldflags": extra_ldflags,
    }


def _as_list(sources: str | Sequence[str] | None) -> list[str]:
    if sources is None:
        return []
    return [sources] if isinstance(sources, (str, Path)) else list(sources)


def _bindings(functions: str | Sequence[str] | dict[str, str] | None, *, handle_errors: bool) -> list[str]:
    if functions is None:
        return []
    names = [functions] if isinstance(functions, str) else functions
    documented = dict(names) if isinstance(names, dict) else {name: name for name in names}
    wrap = "torch::wrap_pybind_function({})" if handle_errors else "{}"
    lines = [f'm.def("{name}", {wrap.format(name)}, "{text}");' for name, text in documented.items()]
    return ["PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {", *lines, "}"]
