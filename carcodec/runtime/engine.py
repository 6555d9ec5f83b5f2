"""Device, threads and precision of networks, and pictures of any size piece by piece."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from carcodec.errors import UsageError
from carcodec.nn.tiling import DEFAULT_TILING, Array, Tiling, run_tiled
from carcodec.ports import Condition
from carcodec.runtime.processor import cpu_is_fast_in_bfloat16, load_torch

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")


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

        with self.computing():
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
    def computing(self) -> Iterator[None]:
        """Inside, torch uses this engine's threads and records nothing for gradients."""
        torch = load_torch()
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with torch.inference_mode():
                yield
        finally:
            torch.set_num_threads(before)


def _device(name: str) -> torch.device:
    device: torch.device = load_torch().device(name)
    return device
