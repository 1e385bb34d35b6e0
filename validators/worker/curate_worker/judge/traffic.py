"""What the arguments, parameters and results of a call hold: what it moves if it reads and writes each of them once."""

from __future__ import annotations

from .reference import Reference


def traffic_of(reference: Reference) -> dict[str, int | None]:
    """Bytes, as fields of `performance`; null where a call takes gigabytes, since none is kept to be looked at."""
    if reference.is_large:
        return {"input_bytes": None, "parameter_bytes": None, "output_bytes": None}
    case = reference.case(0)
    written = sum(leaf.blob.nbytes for leaf in case.expected.own if leaf.blob is not None)
    return {
        "input_bytes": case.inputs.num_bytes,
        "parameter_bytes": reference.state.num_bytes,
        "output_bytes": written,
    }
