"""Parameters and inputs that every element of says the same: who leaves them out must not pass for that."""

from __future__ import annotations

import torch

from ..tensors import has_fraction

_SHARE = 0.25
# Fewer integers are rather sizes than lengths, counts or a mask.
_LEAST_INTEGERS = 4
# Of the elements of a tensor.
_BEGINNING = 1 << 12
# To sort more takes seconds.
_MOST_COMPARED = 1 << 24
# BatchNorm's running statistics, which are parameters in all but name.
_STATISTICS = ("running_mean", "running_var")


def redraw_constants(model: torch.nn.Module) -> None:
    """
    Moves the elements of constant parameters apart: ones to [1, 1.5], zeros to [0, 0.25], so that signs stay as they
    are. Draws from the generator that was seeded for the model.
    """
    statistics = [(name, item) for name, item in model.named_buffers() if name.rpartition(".")[2] in _STATISTICS]
    with torch.no_grad():
        for _, item in [*model.named_parameters(), *statistics]:
            if is_constant(item):
                move_apart(item)


def shared_parameters(model: object) -> dict[str, str]:
    """Names of parameters that are one that was named before, and that name."""
    named = model.named_parameters(remove_duplicate=False) if isinstance(model, torch.nn.Module) else []
    first: dict[int, str] = {}
    pairs = [(name, first.setdefault(id(item), name)) for name, item in named]
    return {name: known for name, known in pairs if name != known}


def move_apart(item: torch.Tensor, dice: torch.Generator | None = None) -> torch.Tensor:
    """Moves the elements of a tensor apart in place, away from zero."""
    noise = torch.rand(item.shape, generator=dice).to(item.device, item.dtype)
    return item.add_((item.sign() + (item == 0)) * noise * _SHARE * (1 + item.abs()))


def alike_where_equal(item: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """
    Noise that is the same where numbers of one row are equal: of a table of cosines that comes twice in each row, as
    rotary embeddings have it, an honest program reads one half.
    """
    if item.dim() == 0 or item.numel() > _MOST_COMPARED:
        return noise
    values, order = item.detach().cpu().sort(-1)
    is_other = torch.zeros(values.shape, dtype=torch.int64)
    is_other[..., 1:] = values[..., 1:] != values[..., :-1]
    return torch.empty_like(noise).scatter_(-1, order, noise.gather(-1, is_other.cumsum(-1)))


def can_be_moved(item: torch.Tensor) -> bool:
    """Whether a tensor holds numbers with a fraction that PyTorch computes with."""
    return has_fraction(item.dtype) and item.layout == torch.strided


def is_constant(item: torch.Tensor) -> bool:
    """Whether a tensor of numbers with a fraction says the same everywhere."""
    if not can_be_moved(item) or item.numel() == 0:
        return False
    row = item.flatten()
    return bool(torch.isfinite(row[0])) and _says_one_thing(row)


def is_constant_integer(item: torch.Tensor) -> bool:
    """Whether a tensor of truth values, or of integers above zero, says the same everywhere: a mask, or lengths."""
    if item.is_floating_point() or item.is_complex() or item.layout != torch.strided or item.numel() < _LEAST_INTEGERS:
        return False
    row = item.flatten()
    return (item.dtype == torch.bool or int(row[0]) > 0) and _says_one_thing(row)


# Most tensors do not, and say so in the beginning.
def _says_one_thing(row: torch.Tensor) -> bool:
    return all(bool((part == row[0]).all()) for part in (row[:_BEGINNING], row[_BEGINNING:]))


def vary_integers(item: torch.Tensor, dice: torch.Generator) -> torch.Tensor:
    """
    The tensor with a quarter of its truth values turned, or with integers from the half of what they were up to that:
    never above it, since they may be indices. The first of every row stays, so that none is masked out entirely.
    """
    known = item.clone()
    if known.dtype == torch.bool or int(known.flatten()[0]) == 1:
        changed = torch.rand(known.shape, generator=dice).to(known.device) < _SHARE
        changed[..., 0] = False
        return torch.where(changed, 1 - known.to(torch.uint8), known.to(torch.uint8)).to(known.dtype)
    high = int(known.flatten()[0])
    known.copy_(torch.randint((high + 1) // 2, high + 1, known.shape, generator=dice))
    known.view(-1)[0] = high
    return known
