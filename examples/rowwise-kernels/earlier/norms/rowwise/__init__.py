"""Row-wise Triton kernels."""

from .ops.add import add
from .ops.l2_normalize import l2_normalize
from .ops.layer_norm import layer_norm
from .ops.rms_norm import RMSNorm
from .ops.row_sum import row_sum
from .ops.softmax import softmax
from .ops.standardize import standardize

__all__ = ["RMSNorm", "add", "l2_normalize", "layer_norm", "row_sum", "softmax", "standardize"]
