"""Row-wise Triton kernels."""

from .ops.add import add
from .ops.softmax import softmax

__all__ = ["add", "softmax"]
