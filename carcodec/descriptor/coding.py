"""Grid of symbols <-> payload, by a context model and the range coder.

Sites go in waves: site (i, j) is in wave j + 3 i, behind every neighbour that its context looks at. The
sites of a wave do not see each other, so a decoder computes their frequencies at once; gw + 3 (gh - 1)
waves make the grid. Within a wave, rows go downwards.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from carcodec.descriptor.context import RATE_CLASSES, Canvas, ContextModel, blocks
from carcodec.descriptor.grid import Symbols, as_symbols
from carcodec.entropy.ranges import DEFAULT_ENGINE, Engine, RangeReader, RangeWriter
from carcodec.entropy.tables import TOTAL_BITS, Ints
from carcodec.errors import DamagedError

# A symbol costs at most 24 bits and 1/177 for rounding; 4 bytes for each leave room for the last one's end.
MOST_BYTES_PER_SITE = 4


def encode_symbols(symbols: Symbols, model: ContextModel, rate_class: int, engine: Engine = DEFAULT_ENGINE) -> bytes:
    """The payload of a grid: the shortest byte string that decodes to it.

    Args:
        symbols: uint8[gh, gw], 0..15; may be empty.
        model: the frozen model that the file will name.
        rate_class: 0..7, of `context.rate_class`.
        engine: which range coder; the payload does not depend on it.

    Returns:
        No byte for a grid of zeros only; never more than 4 bytes per site.

    Raises:
        ValueError: symbols or rate class out of range.

    Exact: integers only.    Format: docs/format.md, "Descriptor payload".    Cost: about 2 us per site.
    """
    symbols = as_symbols(symbols)
    _check_rate_class(rate_class)
    canvas = Canvas.of(symbols)
    writer = RangeWriter(engine)
    if symbols.size:
        for _, sites in blocks(np.concatenate(waves(canvas, *symbols.shape))):
            writer.write(canvas.codes[sites], model.tables(canvas.contexts(sites), rate_class))
    return writer.finish()


def decode_symbols(
    payload: bytes, gh: int, gw: int, model: ContextModel, rate_class: int, engine: Engine = DEFAULT_ENGINE
) -> Symbols:
    """The symbols of a payload.

    Args:
        payload: what `encode_symbols` gave; its checksum is the caller's to check before.
        gh, gw: grid size, already within the limits for pictures.
        model: the frozen model that the file names; its digest is the caller's to check.
        rate_class: 0..7, of `context.rate_class`.
        engine: which range coder; the symbols do not depend on it.

    Returns:
        uint8[gh, gw], 0..15.

    Raises:
        DamagedError: no encoder writes these bytes for such a grid. Most damage decodes to other symbols
            instead: the file's checksum and `grid.check_value` tell.
        ValueError: negative size or rate class out of range (the caller's fault).

    Exact: equal on every machine, thread count and engine.    Cost: about 60 us per wave.
    """
    if gh < 0 or gw < 0:
        raise ValueError(f"a grid cannot be {gh} x {gw}")
    _check_rate_class(rate_class)
    if len(payload) > MOST_BYTES_PER_SITE * gh * gw:
        raise DamagedError(f"{len(payload)} bytes are too many for {gh * gw} symbols")
    canvas = Canvas(gh, gw)
    reader = RangeReader(payload, engine)
    for sites in waves(canvas, gh, gw):
        canvas.codes[sites] = reader.read(model.tables(canvas.contexts(sites), rate_class))
    reader.finish()
    return canvas.codes[canvas.sites].reshape(gh, gw).astype(np.uint8)


def cost_bits(symbols: Symbols, model: ContextModel, rate_class: int) -> npt.NDArray[np.float64]:
    """float64[gh, gw]: what each site's symbol costs in bits; the payload is the sum, and up to a byte more.

    For decisions of the encoder only: it is float, and must not reach a coder.
    """
    chosen = np.take_along_axis(model.frequencies(symbols, rate_class), symbols[..., None].astype(np.int64), axis=2)
    return TOTAL_BITS - np.log2(chosen[..., 0])


def waves(canvas: Canvas, gh: int, gw: int) -> list[Ints]:
    """Flat numbers of the sites on `canvas` in the order of coding, wave by wave."""
    rows, columns = np.divmod(np.arange(gh * gw), max(gw, 1))
    wave = columns + 3 * rows
    order = np.argsort(wave, kind="stable")
    ends = np.cumsum(np.bincount(wave))
    return [sites for sites in np.split(canvas.sites[order], ends[:-1]) if len(sites)]


def _check_rate_class(rate_class: int) -> None:
    if not 0 <= rate_class < RATE_CLASSES:
        raise ValueError(f"rate class must be 0..{RATE_CLASSES - 1}, not {rate_class}")
