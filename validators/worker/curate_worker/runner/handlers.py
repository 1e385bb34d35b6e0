"""What a runner does for each kind of message."""

from __future__ import annotations

from typing import Final

from .candidate_handlers import CANDIDATE_HANDLERS
from .reference_handlers import REFERENCE_HANDLERS
from .rehearsal.handler import REHEARSAL_HANDLERS
from .runner_state import Handler
from .sanitizer_handler import SANITIZER_HANDLERS

HANDLERS: Final[dict[str, Handler]] = {
    **CANDIDATE_HANDLERS,
    **REFERENCE_HANDLERS,
    **REHEARSAL_HANDLERS,
    **SANITIZER_HANDLERS,
}
