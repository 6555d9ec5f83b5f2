"""Where networks run: device, threads, precision, and the installed models as the ports that modes ask for.

The one place that imports torch for inference, and only when a network runs: importing this module, bypassing the
restoration or coding symbols costs no second of start-up.

    restorer = networks(device="auto").restorer()
    levels = restorer.restore(base, condition)

Nothing global changes: OpenMP's way to wait is set while torch loads, the number of threads while a network runs.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carcodec.container.payloads import ModelRef
from carcodec.descriptor.context import ContextModel
from carcodec.errors import UsageError
from carcodec.ids import SITE_PX
from carcodec.jpeg.conditioning import CONDITION_SIZE
from carcodec.models import cards
from carcodec.models.cards import SHIPPED, Card
from carcodec.models.files import load_arrays, load_bytes
from carcodec.nn.tiling import DEFAULT_TILING, Array, Tiling, run_tiled
from carcodec.ports import Analysis, Condition, Image, Levels, Networks, Symbols

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
BFLOAT16_GAIN = 1.3  # times faster than float32 before it is worth its rounding; native 1.6 to 2.6, emulated 0.2 to 0.6
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h
LARGEST_KEPT_BYTES = 128 << 20  # of one block: features of a piece, not whole pictures
KEPT_BYTES = 1 << 30
NETWORKS = {
    "restorer": "carcodec.nn.restorer:Restorer",
    "dagn": "carcodec.nn.dagn:Dagn",
    "guided": "carcodec.nn.descriptor:GuidedRestorer",
    "guided-dagn": "carcodec.nn.dagn:GuidedDagn",
    "flat": "carcodec.nn.flat:FlatRestorer",
    "untold": "carcodec.nn.study:UntoldRestorer",
    "gated": "carcodec.nn.study:GatedRestorer",
    "glancing": "carcodec.nn.study:GlancingRestorer",
    "planes": "carcodec.nn.study:PlanesRestorer",
    "coefficients": "carcodec.nn.study:CoefficientRestorer",
    "fbcnn": "carcodec.nn.published:Fbcnn",
    "edsr": "carcodec.nn.published:EdsrBaseline",
    "extractor": "carcodec.nn.descriptor:Extractor",
}
GUIDED = {"guided", "guided-dagn"}  # networks that take symbols


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


class Engine:
    """A device with its threads and precision; runs functions of tensors over pictures of any size.

    Args:
        device, threads: as `networks`.
        precision: of convolutions and matrix products; "auto" is float16 on an accelerator, bfloat16 on a CPU with
            instructions for it, else float32. The picture itself and the final addition are float32 always.
        tiling: how pictures too large for one piece are cut.
    """

    def __init__(
        self, device: str = "auto", threads: int | None = None, precision: str = "auto", tiling: Tiling = DEFAULT_TILING
    ) -> None:
        if device not in DEVICES:
            raise UsageError(f"device must be one of {', '.join(DEVICES)}, not {device!r}")
        if precision not in PRECISIONS:
            raise UsageError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
        if threads is not None and threads < 1:
            raise UsageError(f"threads must be at least 1, not {threads}")
        self._device, self._threads, self._precision, self._tiling = device, threads, precision, tiling

    @functools.cached_property
    def device(self) -> torch.device:
        """The device that "auto" came to.

        Raises:
            UsageError: torch sees no such device here.
        """
        torch = load_torch()
        present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
        if self._device == "auto":
            return _device(next(name for name, there in present.items() if there))
        if not present[self._device]:
            raise UsageError(f"no {self._device} device is to be had here")
        return _device(self._device)

    @functools.cached_property
    def precision(self) -> str:
        """What "auto" came to.

        Raises:
            UsageError: float16 on a CPU, where it is fifty times slower than float32.
        """
        on_cpu = self.device.type == "cpu"
        if on_cpu and self._precision == "float16":
            raise UsageError("float16 is for accelerators: on a CPU take bfloat16 or float32")
        if self._precision != "auto":
            return self._precision
        if on_cpu:
            return "bfloat16" if cpu_is_fast_in_bfloat16() else "float32"
        return "float16"

    @functools.cached_property
    def threads(self) -> int:
        """How many threads a network gets on a CPU."""
        if self._threads is not None:
            return self._threads
        if "OMP_NUM_THREADS" in os.environ:
            return int(load_torch().get_num_threads())
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def place(self, network: nn.Module) -> nn.Module:
        """The network on the device, its kernels in the order that is fast there, ready for inference."""
        torch = load_torch()
        network = network.eval().requires_grad_(False)
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]

    def vector(self, condition: Condition) -> Tensor:
        """float32[K] -> float32[1,K] on the device."""
        row = np.array(condition, np.float32)[None]  # a copy: torch wants to be allowed to write
        tensor: Tensor = load_torch().from_numpy(row).to(self.device)
        return tensor

    def run(
        self,
        function: Callable[..., Sequence[Tensor]],
        pictures: Sequence[Array],
        maps: Sequence[Array] = (),
        cells: Sequence[int] = (1,),
    ) -> list[Array]:
        """A function of tensors over pictures, piece by piece.

        Args:
            function: takes a float32[1,C,h,w] in 0..1 for each picture and an int64[1,h/16,w/16] for each map;
                returns tensors [1,K,h/cell,w/cell], one for each of `cells`.
            pictures: uint8[H,W,C], all of one size.
            maps: uint8[ceil(H/16),ceil(W/16)].
            cells: as `run_tiled`.

        Returns:
            [ceil(H/cell),ceil(W/cell),K] for each of `cells`, float32 or of the function's integer type.
        """
        torch = load_torch()

        def piece(*arrays: Array) -> list[Array]:
            tensors = [self._picture(array) for array in arrays[: len(pictures)]]
            tensors += [
                torch.from_numpy(array.astype(np.int64)).to(self.device)[None] for array in arrays[len(pictures) :]
            ]
            return [result[0].permute(1, 2, 0).cpu().numpy() for result in self._call(function, tensors)]

        with self._thread_count(), torch.inference_mode():
            return run_tiled(piece, pictures, maps, cells, self._tiling)

    def _picture(self, array: Array) -> Tensor:
        torch = load_torch()
        pixels = torch.from_numpy(np.array(array)).to(self.device).permute(2, 0, 1)[None]
        picture: Tensor = pixels.to(torch.float32, memory_format=torch.channels_last).div_(255)
        return picture

    def _call(self, function: Callable[..., Sequence[Tensor]], tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        with self._reduced(self.precision):
            results = function(*tensors)
        if self.precision == "float16" and not all(result.isfinite().all() for result in results):
            return function(*tensors)  # beyond 65,504 somewhere inside: float32 holds it
        return results

    def _reduced(self, precision: str) -> AbstractContextManager[Any]:
        # Autocast, because networks are trained under it: only convolutions and matrix products are reduced.
        torch = load_torch()
        return nullcontext() if precision == "float32" else torch.autocast(self.device.type, getattr(torch, precision))

    @contextmanager
    def _thread_count(self) -> Iterator[None]:
        torch = load_torch()
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def trial(network: nn.Module, engine: Engine, picture: Image) -> Callable[[], object]:
    """What restores a picture by a network that is not installed, told nothing, when called: to be timed.

    Args:
        network: takes base float32[N,3,H,W] and condition float32[N,131].
        picture: uint8[H,W,3] or [H,W].
    """
    placed, vector = engine.place(network), engine.vector(np.zeros(CONDITION_SIZE, np.float32))
    pictures = (_in_colour(picture),)
    return lambda: engine.run(lambda base: [placed(base, vector)], pictures)


class InstalledNetworks:
    """The installed models as ports; each network is read once.

    Args:
        engine: where the free ones run.
        folder: cards and weight files.
    """

    def __init__(self, engine: Engine, folder: Traversable = SHIPPED) -> None:
        self.engine = engine
        self._folder = folder
        self._cards: dict[tuple[str, ModelRef | None], Card] = {}
        self._restorers: dict[int, RestorerPort] = {}
        self._coders: dict[int, ContextCoderPort] = {}

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


class RestorerPort:
    """A restorer, its weights read when first needed, and for encoding the extractor trained with it."""

    def __init__(self, card: Card, folder: Traversable, engine: Engine) -> None:
        self.reference = card.reference
        self._card, self._folder, self._engine = card, folder, engine

    def restore(self, base: Image, condition: Condition, symbols: Symbols | None = None) -> Levels:
        """The picture behind a decoded JPEG.

        Args:
            base: uint8[H,W,3] or [H,W].
            condition: float32[131] of the JPEG's header.
            symbols: uint8[ceil(H/16),ceil(W/16)], or None to restore without a descriptor.

        Returns:
            float32 of the base's shape, in 0..255 but neither rounded nor clipped. Between machines it differs by
            rounding: tests/exact/test_pixels.py states how much.

        Raises:
            ModelMissing: the weights are not installed.
            UsageError: symbols for a restorer that takes none.
        """
        network, vector = self._network, self._engine.vector(condition)
        maps = () if symbols is None else (symbols,)
        if maps:
            self._check_guided()

        def function(picture: Tensor, *symbols: Tensor) -> list[Tensor]:
            return [network(picture, vector, *symbols)]

        (restored,) = self._engine.run(function, (_in_colour(base),), maps)
        return _levels(restored, base)

    def analyse(self, image: Image, base: Image, condition: Condition) -> Analysis:
        """What each symbol would bring at each site, from one look at original and base.

        Args:
            image: the original, of the base's shape.
            base, condition: as `restore`.

        Raises:
            ModelMissing: the weights are not installed.
            UsageError: this restorer takes no symbols.
        """
        self._check_guided()
        network: Any = self._network
        extractor, vector = self._extractor, self._engine.vector(condition)
        from carcodec.nn.descriptor import quantize, site_errors

        def function(original: Tensor, picture: Tensor) -> list[Tensor]:
            blind, prepared = network.parts(picture, vector)
            errors = site_errors(network.guided, prepared, original - blind)
            symbols = errors.argmin(dim=1) if extractor is None else quantize(extractor(original, picture))
            return [blind, errors, symbols[:, None]]

        pictures = _in_colour(image), _in_colour(base)
        blind, errors, proposal = self._engine.run(function, pictures, cells=(1, SITE_PX, SITE_PX))
        errors *= 255**2 / (3 if base.ndim == 2 else 1)
        return Analysis(_levels(blind, base), errors, proposal[..., 0].astype(np.uint8))

    def _check_guided(self) -> None:
        if self._card.network not in GUIDED:
            raise UsageError(f"{self._card.id} restores without a descriptor: it takes no symbols")

    @functools.cached_property
    def _network(self) -> nn.Module:
        return self._engine.place(build(self._card, self._folder))

    @functools.cached_property
    def _extractor(self) -> nn.Module | None:
        card = cards.partner_of(self._card, "extractor", self._folder)
        return None if card is None else self._engine.place(build(card, self._folder))


def build(card: Card, folder: Traversable = SHIPPED) -> nn.Module:
    """The network of a card with its weights, float32, on the CPU.

    Raises:
        ModelMissing: the weight file is missing or damaged.
        ValueError: an exact model, or weights that do not fit the card's network and arguments.
    """
    torch = load_torch()
    network = empty_network(card.network, card.arguments)
    weights = {name: torch.from_numpy(array.astype(np.float32)) for name, array in load_arrays(card, folder).items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"the weights of model {card.number} ({card.id}) do not fit its card") from error
    return network


def empty_network(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """A network of `NETWORKS` as its constructor leaves it.

    Raises:
        ValueError: no such network.
    """
    network: nn.Module = network_class(name)(**arguments)
    return network


def network_class(name: str) -> type[nn.Module]:
    """The class that a card calls by this name.

    Raises:
        ValueError: no such network.
    """
    if name not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}, not {name!r}")
    load_torch()
    module, attribute = NETWORKS[name].split(":")
    found: type[nn.Module] = getattr(importlib.import_module(module), attribute)
    return found


@functools.cache
def load_torch() -> Any:
    """torch, loaded so that its threads sleep where they wait for each other.

    Spinning threads halve the speed as soon as another process wants a core and gain nothing on idle ones. OpenMP reads
    the policy when it starts, so it is set just for that moment; a policy of the user's own stays.
    """
    waiting = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    if "torch" in sys.modules or any(name in os.environ for name in waiting):
        return importlib.import_module("torch")
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    try:
        torch = importlib.import_module("torch")
        torch.get_num_threads()  # some OpenMP libraries start no sooner than they are asked something
    finally:
        del os.environ["OMP_WAIT_POLICY"]
    return torch


def keep_freed_memory() -> None:
    """Let the C library keep what networks free between layers, instead of giving it back and faulting it in again.

    A tenth of the time of a bfloat16 network. It holds for the whole process (which may keep up to 1 GB), so it is for
    programs that do nothing else, before they run networks. glibc only; elsewhere nothing happens.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
    libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


