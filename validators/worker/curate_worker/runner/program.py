"""A model with its parameters, called on inputs the judge sends: the same loop for reference and candidate."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Final

import torch

from ..chain import Chain
from ..containers import tensors_in
from ..digests import digest_of
from ..effects import Effects
from ..tensors import Guarded, TensorDescriptor, bytes_of
from ..values import Parcel, unpack
from .arguments import arguments_of
from .clock import Clock, now, waited_nanoseconds
from .errors import FaultInInput
from .given_memory import GivenMemory
from .glimpse import LEAST_BYTES, Glimpse
from .gradients import Gradients, Question, gradients_of
from .left_hooks import left_hooks
from .memory import have_same_bits, have_twins, memory_of, shared_places
from .poisoned_memory import PoisonedMemory
from .profile import Profile
from .quick_draws import made_quickly
from .results import pack_result
from .staged_call import StagedCall

_MOST_KEPT: Final = 64 << 20
_DECEIVED: Final = ("an operator of PyTorch of its own",)
_ENDED: Final = ("a profiler that it ended",)


class Program:
    """An instance of `Model` or `ModelNew` on its device."""

    def __init__(self, model: object, device: str) -> None:
        self._model = model
        self._device = device
        self._clock = Clock(device)
        self._state = self._snapshot()
        self._staged: StagedCall | None = None
        self._is_restored = False
        """Whether nothing has run since parameters and buffers were set back."""
        # The first look takes a millisecond, in which much is written.
        Glimpse().take(torch.empty(LEAST_BYTES, dtype=torch.uint8))
        self._is_late = False
        """Whether an output was written to when a call had returned."""
        self._hooks: list[str] = []
        """What was seen in place between the last calls."""
        self._before: list[torch.Tensor] = []
        """Outputs of the call before, which are kept so that nobody else is given their memory."""
        self._kept: StagedCall | None = None
        """The call before, of which the inputs are kept."""

    def state(self) -> dict[str, object]:
        """Names and tensors of parameters and buffers."""
        return dict(self._state)

    def parameters(self) -> list[str]:
        """Names of what is a parameter in `state`, in the order of registration; the others are buffers."""
        if not isinstance(self._model, torch.nn.Module):
            return []
        names = [name for name, _ in self._model.named_parameters(remove_duplicate=False)]
        return [name for name in names if name in self._state]

    def load_state(self, parcel: Parcel, names: dict[str, str]) -> None:
        """Loads the reference's parameters and buffers; `names` are its names by this program's own."""
        state, _ = unpack(parcel, self._device)
        if isinstance(self._model, GivenMemory):
            self._state = {name: item.contiguous() for name, item in state.items() if isinstance(item, torch.Tensor)}
            self.restore_state()
        if isinstance(self._model, torch.nn.Module):
            self._model.load_state_dict(
                {**self._state, **{mine: state[its] for mine, its in names.items()}}, strict=True
            )
            self._state = self._snapshot()

    def stage(self, parcel: Parcel, *, flush: bool, is_guarded: bool = True, is_in_place: bool = False) -> None:
        """
        Takes in fresh inputs, with parameters set back, so that nothing but the call itself is left to do; with
        `is_guarded` it notes who writes past their ends, and with `is_in_place` they are written into the tensors of
        the call before, if that was kept.
        """
        # A program's own `load_state_dict` must not find the inputs of the call before the clock runs.
        if not self._is_restored:
            self.restore_state()
        self._hooks = left_hooks()
        kept, self._kept = self._kept if is_in_place else None, None
        if kept is not None and kept.takes(parcel):
            self._staged = kept.renewed(parcel, self._device)
        else:
            self._staged = self._taken(parcel, is_guarded=is_guarded)
        if isinstance(self._model, GivenMemory):
            self._model.prepare(self._staged.args, self._staged.kwargs)
        if flush:
            self._clock.flush()

    def _taken(self, parcel: Parcel, *, is_guarded: bool) -> StagedCall:
        guards = [Guarded(blob) for blob in parcel.blobs] if is_guarded and self._can_guard(parcel) else []
        if guards:
            parcel = replace(parcel, blobs=[guard.blob for guard in guards])
        inputs, tensors = unpack(parcel, self._device)
        args, kwargs = arguments_of(inputs)
        return StagedCall(args, kwargs, tensors, parcel.tensors, [memory_of(tensor) for tensor in tensors], guards)

    def call(
        self, *, blocked: bool, poisoned: bool, profiled: bool, changed: Effects, patience: int
    ) -> tuple[Parcel, dict[str, object]]:
        """
        Calls the model on what was staged; gives a copy of its outputs and what the clock said. `blocked` keeps the
        device's stream busy meanwhile and looks whether the outputs are there all the same; `poisoned` gives it memory
        that is not empty; `profiled` records what takes the time; `changed` is what it writes into that is a result.
        """
        clock = self._clock
        staged = self._require_staged()
        self._is_restored = False
        staged.poison = PoisonedMemory() if poisoned else None
        staged.profile = Profile(self._device) if profiled else None
        waited, glimpse = waited_nanoseconds(self._device), Glimpse()
        with torch.no_grad(), staged.poison or staged.profile or nullcontext():
            measure = clock.measure_blocked if blocked else partial(clock.measure, patience=patience)
            measured = measure(lambda: self._model(*staged.args, **staged.kwargs))
        glimpse.take(measured.output)
        outputs = pack_result(measured.output, staged.tensors, changed, self._model)
        self._is_late = self._is_late or glimpse.is_other(outputs)
        # What the host waited for does not matter where only the device was measured.
        waited = 0 if measured.is_host_free else waited_nanoseconds(self._device) - waited
        staged.outputs = tensors_in(measured.output)
        facts = {"nanoseconds": measured.nanoseconds, "waited_nanoseconds": waited}
        seen = {"computed_early": measured.computed_early, "host_was_free": measured.is_host_free}
        return outputs, facts | seen

    def chain(self, chain: Chain, parcels: list[Parcel], changed: Effects) -> tuple[list[Parcel], int]:
        """
        Calls in a row, each on an input that the output before decides; gives all outputs, and the nanoseconds of the
        calls alone.
        """
        outputs: list[Parcel] = []
        nanoseconds, left = 0, chain.places()
        args, kwargs = (), {}
        while left:
            # As in `stage`: a program's own `load_state_dict` must not find inputs before the clock runs.
            del args, kwargs
            self.restore_state()
            index = chain.take(outputs[-1] if outputs else None, left)
            inputs, tensors = unpack(parcels[index].copy(), self._device)
            args, kwargs = arguments_of(inputs)
            glimpse = Glimpse()
            start = now()
            with torch.no_grad():
                output = self._model(*args, **kwargs)
            nanoseconds += now() - start
            glimpse.take(output)
            outputs.append(pack_result(output, tensors, changed, self._model))
            self._is_late = self._is_late or glimpse.is_other(outputs[-1])
        return outputs, nanoseconds

    def gradients(self, parcel: Parcel, question: Question, changed: Effects) -> tuple[Parcel, Gradients]:
        """A call with gradients recorded: what it gives, and the gradients of that."""
        _, tensors = unpack(parcel, self._device)
        self.restore_state()
        found = gradients_of(self._model, parcel, tensors, self._device, question)
        return pack_result(found.output, tensors, changed, self._model), found

    def facts(self, *, digests: bool, keep: bool) -> dict[str, object]:
        """
        What became of the inputs of the last call: their digests and parameters that are not what they were, if these
        are asked for, pairs of output and input in one memory, and how many tensors were written past their ends. With
        `keep` the outputs stay until the next call, which shall not find its own in their memory.
        """
        staged = self._require_staged()
        pairs = zip(staged.tensors, staged.descriptors, strict=True)
        watched = self._model if isinstance(self._model, GivenMemory) else staged.poison
        outputs = [memory_of(tensor) for tensor in staged.outputs]
        hooks = [*self._hooks, *left_hooks(), *(_DECEIVED if self._clock.is_deceived else ())]
        hooks += _ENDED if staged.profile is not None and staged.profile.was_ended else ()
        facts = {
            "input_digests": [_digest(*pair) for pair in pairs] if digests else [],
            "aliases": [list(pair) for pair in shared_places(outputs, staged.memory)],
            "overrun": [index for index, guard in enumerate(staged.guards) if not guard.is_intact()],
            "guarded": bool(staged.guards),
            "overrun_outputs": 0 if watched is None else watched.num_overrun,
            "is_parameter": bool(shared_places(outputs, [memory_of(item) for item in self.live().values()])),
            "has_twin_outputs": have_twins(staged.outputs),
            "is_reused": bool(shared_places(outputs, [memory_of(tensor) for tensor in self._before])),
            "is_late": self._is_late,
            "changed_state": self._changed_state() if digests else [],
            "work": [] if staged.profile is None else staged.profile.work(),
            "hooks": sorted(set(hooks)),
        }
        fits = sum(end - start for start, end in outputs) <= _MOST_KEPT
        self._before = staged.outputs if keep and fits else []
        is_small = sum(end - start for start, end in staged.memory) <= _MOST_KEPT
        self._kept = replace(staged, outputs=[]) if keep and is_small else None
        self._staged = None
        self.restore_state()
        self._is_restored = True
        return facts

    def forget(self) -> None:
        """Lets go of the last call, of which nothing is asked any more."""
        self._before, self._kept, self._staged = [], None, None

    def restore_state(self) -> None:
        """Sets parameters and buffers back to what was bound, whatever earlier calls did to them."""
        self._is_restored = False
        if self._state and isinstance(self._model, torch.nn.Module):
            self._model.load_state_dict(self._state, strict=True)
        if isinstance(self._model, GivenMemory):
            self._model.set_state(self._state)

    def live(self) -> dict[str, torch.Tensor]:
        """Parameters and buffers as they are now."""
        if isinstance(self._model, GivenMemory):
            return self._model.state
        state = self._model.state_dict() if isinstance(self._model, torch.nn.Module) else {}
        return {name: item for name, item in state.items() if isinstance(item, torch.Tensor)}

    def _changed_state(self) -> list[str]:
        live = self.live()
        return [name for name, known in self._state.items() if name in live and not have_same_bits(live[name], known)]

    def _require_staged(self) -> StagedCall:
        if self._staged is None:
            raise FaultInInput("NO_OUTPUT", "no call was staged")
        return self._staged

    # What is still to be moved to the device would leave its bands behind.
    def _can_guard(self, parcel: Parcel) -> bool:
        return self._device == "cpu" or all(isinstance(blob, torch.Tensor) for blob in parcel.blobs)

    def _snapshot(self) -> dict[str, object]:
        if not isinstance(self._model, torch.nn.Module):
            return {}
        state = self._model.state_dict()
        return {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in state.items()}


def construct(kind: type, init: object, device: str) -> Program:
    """Makes the model from its constructor arguments."""
    args, kwargs = arguments_of(init)
    with torch.no_grad():
        model = made_quickly(lambda: kind(*args, **kwargs), device)
    if not callable(model):
        raise FaultInInput("INIT_ERROR", f"{kind.__name__} makes nothing that can be called")
    return Program(model.to(device) if isinstance(model, torch.nn.Module) else model, device)


def _digest(tensor: torch.Tensor, descriptor: TensorDescriptor) -> str:
    try:
        return digest_of(descriptor, bytes_of(tensor, descriptor.span))
    except RuntimeError:
        # Resized or freed by the program: certainly not what it was.
        return ""
