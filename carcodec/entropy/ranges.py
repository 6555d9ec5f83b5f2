"""Symbols <-> bytes by a range coder on integer frequencies; the only user of constriction.

Two engines give equal bytes: constriction, and plain Python where it has no wheel.

>>> from carcodec.entropy.tables import frequencies
>>> table = frequencies(np.zeros((5, 16), np.int64))
>>> writer = RangeWriter()
>>> writer.write(np.array([3, 1, 4, 1, 5]), table)
>>> payload = writer.finish()
>>> payload.hex()
'314150'
>>> reader = RangeReader(payload)
>>> reader.read(table).tolist()
[3, 1, 4, 1, 5]
>>> reader.finish()
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np

from carcodec.entropy.interval import STATE_BITS, WORD_BITS, Interval
from carcodec.entropy.plain import PlainDecoder, PlainEncoder
from carcodec.entropy.tables import Ints
from carcodec.errors import DamagedError

try:
    import constriction
except ImportError:
    constriction = None


class Encoder(Protocol):
    """int64[m] symbols with their int64[m, n] frequencies -> an interval."""

    def encode(self, symbols: Ints, frequencies: Ints) -> None: ...

    def interval(self) -> Interval: ...


class Decoder(Protocol):
    """int64[m, n] frequencies -> the next int64[m] symbols; DamagedError where there are none."""

    def decode(self, frequencies: Ints) -> Ints: ...


class Engine(Protocol):
    """A range coder: `encoder()` starts at the whole interval, `decoder(words)` at 32-bit words."""

    def encoder(self) -> Encoder: ...

    def decoder(self, words: list[int]) -> Decoder: ...


class PlainEngine:
    """The coder in Python: about 1 us a symbol."""

    def encoder(self) -> Encoder:
        return PlainEncoder()

    def decoder(self, words: list[int]) -> Decoder:
        return PlainDecoder(words)


class ConstrictionEngine:
    """The coder in Rust: about 0.03 us a symbol, and 1 us a call."""

    def encoder(self) -> Encoder:
        return _ConstrictionEncoder()

    def decoder(self, words: list[int]) -> Decoder:
        return _ConstrictionDecoder(words)


class _ConstrictionEncoder:
    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()
        self._family = _family()

    def encode(self, symbols: Ints, frequencies: Ints) -> None:
        self._coder.encode(symbols.astype(np.int32), self._family, _probabilities(frequencies))

    def interval(self) -> Interval:
        """The state's `lower` is known modulo 2**64; the sealed words, a fraction inside, tell the rest."""
        n_words, (lower, size) = self._coder.pos()
        sealed = self._coder.get_compressed()
        padded = [*sealed.tolist(), 0, 0][: n_words + STATE_BITS // WORD_BITS]
        inside = Interval.after(padded[:-2], padded[-2] << WORD_BITS | padded[-1], size)
        beyond = (inside.lower - lower) % (1 << STATE_BITS)
        return Interval(inside.lower - beyond, size, inside.n_bytes)


class _ConstrictionDecoder:
    def __init__(self, words: list[int]) -> None:
        self._coder = constriction.stream.queue.RangeDecoder(np.array(words, np.uint32))
        self._family = _family()

    def decode(self, frequencies: Ints) -> Ints:
        try:
            symbols = self._coder.decode(self._family, _probabilities(frequencies))
        except AssertionError:
            raise DamagedError("the entropy-coded data lead outside their own model") from None
        return np.asarray(symbols, np.int64)


def _family() -> Any:
    # perfect=True rounds by logarithms: other streams, and not the same on every machine.
    return constriction.stream.model.Categorical(perfect=False)


def _probabilities(frequencies: Ints) -> Any:
    """What makes constriction's table equal `frequencies`.

    It computes floor(cumsum(p) * (2**24 - n) / sum(p)) + i. With p = f - 1 the factor is exactly 1 and every
    sum is a whole number below 2**24, exact in float32. Other than C order it would read wrongly, in silence.
    """
    return np.ascontiguousarray(frequencies - 1, dtype=np.float32)


DEFAULT_ENGINE: Final[Engine] = PlainEngine() if constriction is None else ConstrictionEngine()


class RangeWriter:
    """Writes symbols, then gives the payload."""

    def __init__(self, engine: Engine = DEFAULT_ENGINE) -> None:
        self._encoder = engine.encoder()

    def write(self, symbols: Ints, frequencies: Ints) -> None:
        """Append symbols.

        Args:
            symbols: int64[m], 0..n-1.
            frequencies: int64[m, n], each at least 1, each row's sum 2**24; from `tables.frequencies`.
        """
        if len(symbols):
            self._encoder.encode(symbols, frequencies)

    def finish(self) -> bytes:
        """The payload: the shortest byte string that reads back as what was written."""
        return self._encoder.interval().shortest()


class RangeReader:
    """Reads symbols from a payload, and in the end whether it was the one that a writer makes.

    Args:
        payload: any bytes; its length is the caller's to bound.
        engine: which coder; the symbols do not depend on it.

    Reading never ends by itself (zeros follow the payload): the caller knows how many symbols there are.
    """

    def __init__(self, payload: bytes, engine: Engine = DEFAULT_ENGINE) -> None:
        self._payload = payload
        padded = payload + bytes(-len(payload) % 4)
        self._decoder = engine.decoder(np.frombuffer(padded, ">u4").tolist())
        self._again = engine.encoder()

    def read(self, frequencies: Ints) -> Ints:
        """The next symbols.

        Args:
            frequencies: int64[m, n] as they were written.

        Returns:
            int64[m], 0..n-1.

        Raises:
            DamagedError: no writer makes such bytes (cut or changed ones mostly read as other symbols).
        """
        if not len(frequencies):
            return np.zeros(0, np.int64)
        symbols = self._decoder.decode(frequencies)
        self._again.encode(symbols, frequencies)
        return symbols

    def finish(self) -> None:
        """Check that the payload is exactly what the symbols read so far are written as.

        So every list of symbols has one payload. A payload cut short is another's: a checksum must tell.

        Raises:
            DamagedError: bytes left over, or more of them than needed.
        """
        if self._again.interval().shortest() != self._payload:
            raise DamagedError("the entropy-coded data are not those that their symbols are written as")
