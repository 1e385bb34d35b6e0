"""What the judge allocates for launchers that write into memory they are given."""

from __future__ import annotations

from .faults import Verdict
from .reference import Reference


def native_outputs(reference: Reference) -> list[dict]:
    """
    Dtypes and shapes of what a launcher without Python is to write: a tensor, or several side by side, beside inputs
    that it writes into. Raises a Verdict where the reference returns something else.
    """
    own, root = reference.case(0).expected.own, "output"
    if reference.changed:
        root = "output['returned']"
        own = [leaf for leaf in own if leaf.place.startswith(root)]
    places = [root] if len(own) == 1 else [f"{root}[{index}]" for index in range(len(own))]
    if [leaf.place for leaf in own] != places or any(leaf.descriptor is None for leaf in own):
        text = "a native launcher writes tensors, and the reference returns something else"
        raise Verdict("NOT_RUN", "load", "UNSUPPORTED_FORM", None, text)
    return [{"dtype": leaf.descriptor.dtype, "shape": list(leaf.descriptor.shape)} for leaf in own if leaf.descriptor]
