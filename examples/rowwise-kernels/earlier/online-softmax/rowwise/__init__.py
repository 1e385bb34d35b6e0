"""Row-wise Triton kernels."""

from .ops.add import add
from .ops.cross_entropy import cross_entropy
from .ops.l2_normalize import l2_normalize
from .ops.layer_norm import layer_norm
from .ops.online_softmax import online_softmax
from .ops.rms_norm import RMSNorm
from .ops.rotary import apply_rotary
from .ops.row_sum import row_sum
from .ops.silu_mul import silu_mul
from .ops.softmax import softmax
from .ops.standardize import standardize

__all__ = [
    "RMSNorm",
    "add",
    "apply_rotary",
    "cross_entropy",
    "l2_normalize",
    "layer_norm",
    "online_softmax",
    "row_sum",
    "silu_mul",
    "softmax",
    "standardize",
]
