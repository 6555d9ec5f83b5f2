"""Where networks run: device, threads, precision, and the installed models as the ports that modes ask for.

The one place that imports torch for inference, and only when a network runs: importing this module, bypassing the
restoration or coding symbols costs no second of start-up.

    restorer = networks(device="auto").restorer()
    levels = restorer.restore(base, condition)

Nothing global changes: OpenMP's way to wait is set while torch loads, the number of threads while a network runs.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from carcodec.container.payloads import ModelRef
from carcodec.descriptor.context import ContextModel
from carcodec.models import cards
from carcodec.models.cards import SHIPPED, Card
from carcodec.models.files import load_bytes
from carcodec.ports import Networks
from carcodec.residual.model import SampleModel
from carcodec.runtime.building import NETWORKS, build, empty_network, network_class
from carcodec.runtime.engine import DEVICES, PRECISIONS, Engine
from carcodec.runtime.layered import LayeredPort, SampleCoderPort
from carcodec.runtime.processor import cpu_is_fast_in_bfloat16, keep_freed_memory, load_torch
from carcodec.runtime.restoring import RestorerPort, trial

__all__ = [
    "DEVICES",
    "NETWORKS",
    "PRECISIONS",
    "Engine",
    "InstalledNetworks",
    "build",
    "cpu_is_fast_in_bfloat16",
    "empty_network",
    "keep_freed_memory",
    "load_torch",
    "network_class",
    "networks",
    "trial",
]


@functools.cache
def networks(device: str = "auto", threads: int | None = None) -> Networks:
    """The installed models on a device; the same object, with its loaded networks, for the same arguments.

    Args:
        device: "auto" (an accelerator where there is one), "cpu", "cuda" or "mps".
        threads: on a CPU; None takes `OMP_NUM_THREADS`, else every core this process may use.

    Raises:
        UsageError: no such device here, or no thread at all.
    """
    return InstalledNetworks(Engine(device, threads))


class InstalledNetworks:
    """The installed models as ports; each network is read once.

    Args:
        engine: where the free ones run.
        folder: cards and weight files.
    """

    def __init__(self, engine: Engine, folder: Path = SHIPPED) -> None:
        self.engine = engine
        self._folder = folder
        self._cards: dict[tuple[str, ModelRef | None], Card] = {}
        self._restorers: dict[int, RestorerPort] = {}
        self._coders: dict[int, ContextCoderPort] = {}
        self._layered: dict[tuple[int, int], LayeredPort] = {}
        self._samples: dict[int, SampleCoderPort] = {}

    def restorer(self, reference: ModelRef | None = None) -> RestorerPort:
        card = self._card("restorer", reference)
        if card.number not in self._restorers:
            self._restorers[card.number] = RestorerPort(card, self._folder, self.engine)
        return self._restorers[card.number]

    def context_coder(self, reference: ModelRef | None = None) -> ContextCoderPort:
        card = self._card("context", reference)
        if card.number not in self._coders:
            model = ContextModel.load(load_bytes(card, self._folder))
            self._coders[card.number] = ContextCoderPort(card.reference, model)
        return self._coders[card.number]

    def layered(self, fine: ModelRef | None = None, segmenter: ModelRef | None = None) -> LayeredPort:
        pair = self._card("fine", fine), self._card("segmenter", segmenter)
        numbers = pair[0].number, pair[1].number
        if numbers not in self._layered:
            self._layered[numbers] = LayeredPort(*pair, self._folder, self.engine)
        return self._layered[numbers]

    def sample_coder(self, reference: ModelRef | None = None) -> SampleCoderPort:
        card = self._card("samples", reference)
        if card.number not in self._samples:
            model = SampleModel.load(load_bytes(card, self._folder))
            self._samples[card.number] = SampleCoderPort(card.reference, model, self.engine)
        return self._samples[card.number]

    def _card(self, role: str, reference: ModelRef | None) -> Card:
        if (role, reference) not in self._cards:
            self._cards[role, reference] = (
                cards.default(role, self._folder)
                if reference is None
                else cards.find(reference.number, reference.digest6, role, self._folder)
            )
        return self._cards[role, reference]


@dataclass(frozen=True)
class ContextCoderPort:
    """A frozen context model, and how files name it."""

    reference: ModelRef
    model: ContextModel
