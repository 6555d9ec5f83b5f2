"""carcodec itself, through `carcodec.encode`, `decode` and `restore` as the command line calls them."""

from __future__ import annotations

import importlib.metadata
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

import carcodec
from carcodec.bench.codec import Codec, Contents
from carcodec.bench.codecs.jpeg import Jpeg
from carcodec.errors import ModelMissing
from carcodec.jpeg.front import Sampling
from carcodec.models.cards import ROLES, default
from carcodec.pixels import Image
from carcodec.runtime import Engine

ROLES_OF_JPEG_MODES = ("restorer", "extractor", "context")
DIGEST_CHARACTERS = 8  # enough to tell weights apart in a results file


@dataclass(frozen=True)
class Networked(Codec):
    """A codec with networks.

    Attributes:
        run_on: device for them, as `carcodec.encode` takes it.
        threads: of theirs; 0 for the library's choice.
    """

    run_on: str = "auto"
    threads: int = 0

    def on(self, device: str, threads: int | None) -> Self:
        """See `Codec.on`."""
        return replace(self, run_on=device, threads=threads or self.threads)

    @property
    def device(self) -> str:
        """See `Codec.device`: what `auto` came to."""
        return str(Engine(self.run_on).device.type)

    @abstractmethod
    def roles(self) -> list[str]:
        """Of the models that do the work."""

    def missing(self) -> str | None:
        """See `Codec.missing`: the models, and what else it needs."""
        try:
            self._models()
        except ModelMissing as error:
            return str(error)
        return super().missing()

    def versions(self) -> str:
        """See `Codec.versions`; with the weights."""
        libraries = [f"carcodec {carcodec.__version__}", f"torch {importlib.metadata.version('torch')}"]
        return "; ".join([*libraries, *self._models(), *filter(None, [super().versions()])])

    def _models(self) -> list[str]:
        return [f"{card.id} {card.sha256[:DIGEST_CHARACTERS]}" for card in map(default, self.roles())]


@dataclass(frozen=True)
class Car(Networked):
    """A `.car` file; the setting is the quality that `carcodec.encode` takes.

    Attributes:
        mode, tables, side, sampling, effort, lossless: as `carcodec.encode` takes them.
        scale: likewise; 0 for None.
    """

    suffix: ClassVar[str] = ".car"
    default_settings: ClassVar[tuple[float, ...]] = (10, 20, 30, 40, 60, 80)
    jpeg_quality: ClassVar[bool] = True

    mode: str = "side"
    tables: str = "psnr"
    side: str = "auto"
    sampling: Sampling = "4:2:0"
    effort: str = "default"
    lossless: bool = False
    scale: int = 0

    def encode(self, image: Image, setting: float) -> bytes:
        """See `Codec.encode`."""
        return carcodec.encode(
            image,
            quality=None if self.lossless else round(setting),
            lossless=self.lossless,
            scale=self.scale or None,
            mode=self.mode,
            tables=self.tables,
            sampling=self.sampling,
            side=self.side,
            effort=self.effort,
            device=self.run_on,
            threads=self.threads or None,
        )

    def decode(self, data: bytes) -> Image:
        """See `Codec.decode`."""
        return np.array(carcodec.decode(data, device=self.run_on, threads=self.threads or None))

    def contents(self, data: bytes) -> Contents:
        """See `Codec.contents`."""
        info = carcodec.info(data)
        if info.layers:
            return Contents(tuple(dict.fromkeys(model for layer in info.layers.values() for model in layer.models)))
        models = tuple(model for model in (info.restorer, info.context_model) if model)
        return Contents(models, info.packed_jpeg_bytes, info.descriptor_bytes)

    def roles(self) -> list[str]:
        """See `Networked.roles`: of those that new files of the mode are made with."""
        return [role for role in ROLES if (role in ROLES_OF_JPEG_MODES) != (self.mode == "layered")]


@dataclass(frozen=True)
class Restored(Networked, Jpeg):
    """The file of the codec `jpeg`, as `carcodec.restore` shows it; options and settings as there, and:

    Attributes:
        effort: as `carcodec.restore` takes it.
    """

    effort: str = "default"

    def decode(self, data: bytes) -> Image:
        """See `Codec.decode`."""
        restored = carcodec.restore(data, effort=self.effort, device=self.run_on, threads=self.threads or None)
        return np.array(restored)

    def roles(self) -> list[str]:
        """See `Networked.roles`."""
        return ["restorer"]
