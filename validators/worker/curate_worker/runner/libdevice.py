"""NVIDIA's libdevice functions on the processor, as far as PyTorch has the same function for the same dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch

# https://docs.nvidia.com/cuda/libdevice-users-guide/: names without the leading __nv_ and the dtype's suffix.
FUNCTIONS: Final[dict[str, Callable[..., torch.Tensor]]] = {
    **{
        name: getattr(torch, name)
        for name in ("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh")
    },
    **{
        name: getattr(torch, name)
        for name in ("erf", "erfc", "erfinv", "exp", "exp2", "expm1", "floor", "lgamma", "log")
    },
    **{
        name: getattr(torch, name)
        for name in ("log10", "log1p", "log2", "pow", "rsqrt", "sin", "sinh", "sqrt", "tan", "tanh")
    },
    **{name: getattr(torch, name) for name in ("trunc", "atan2", "copysign", "fmod", "hypot", "nextafter")},
    "fabs": torch.abs,
    "rint": torch.round,
    "nearbyint": torch.round,
    "fmin": torch.fmin,
    "fmax": torch.fmax,
    "fast_expf": torch.exp,
    "fast_logf": torch.log,
    "fast_log2f": torch.log2,
    "fast_sinf": torch.sin,
    "fast_cosf": torch.cos,
    "fast_tanf": torch.tan,
    "fast_powf": torch.pow,
    "fast_dividef": torch.div,
    "div_rn": torch.div,
    "isnan": lambda values: torch.isnan(values).int(),
    "isinf": lambda values: torch.isinf(values).int(),
    "finitef": lambda values: torch.isfinite(values).int(),
}
