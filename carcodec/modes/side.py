"""Mode `side`: a packed JPEG, learned side information, and a restoration guided by it.

The encoder keeps a descriptor only where it pays: where the squared error falls by a larger share than the file grows.
That is the exchange that more JPEG bits would give: the fair rival of a side bit is the same bit in the JPEG.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from carcodec.container.file import Container, serialise, to_chunk
from carcodec.container.payloads import FULL_STRENGTH, DescriptorPayload, Payload, RestorePayload
from carcodec.descriptor.coding import decode_symbols, encode_symbols
from carcodec.descriptor.context import rate_class
from carcodec.descriptor.grid import check_value, grid_size
from carcodec.entropy.tables import TOTAL_BITS
from carcodec.errors import DamagedError, VerifyError
from carcodec.ids import Mode
from carcodec.modes.base import (
    Base,
    Options,
    best_strength,
    blend,
    packed,
    read_base,
    restorer_of,
    squared_error,
    strength_of,
    usual_strength,
)
from carcodec.ports import Analysis, ContextCoder, Image, Levels, Networks, Restorer, Symbols

SWEEPS = 4  # of the search; the map hardly changes after three


class SideMode:
    """Encode: JPEG, symbols by search or extractor, the better of guided and blind. Decode: JPEG, symbols, restored."""

    number = Mode.SIDE

    def encode(self, jpeg: bytes, image: Image | None, networks: Networks, options: Options) -> Container:
        base = read_base(jpeg)
        header, packed_jpeg = packed(base, self.number)

        def container(*payloads: Payload) -> Container:
            return Container(header, tuple(to_chunk(payload) for payload in (packed_jpeg, *payloads)))

        restorer = networks.restorer()
        if image is None:
            strength = usual_strength(base.header)
            return container(*([RestorePayload(restorer.reference, strength)] if strength else []))
        if options.side == "off":
            restoration, _ = _weighed(image, base, restorer.restore(base.pixels, base.condition), restorer)
            return container(*restoration)
        analysis = restorer.analyse(image, base.pixels, base.condition)
        restoration, blind_error = _weighed(image, base, analysis.blind, restorer)
        blind = container(*restoration)
        coder = networks.context_coder()
        blind_bytes = len(serialise(blind))
        symbols = _choose(analysis, coder, base, blind_error * image.size / (8 * blind_bytes), options)
        if not symbols.any() and options.side == "auto":
            return blind
        restoration, error = _weighed(image, base, restorer.restore(base.pixels, base.condition, symbols), restorer)
        if not restoration:
            return blind
        guided = container(*restoration, _described(symbols, coder, base))
        pays = error * len(serialise(guided)) < blind_error * blind_bytes
        return guided if pays or options.side == "on" else blind

    def decode(self, container: Container, base: Base, networks: Networks, strength: float | None) -> Image:
        share = strength_of(container, strength)
        if share == 0:
            return base.pixels
        symbols = symbols_of(container, base, networks)
        restored = restorer_of(container, networks).restore(base.pixels, base.condition, symbols)
        return blend(base.pixels, restored, share)


def symbols_of(container: Container, base: Base, networks: Networks) -> Symbols | None:
    """The file's descriptor, None if it has none.

    Raises:
        DamagedError: the payload is damaged, or decodes to other symbols than were coded.
        ModelMissing: its context model is not installed.
    """
    descriptor = container.find(DescriptorPayload)
    if descriptor is None:
        return None
    coder = networks.context_coder(descriptor.model)
    rows, columns = grid_size(*base.pixels.shape[:2])
    symbols = decode_symbols(descriptor.data, rows, columns, coder.model, rate_class(base.header.luma_table))
    if check_value(symbols) != descriptor.check:
        raise DamagedError("the descriptor does not decode to the symbols that were coded")
    return symbols


def _weighed(image: Image, base: Base, restored: Levels, restorer: Restorer) -> tuple[list[RestorePayload], float]:
    """The restoration at its best strength (none where the base is best), and the squared error it leaves."""
    strength = best_strength(image, base.pixels, restored)
    payloads = [RestorePayload(restorer.reference, strength)] if strength else []
    return payloads, squared_error(image, blend(base.pixels, restored, strength / FULL_STRENGTH))


def _described(symbols: Symbols, coder: ContextCoder, base: Base) -> DescriptorPayload:
    """The descriptor, coded and read back.

    Raises:
        VerifyError: it does not decode to the same symbols.
    """
    rate = rate_class(base.header.luma_table)
    data = encode_symbols(symbols, coder.model, rate)
    rows, columns = symbols.shape
    if not np.array_equal(decode_symbols(data, rows, columns, coder.model, rate), symbols):
        raise VerifyError("the descriptor does not decode to the symbols that were coded")
    return DescriptorPayload(coder.reference, check_value(symbols), data)


def _choose(analysis: Analysis, coder: ContextCoder, base: Base, price: float, options: Options) -> Symbols:
    """Symbols that cost least: squared error, plus bits at a price (levels squared a bit)."""
    if not options.search:
        return analysis.proposal
    rate = rate_class(base.header.luma_table)
    starts = [np.zeros_like(analysis.proposal), analysis.proposal, analysis.errors.argmin(axis=2).astype(np.uint8)]
    _, best = min(
        (_descend(analysis.errors, start, coder, rate, price) for start in starts), key=lambda found: found[0]
    )
    return best


def _descend(
    errors: npt.NDArray[np.float32], symbols: Symbols, coder: ContextCoder, rate: int, price: float
) -> tuple[float, Symbols]:
    """The cheapest map met in a few sweeps, each site choosing as if the others stood still."""
    met = []
    for _ in range(SWEEPS):
        costs = errors + price * (TOTAL_BITS - np.log2(coder.model.frequencies(symbols, rate)))
        met.append((float(np.take_along_axis(costs, symbols[..., None].astype(np.int64), axis=2).sum()), symbols))
        symbols = costs.argmin(axis=2).astype(np.uint8)
    return min(met, key=lambda found: found[0])
