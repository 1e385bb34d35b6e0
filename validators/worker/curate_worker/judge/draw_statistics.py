"""
Numbers that sum up one draw of a stochastic operator. Draws on one input from different seeds are independent, whatever
hangs together within one of them (whole channels that drop out), so tests compare these numbers and not elements.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

_MOST_ELEMENTS: Final = 1 << 16
_QUANTILES: Final = (0.05, 0.5, 0.95)
# How far apart two programs round what is the same, in proportion to it.
_NEAR: Final = {torch.float16: 2.0**-8, torch.bfloat16: 2.0**-5}
_NEAR_OTHERWISE: Final = 2.0**-16
_MOST_CLASSES: Final = 64
_LEAST_SHIFTED: Final = 16


class DrawStatistics:
    """What is looked at, prepared from draws of the reference that are used for nothing else."""

    def __init__(self, first: torch.Tensor) -> None:
        self.dtype = first.dtype
        self._step = max(1, first.numel() // _MOST_ELEMENTS)
        self._rows = [self._row(first)]

    def know(self, draw: torch.Tensor) -> None:
        """Takes in one more draw of the reference."""
        self._rows.append(self._row(draw))

    def prepare(self) -> bool:
        """To be called when all are known; says whether they differ, so that there is anything to compare."""
        rows, self._rows = torch.stack(self._rows), []
        self._mean, self._square = rows.mean(0), rows.square().mean(0)
        deviation = (self._square - self._mean.square()).clamp(min=0).sqrt()
        self._per_deviation = torch.where(deviation > 0, 1 / deviation, 0)
        # By place, sorted: draw by draw it would have to be turned around.
        self._known = rows.sort(0).values.t().contiguous()
        # What is left of a sum is rounded as its terms are, and these may be as large as others.
        self._size = rows.abs().amax(0)
        self._usual_size = float(self._square.mean().sqrt())
        classes = rows.new_empty(0) if self.dtype.is_floating_point else torch.unique(rows)
        self._classes = classes[:_MOST_CLASSES]
        if len(self._classes):
            self._usual_frequency = torch.stack([self._frequency(known) for known in rows]).mean(0)
        return bool((self._known[:, 0] != self._known[:, -1]).any())

    def of(self, draw: torch.Tensor, before: torch.Tensor) -> dict[str, float]:
        """By name, the statistics of a draw, and of what it has in common with the draw before."""
        row, last = self._row(draw), self._row(before)
        rest, its_rest = ((item - self._mean) * self._per_deviation for item in (row, last))
        found = {
            "mean": float(row.mean()),
            "mean of squares": float(row.square().mean()),
            "share of zeros": float((row == 0).to(torch.float64).mean()),
            "largest": float(row.abs().max()),
            "product with the mean of the reference": float((row * self._mean).mean()),
            "product of the squares with those of the reference": float((row.square() * self._square).mean()),
            "share of values that the reference gives": self._supported(row),
            "product with the draw before": float(((row - self._mean) * (last - self._mean)).mean()),
            "values as in the draw before": float((row == last).to(torch.float64).mean()),
            "largest product with the draw before shifted": _largest_product_with(its_rest, rest),
            # What is drawn from a distribution of the same mean and the same variance has other tails.
            **_moments(row - self._mean),
            "third power of deviations": float(rest.pow(3).mean()),
            "fourth power of deviations": float(rest.pow(4).mean()),
            "largest deviation": float(rest.abs().max()),
            "product of neighbours": _product_of_neighbours(row - self._mean),
            "largest product with itself shifted": _largest_product_shifted(rest),
            "the same, with the signs of the mean": _largest_product_shifted(rest * self._mean.sign()),
        }
        quantiles = torch.quantile(row[:_MOST_ELEMENTS], row.new_tensor(_QUANTILES)).tolist()
        found |= {f"quantile {share}": value for share, value in zip(_QUANTILES, quantiles, strict=True)}
        found |= {f"share of {value:g}": float((row == value).to(row.dtype).mean()) for value in self._classes.tolist()}
        return found | self._over_dimensions(draw) | self._frequencies(row)

    def _row(self, tensor: torch.Tensor) -> torch.Tensor:
        return torch.nan_to_num(tensor.reshape(-1)[:: self._step].to(torch.float64), 0.0, 0.0, 0.0)

    # A mask that is the same in every row, or in every column, shows in sums along the other dimension.
    def _over_dimensions(self, draw: torch.Tensor) -> dict[str, float]:
        if draw.dim() < 2 or self._step > 1:  # noqa: PLR2004
            return {}
        rest = torch.nan_to_num(draw.to(torch.float64), 0.0, 0.0, 0.0) - self._mean.reshape(draw.shape)
        return {f"sums along dimension {place}": float(rest.sum(place).square().mean()) for place in range(draw.dim())}

    # Choices have no order, but some are made often: who draws two of them with one number makes both so.
    def _frequencies(self, row: torch.Tensor) -> dict[str, float]:
        if len(self._classes) == 0:
            return {}
        found = self._frequency(row)
        rest = found - self._usual_frequency
        return {
            "how often the reference gives the same": float(found.mean()),
            "product of that of neighbours": _product_of_neighbours(rest),
            "largest product of that shifted": _largest_product_shifted(rest),
        }

    def _frequency(self, row: torch.Tensor) -> torch.Tensor:
        first, behind = (torch.searchsorted(self._known, row[:, None], right=right)[:, 0] for right in (False, True))
        return (behind - first).to(torch.float64) / self._known.shape[1]

    def _supported(self, row: torch.Tensor) -> float:
        places = torch.searchsorted(self._known, row[:, None])
        highest = self._known.shape[1] - 1
        near = [self._known.gather(1, (places + step).clamp(0, highest))[:, 0] for step in (-1, 0)]
        size = torch.maximum(row.abs(), self._size).clamp(min=self._usual_size)
        slack = _NEAR.get(self.dtype, _NEAR_OTHERWISE) * size
        close = ((row - near[0]).abs() <= slack) | ((row - near[1]).abs() <= slack)
        return float(close.to(torch.float64).mean())


# Noise that is a little smaller is lost beside what it is added to, and so are its tails beside deviations that few
# draws tell.
def _moments(rest: torch.Tensor) -> dict[str, float]:
    square = float(rest.square().mean())
    fourth = float(rest.square().square().mean())
    return {
        "square of deviations": square,
        "fourth power of deviations beside their square": fourth / square**2 if square > 0 else 0.0,
    }


def _product_of_neighbours(rest: torch.Tensor) -> float:
    return float((rest[1:] * rest[:-1]).mean()) if rest.numel() > 1 else 0.0


# A mask whose halves are alike, or that comes again after some rows (Wiener and Khinchin: the spectrum's transform).
def _largest_product_shifted(rest: torch.Tensor) -> float:
    if rest.numel() < _LEAST_SHIFTED:
        return 0.0
    spectrum = torch.fft.rfft(rest, 2 * rest.numel())
    products = torch.fft.irfft(spectrum.abs().square(), 2 * rest.numel())[1 : rest.numel()]
    return float(products.abs().max()) / rest.numel()


# One mask for all draws, that begins elsewhere in each or is read from its end.
def _largest_product_with(last: torch.Tensor, rest: torch.Tensor) -> float:
    if rest.numel() < _LEAST_SHIFTED:
        return 0.0
    mine, its = (torch.fft.rfft(item, 2 * rest.numel()) for item in (rest, last))
    products = [torch.fft.irfft(mine * other, 2 * rest.numel()) for other in (its, its.conj())]
    return max(float(item.abs().max()) for item in products) / rest.numel()


def grain_of(statistics: DrawStatistics | None) -> float:
    """Differences of statistics that say nothing, in proportion to them."""
    return 0.0 if statistics is None else _NEAR.get(statistics.dtype, _NEAR_OTHERWISE)


def columns(rows: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """Statistics of many draws by name."""
    return {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
