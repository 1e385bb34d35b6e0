"""Row-wise Triton kernels."""

from .ops.add import add
from .ops.l2_normalize import l2_normalize
from .ops.row_sum import row_sum
from .ops.softmax import softmax
from .ops.standardize import standardize

__all__ = ["add", "l2_normalize", "row_sum", "softmax", "standardize"]
