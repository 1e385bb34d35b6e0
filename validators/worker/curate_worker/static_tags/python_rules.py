"""Rules for Python, by its syntax tree: names are followed to the modules that they were imported from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from .stand_ins import stores_in_stand_ins

_FOREIGN: Final = (
    "torch",
    "time",
    "builtins",
    "sys",
    "os",
    "gc",
    "numpy",
    "math",
    "triton",
    "curate_worker",
    "__main__",
)
# What programs set there by right.
_SETTINGS: Final = re.compile(
    r"torch\.(backends|_dynamo|_inductor|classes|ops|distributed|serialization|autograd\.graph|_functorch)\b"
    r"|torch\.(utils\.cpp_extension|cuda\.memory)\.\w+$|sys\.(path|argv|dont_write_bytecode|stdout|stderr)\b|os\.environ\b|numpy\.random\b"
    r"|triton\.(knobs|compiler\.config|runtime\.driver\.active)\b|builtins\._$|sys\.modules\b|torch\._C\._"
)
_CALLS: Final = {
    "walks-memory": re.compile(r"gc\.(get_objects|get_referrers|get_referents)"),
    "walks-frames": re.compile(
        r"sys\._getframe|sys\._current_frames|inspect\.(stack|currentframe|getouterframes|getinnerframes|trace)"
    ),
    "starts-process": re.compile(r"subprocess\.\w+|os\.(system|popen|exec\w+|spawn\w+|posix_spawn\w*)|pty\.\w+"),
    "opens-socket": re.compile(
        r"socket\.(socket|create_connection|socketpair)|urllib\.request\.\w+|requests\.(get|post|put)|http\.client\.\w+"
    ),
    "forks": re.compile(r"os\.(fork|forkpty)"),
    "kills-processes": re.compile(r"os\.(kill|killpg)|signal\.pthread_kill"),
    "ends-process": re.compile(r"os\.(_exit|abort)|sys\.exit|signal\.raise_signal"),
    "starts-thread": re.compile(
        r"threading\.(Thread|Timer)|_thread\.\w+|concurrent\.futures\.\w+|multiprocessing\.\w+"
    ),
    "runs-text": re.compile(r"(builtins\.)?(exec|eval|compile|__import__)"),
    "reads-environment": re.compile(r"os\.(getenv|environ\.\w+)"),
    "own-stream": re.compile(r"torch\.cuda\.(Stream|stream|set_stream|ExternalStream)"),
    "cuda-graph": re.compile(r"torch\.cuda\.(CUDAGraph|graph|make_graphed_callables)"),
    "compiles-torch": re.compile(r"torch\.compile|torch\.jit\.(script|trace)"),
    "changes-precision": re.compile(r"torch\.(set_float32_matmul_precision|set_default_dtype|autocast|amp\.autocast)"),
    "loads-library": re.compile(r"ctypes\.(CDLL|PyDLL|cdll\.\w+|util\.find_library)|torch\.ops\.load_library"),
}
_DRIVER: Final = re.compile(r"lib(cuda|cudart|cupti|nvidia-ml|c|dl|pthread)\.so")
_SECRETS: Final = re.compile(
    r"^(/proc/(\d+|self|1)/(environ|mem|maps|fd)|/etc/(shadow|passwd)|/root\b|/dev/(shm|nvidia))|\.(ssh|aws|netrc)\b"
)
_DECODERS: Final = re.compile(r"(base64|marshal|zlib|codecs|bz2|lzma|binascii)\.\w+|bytes\.fromhex")
# The package that this is part of, which no program has any business with.
_JUDGE: Final = __name__.partition(".")[0]
_HALVES: Final = re.compile(r"torch\.(half|float16|bfloat16)|tl\.(float16|bfloat16)")


def python_tags(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Rules that match, each with its line."""
    names = _imported(tree)
    spared = {id(node) for node in stores_in_stand_ins(tree, lambda node: _path(node, names))}
    for node in ast.walk(tree):
        for rule in _rules_of(node, names) if id(node) not in spared else ():
            yield rule, getattr(node, "lineno", 1)


