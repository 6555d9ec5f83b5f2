"""The codecs that the benchmark knows by name, and the little language that names them.

`webp` is a name; `carcodec:tables=standard,side=off` a name with options, which are the fields of
the codec's dataclass; `jpeg:q=10/20/30` chooses settings. Several are separated by commas:
`carcodec,carcodec:side=off,jpeg` are three. Adding a codec is adding a line to `CODECS`, and nothing
is loaded in order to list it.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from carcodec.bench.codec import Codec
from carcodec.errors import UsageError

CODECS = {
    "carcodec": "carcodec.bench.codecs.car:Car",
    "carcodec-restore": "carcodec.bench.codecs.car:Restored",
    "jpeg": "carcodec.bench.codecs.jpeg:Jpeg",
    "lepton": "carcodec.bench.codecs.lepton:Lepton",
    "webp": "carcodec.bench.codecs.webp:WebP",
    "avif": "carcodec.bench.codecs.avif:Avif",
    "jxl": "carcodec.bench.codecs.jxl:JpegXL",
    "jpeg2000": "carcodec.bench.codecs.jpeg2000:Jpeg2000",
    "heic": "carcodec.bench.codecs.heic:Heic",
    "png": "carcodec.bench.codecs.png:Png",
}
VARIANTS = {
    "carcodec-blind": "carcodec:mode=blind",
    "carcodec-layered": "carcodec:mode=layered",
    "carcodec-layered-lossless": "carcodec:mode=layered,lossless=yes",
    "jpeg-444": "jpeg:sampling=4:4:4",
    "avif-444": "avif:sampling=4:4:4",
    "avif-iq": "avif:tune=iq",
    "webp-lossless": "webp:lossless=yes",
    "jxl-lossless": "jxl:lossless=yes",
    "jpeg2000-lossless": "jpeg2000:lossless=yes",
}
LOSSY_DEFAULT = ("carcodec", "jpeg")
LOSSLESS_DEFAULT = ("carcodec-layered-lossless", "png", "webp-lossless", "jxl-lossless", "jpeg2000-lossless")
COMMAND = "carcodec.bench.codecs.command:Command"


@dataclass(frozen=True)
class Request:
    """A codec asked for: enough to build it again in another process.

    Attributes:
        label: its name in rows: the name and the options given.
        target: `package.module:Class` or `file.py:Class`.
        options: fields of the class with their values as text.
        settings: chosen by the caller with `q=`; empty for the codec's own.
    """

    label: str
    target: str
    options: tuple[tuple[str, str], ...] = ()
    settings: tuple[float, ...] = ()

    def build(self) -> Codec:
        """The codec.

        Raises:
            UsageError: no such file, class or option, a value that is none of its kind, or a class that is no codec.
        """
        codec_class = _load(self.target)
        fields = _fields(codec_class)
        unknown = [name for name, _ in self.options if name not in fields]
        if unknown:
            known = ", ".join([*fields, "q"])
            raise UsageError(f"codec {self.label} has no option {unknown[0]!r}; it has: {known}")
        values = {name: _convert(self.label, name, fields[name], text) for name, text in self.options}
        if not (isinstance(codec_class, type) and issubclass(codec_class, Codec)):
            raise UsageError(f"{self.target} is not a carcodec.bench.Codec")
        try:
            return codec_class(**values)
        except TypeError as error:  # a method or an option that a codec must have is not there
            raise UsageError(f"{self.target} cannot be built: {error}") from error


def parse_codecs(text: str) -> list[Request]:
    """Requests of a comma-separated list.

    Raises:
        UsageError: a name that is not in the table, or options out of shape.
    """
    specs: list[str] = []
    for piece in filter(None, (part.strip() for part in text.split(","))):
        if specs and "=" in piece and ":" not in piece.split("=")[0]:
            specs[-1] += f",{piece}"
        else:
            specs.append(piece)
    return [_parse_one(spec) for spec in specs]


def file_request(spec: str) -> Request:
    """The request of `my.py:Class` or `my.py:Class:key=value,...`; its label is the class's name in lower case."""
    path, _, rest = spec.partition(".py:")
    class_name, _, options = rest.partition(":")
    if not class_name:
        raise UsageError(f"--codec-file wants FILE.py:CLASS, not {spec!r}")
    return _with_options(class_name.lower(), f"{path}.py:{class_name}", options)


def command_request(name: str, encode: str, decode: str) -> Request:
    """The request of a pair of command lines; `name` may carry settings, `mozjpeg:q=10/50/90`."""
    label, _, options = name.partition(":")
    request = _with_options(label, COMMAND, options)
    return dataclasses.replace(request, options=(*request.options, ("encoder", encode), ("decoder", decode)))


def _parse_one(spec: str) -> Request:
    name, _, options = spec.partition(":")
    base, _, preset = VARIANTS.get(name, name).partition(":")
    if base not in CODECS:
        raise UsageError(f"no codec is named {name!r}; there are: {', '.join([*CODECS, *VARIANTS])}")
    asked = _with_options(name, CODECS[base], options)
    fixed = _with_options(name, CODECS[base], preset)
    return dataclasses.replace(asked, options=(*fixed.options, *asked.options))


def _with_options(name: str, target: str, text: str) -> Request:
    options: list[tuple[str, str]] = []
    settings: tuple[float, ...] = ()
    for item in filter(None, text.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"an option of codec {name} is KEY=VALUE, not {item!r}")
        if key == "q":
            settings = parse_settings(value.replace("/", ","))
        else:
            options.append((key, value))
    shown = ",".join(f"{key}={value}" for key, value in options)
    return Request(f"{name}:{shown}" if shown else name, target, tuple(options), settings)


def parse_settings(text: str) -> tuple[float, ...]:
    """Numbers of a comma-separated list.

    Raises:
        UsageError: no numbers.
    """
    try:
        settings = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UsageError(f"settings are numbers separated by commas, not {text!r}") from error
    if not settings:
        raise UsageError("no settings given")
    return settings


def _load(target: str) -> Any:
    place, _, name = target.rpartition(":")
    module = _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    if not hasattr(module, name):
        raise UsageError(f"{place} has no class {name}")
    return getattr(module, name)


def _load_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"codec_file_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"no Python file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up their annotations
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} does not run: {type(error).__name__}: {error}") from error
    return module


def _fields(codec_class: Any) -> dict[str, str]:
    """Options of a codec: its dataclass fields with the names of their types."""
    if not dataclasses.is_dataclass(codec_class):
        return {}
    return {f.name: f.type if isinstance(f.type, str) else f.type.__name__ for f in dataclasses.fields(codec_class)}


def _convert(label: str, name: str, kind: str, text: str) -> str | int | float | bool:
    try:
        if kind == "bool":
            return {"yes": True, "true": True, "no": False, "false": False}[text.lower()]
        if kind in ("int", "float"):
            return int(text) if kind == "int" else float(text)
    except (ValueError, KeyError) as error:
        raise UsageError(f"option {name} of codec {label} cannot be {text!r}") from error
    return text