@functools.cache
def cpu_is_fast_in_bfloat16() -> bool:
    """Whether this CPU computes in bfloat16, rather than emulating it at half the speed of float32 or less.

    By the CPU's flags where they can be read; else, and where the user holds oneDNN back from using them, by trial.
    """
    held_back = any(name in os.environ for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"))
    flags = _x86_flags()
    return _bfloat16_wins_a_trial() if held_back or not flags else bool(flags & BFLOAT16_FLAGS)


def _x86_flags() -> set[str]:
    """Feature flags as Linux names them; empty elsewhere."""
    path = Path("/proc/cpuinfo")
    if platform.machine() not in ("x86_64", "AMD64") or not path.exists():
        return set()
    lines = path.read_text().splitlines()
    return set(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())


def _bfloat16_wins_a_trial() -> bool:
    torch = load_torch()

    def seconds(dtype: Any) -> float:
        kernel, picture = torch.ones(32, 32, 3, 3, dtype=dtype), torch.ones(1, 32, 48, 48, dtype=dtype)
        picture = picture.to(memory_format=torch.channels_last)
        times = []
        for _ in range(4):
            start = time.perf_counter()
            torch.nn.functional.conv2d(picture, kernel, padding=1)
            times.append(time.perf_counter() - start)
        return min(times)

    with torch.inference_mode():
        return seconds(torch.float32) > BFLOAT16_GAIN * seconds(torch.bfloat16)


def _device(name: str) -> torch.device:
    device: torch.device = load_torch().device(name)
    return device


def _in_colour(picture: Image) -> Image:
    """uint8[H,W,3]; a gray picture three times over, without copying it."""
    return picture if picture.ndim == 3 else np.broadcast_to(picture[..., None], (*picture.shape, 3))


def _levels(restored: Array, base: Image) -> Levels:
    """From 0..1 to levels, in the base's shape: gray is the mean of the three channels."""
    restored *= 255
    levels: Levels = restored if base.ndim == 3 else restored.mean(axis=2)
    return levels
