"""What names of PyTorch's operators say of them."""

from __future__ import annotations

import re
from typing import Final

NAMESPACES: Final = {"aten", "prim", "prims", "c10d", "quantized", "mkldnn", "onednn", "inductor", "torch", "cudnn"}
"""Of operators that are not a program's own."""
FREE: Final = re.compile(
    r"aten::(empty|new_empty|view|_unsafe_view|reshape|_reshape|as_strided|expand|permute|transpose|t$|unsqueeze|squeeze|"
    r"slice|select|narrow|detach|alias|resolve_|to$|_to_copy|contiguous|flatten|unbind|split|chunk|size|stride|result_type|"
    r"swap|move|diagonal$|ravel|broadcast_to|unfold|numpy_T|matrix_H|mT$|mH$|adjoint|lift_fresh|set_|is_)"
)
"""What moves nothing and computes nothing."""
MEMORY: Final = re.compile(
    r"aten::(fill|zero|ones|full|new_zeros|new_ones|new_full|copy|clone|cat|stack|arange|scalar_tensor|_local_scalar_dense|item)|Memcpy|Memset|"
    r".*(FillFunctor|direct_copy_kernel|CatArrayBatchedCopy)"
)
"""What fills and copies is nobody's kernel."""


def computes(name: str) -> bool:
    """Whether it is a library's, and computes."""
    namespace, mark, _ = name.partition("::")
    return (not mark or namespace in NAMESPACES) and FREE.match(name) is None and MEMORY.match(name) is None
