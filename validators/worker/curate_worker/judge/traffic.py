"""What a call moves if it touches arguments, parameters and results once, and the arithmetic that it takes."""

from __future__ import annotations

from .reference import Reference
from .reference_program import Arithmetic


def traffic_of(reference: Reference) -> dict[str, int | str | None]:
    """Fields of `performance`; null where a call takes gigabytes, since none is kept to be looked at."""
    if reference.is_large:
        unknown = ("input_bytes", "parameter_bytes", "output_bytes", "flops", "flops_dtype")
        return dict.fromkeys(unknown)
    case, arithmetic = reference.case(0), arithmetic_of(reference)
    written = sum(leaf.blob.nbytes for leaf in case.expected.own if leaf.blob is not None)
    return {
        "input_bytes": case.inputs.num_bytes,
        "parameter_bytes": reference.state.num_bytes,
        "output_bytes": written,
        "flops": None if arithmetic is None else arithmetic.flops,
        "flops_dtype": None if arithmetic is None or not arithmetic.flops else arithmetic.dtype,
    }


def arithmetic_of(reference: Reference) -> Arithmetic | None:
    """Counted once; None where the reference cannot be run under the counter."""
    if not reference.is_counted:
        reference.arithmetic = reference.count_arithmetic(reference.case(0).inputs)
        reference.is_counted = True
    return reference.arithmetic
