"""carcodec: JPEG, learned side information and restoration in one file.

>>> import carcodec
>>> data = carcodec.encode("in.png", quality=30)  # doctest: +SKIP
>>> carcodec.decode(data).save("rec.png")  # doctest: +SKIP

Importing this package imports no networks; they load when a function first needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.6.0"

__all__ = [
    "CarError",
    "Info",
    "Segments",
    "__version__",
    "decode",
    "encode",
    "encode_to_target",
    "extract",
    "info",
    "restore",
    "segment",
    "verify",
]

if TYPE_CHECKING:
    from carcodec.api import Info, Segments, decode, encode, extract, info, restore, segment, verify
    from carcodec.errors import CarError
    from carcodec.search import encode_to_target

_HOMES = {"CarError": "carcodec.errors", "encode_to_target": "carcodec.search"}


def __getattr__(name: str) -> Any:
    # Lazy, so that `import carcodec.errors` or the command line's --help pay for nothing they do not use.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES.get(name, "carcodec.api")), name)