def _rules_of(node: ast.AST, names: dict[str, str]) -> Iterator[str]:
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete)):
        targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else [node.target]
        yield from (rule for target in targets for rule in _stored(target, names))
    elif isinstance(node, ast.Call):
        yield from _called(node, names)
    elif isinstance(node, ast.Attribute) and _HALVES.fullmatch(_path(node, names)):
        yield "lower-precision"
    elif isinstance(node, ast.Subscript) and _path(node.value, names) == "os.environ":
        yield "reads-environment"
    elif _names_judge(node):
        yield "names-the-judge"
    elif isinstance(node, ast.ExceptHandler) and _catches_all(node):
        yield "catches-everything"
    elif isinstance(node, ast.FunctionDef) and any(_is_cache(item, names) for item in node.decorator_list):
        yield "keeps-answers"
    elif isinstance(node, ast.Compare) and any(_is_shape(item) for item in (node.left, *node.comparators)):
        yield "compares-shape"


def _stored(target: ast.expr, names: dict[str, str]) -> Iterator[str]:
    if isinstance(target, (ast.Tuple, ast.List)):
        yield from (rule for item in target.elts for rule in _stored(item, names))
    elif isinstance(target, ast.Attribute):
        path = _path(target, names)
        if path.endswith(".__code__"):
            # A wrapper may call its own that of what it wraps.
            yield from () if path == "?self.__code__" else ("replaces-code",)
        elif path.startswith("torch.backends.") or path.endswith("allow_tf32"):
            yield "changes-precision"
        elif _is_foreign(path):
            yield "replaces-foreign"
    elif isinstance(target, ast.Subscript) and _path(target.value, names) == "sys.modules":
        key = target.slice.value if isinstance(target.slice, ast.Constant) else None
        yield "replaces-foreign" if str(key).partition(".")[0] in _FOREIGN else "walks-modules"


def _called(node: ast.Call, names: dict[str, str]) -> Iterator[str]:
    path = _path(node.func, names)
    yield from (rule for rule, pattern in _CALLS.items() if pattern.fullmatch(path))
    texts = [item.value for item in node.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    if path.startswith(("ctypes.", "cdll.")) and any(_DRIVER.search(text) for text in texts):
        yield "loads-driver"
    if (
        path in ("setattr", "builtins.setattr", "delattr")
        and node.args
        and _is_foreign(f"{_path(node.args[0], names)}.x")
    ):
        yield "replaces-foreign"
    if path in ("exec", "eval", "builtins.exec", "builtins.eval") and any(_decodes(item, names) for item in node.args):
        yield "hidden-code"
    if path in ("open", "io.open", "os.open", "pathlib.Path"):
        yield "reads-secrets" if any(_SECRETS.search(text) for text in texts) else "opens-file"
    if path.startswith("sys.modules.") and path.rpartition(".")[2] in ("values", "items"):
        yield "walks-modules"
    if path.rpartition(".")[2] in ("half", "bfloat16") and isinstance(node.func, ast.Attribute) and not node.args:
        yield "lower-precision"
    if isinstance(node.func, ast.Attribute) and node.func.attr == "data_ptr":
        yield "keys-by-address"


def _decodes(node: ast.expr, names: dict[str, str]) -> bool:
    calls = [item for item in ast.walk(node) if isinstance(item, ast.Call)]
    return any(_DECODERS.fullmatch(_path(call.func, names)) for call in calls)


def _is_foreign(path: str) -> bool:
    return path.partition(".")[0] in _FOREIGN and "." in path and _SETTINGS.match(path) is None


def _names_judge(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and _JUDGE in node.value
    names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
    return any(_JUDGE in name for name in [*names, getattr(node, "module", None) or ""])


def _catches_all(node: ast.ExceptHandler) -> bool:
    return node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))


def _is_cache(item: ast.expr, names: dict[str, str]) -> bool:
    path = _path(item.func if isinstance(item, ast.Call) else item, names)
    return path in ("functools.lru_cache", "functools.cache")


def _is_shape(item: ast.expr) -> bool:
    return isinstance(item, ast.Attribute) and item.attr == "shape"


def _imported(tree: ast.Module) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {name: path.replace("triton.language", "tl") for name, path in names.items()}


# `t.cuda.synchronize` as `torch.cuda.synchronize`, where `t` is torch; a name that was not imported is itself.
def _path(node: ast.AST, names: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join(
        [names.get(node.id, node.id if not parts or node.id == "__main__" else f"?{node.id}"), *reversed(parts)]
    )
