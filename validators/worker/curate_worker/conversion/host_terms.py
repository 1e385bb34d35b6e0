"""What functions, methods and signs of C++ in launchers come to in the language of launch plans."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .host_values import (
    DTYPE_OF_C,
    Address,
    Blocks,
    Nothing,
    Number,
    Options,
    Sizes,
    Tensor,
    Value,
)
from .refusal import CannotConvert

_WORDS: Final = {"||": "or", "&&": "and"}
FLOATS: Final = {"float", "double"}
INTEGERS: Final = re.compile(
    r"(?:const )?(?:unsigned )?(?:int|long|long long|u?int\d+_t|size_t|std::size_t|unsigned|uint|bool)"
)
_MAKERS: Final = {"empty": None, "zeros": 0.0, "ones": 1.0}


def number_of(item: Value) -> Number:
    """A value that must be a number. Raises CannotConvert."""
    if not isinstance(item, Number):
        raise CannotConvert("HOST_CODE", f"a {type(item).__name__.lower()} where a number is wanted")
    return item


def literal(text: str) -> Number:
    """A number as C++ writes it."""
    plain = text.replace("'", "")
    if plain.startswith("0x"):
        return Number(str(int(plain.rstrip("uUlL"), 16)), is_atom=True)
    is_float = bool(re.search(r"[.eE]|[fF]$", plain))
    return Number(plain.rstrip("fF") if is_float else plain.rstrip("uUlL"), is_float, is_atom=True)


def joined(sign: str, first: Number, second: Number) -> Number:
    """Two numbers and the sign between them."""
    is_float = first.is_float or second.is_float
    if sign == "<<":
        if not (first.text.isdigit() and second.text.isdigit()):
            raise CannotConvert("HOST_CODE", f"`{first.text} << {second.text}`")
        return Number(str(int(first.text) << int(second.text)), is_atom=True)
    # Sizes are not negative, where C++ and Python divide alike.
    if sign == "/" and not is_float:
        sign = "//"
    return Number(f"{first.inner} {_WORDS.get(sign, sign)} {second.inner}", is_float and sign in "+-*/%")


def cast(item: Value, kind: str) -> Value:
    """What a cast makes of a value."""
    if kind.endswith("*"):
        if not isinstance(item, (Address, Tensor)):
            raise CannotConvert("HOST_CODE", f"a cast to `{kind}`")
        return address_of(
            item.tensor if isinstance(item, Address) else item, kind.rstrip("*").removeprefix("const ").strip()
        )
    value = number_of(item)
    if kind in FLOATS:
        return Number(f"{value.inner} * 1.0", is_float=True) if not value.is_float else value
    if value.is_float:
        raise CannotConvert("HOST_CODE", f"a fraction that becomes `{kind}`")
    return value


def address_of(of: Tensor, kind: str) -> Address:
    """The address of a tensor, which says what it holds where it is asked for by type."""
    dtype = DTYPE_OF_C.get(kind.removeprefix("const ").strip())
    if dtype is not None and of.dtype is None:
        of.dtype = dtype
    return Address(of)


def size_of(of: Value, index: Number) -> Number:
    """A place of a shape."""
    if isinstance(of, Sizes) and of.of is not None:
        of = of.of
    if not isinstance(of, Tensor):
        raise CannotConvert("HOST_CODE", "a place of what is no tensor's shape")
    return Number(f"shape({of.name}, {index.text})", is_atom=True)


def _made(fill: float | None) -> Callable[[list[Value]], Tensor]:
    def make(given: list[Value]) -> Tensor:
        if not given or not isinstance(given[0], Sizes):
            raise CannotConvert("HOST_CODE", "a tensor whose shape is no list of sizes")
        sizes, options = given[0], [item for item in given[1:] if isinstance(item, Options)]
        shape = [item.text for item in sizes.items] if sizes.of is None else _like(sizes.of)
        return Tensor("", options[0].dtype if options else "float32", shape, fill)

    return make


def _made_like(fill: float | None) -> Callable[[list[Value]], Tensor]:
    def make(given: list[Value]) -> Tensor:
        if not given or not isinstance(given[0], Tensor):
            raise CannotConvert("HOST_CODE", "a tensor that is made like no tensor")
        options = [item for item in given[1:] if isinstance(item, Options)]
        return Tensor("", options[0].dtype if options else given[0].dtype, _like(given[0]), fill)

    return make


def _like(of: Tensor) -> str | list[str]:
    return of.name if of.shape is None else of.shape


def _extreme(name: str) -> Callable[[list[Value]], Number]:
    def choose(given: list[Value]) -> Number:
        numbers = [number_of(item) for item in given]
        is_float = any(item.is_float for item in numbers)
        return Number(f"{name}({', '.join(item.text for item in numbers)})", is_float, is_atom=True)

    return choose


def _square_root(given: list[Value]) -> Number:
    return Number(f"sqrt({number_of(given[0]).text})", is_float=True, is_atom=True)


FUNCTIONS: Final[dict[str, Callable[[list[Value]], Value]]] = {
    **{name: _made(fill) for name, fill in _MAKERS.items()},
    **{f"{name}_like": _made_like(fill) for name, fill in _MAKERS.items()},
    **{name: _extreme(name.removeprefix("f")) for name in ("min", "max", "fmin", "fmax")},
    **dict.fromkeys(("sqrt", "sqrtf"), _square_root),
    "dim3": lambda given: Blocks([number_of(item) for item in given]),
    "TensorOptions": lambda _: Options(None),
    "dtype": lambda given: next((item for item in given if isinstance(item, Options)), Options(None)),
}
METHODS: Final[dict[str, Callable[[Tensor], Value]]] = {
    "numel": lambda of: Number(f"numel({of.name})", is_atom=True),
    "dim": lambda of: Number(f"rank({of.name})", is_atom=True),
    "ndimension": lambda of: Number(f"rank({of.name})", is_atom=True),
    "sizes": Sizes,
    "contiguous": lambda of: of,
    "options": lambda of: Options(of.dtype),
    "scalar_type": lambda of: Options(of.dtype),
    "dtype": lambda of: Options(of.dtype),
    "device": lambda _: Nothing(),
    "is_cuda": lambda _: Nothing(),
}
