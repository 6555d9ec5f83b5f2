"""Cards of the known data sets, and the pictures behind them.

A card (`<id>.toml` beside this module) says what the set is, where it may be had, in which folders
of the data root it is looked for, and the SHA-256 of each picture's *pixels*: file names and formats
may differ, the pictures may not. Nothing is ever downloaded.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from carcodec.errors import InputError, LimitError, UsageError
from carcodec.pixels import Image
from carcodec.pixels.io import load_picture
from carcodec.suffixes import PICTURES


@dataclass(frozen=True)
class Card:
    """What is known of a data set.

    Attributes:
        id: its name on the command line and in rows.
        title, licence, source: for people; `source` says where it may be had.
        folders: below the data root, the first that exists is taken.
        pictures: name -> SHA-256 of its pixels as `pixel_digest` takes it; an empty text where
            nobody could compute it yet.
    """

    id: str
    title: str
    licence: str
    source: str
    folders: tuple[str, ...]
    pictures: dict[str, str]

    @property
    def is_verifiable(self) -> bool:
        """Whether the card has digests to compare with."""
        return all(self.pictures.values())


@dataclass(frozen=True)
class Entry:
    """One picture of a set: where it stands, not yet read."""

    dataset: str
    name: str
    path: Path

    def load(self) -> Image:
        """uint8[H,W,3] or [H,W].

        Raises:
            InputError: not a picture that can be read; LimitError: too large. The message names it.
        """
        try:
            return load_picture(self.path).array
        except (InputError, LimitError) as error:
            raise type(error)(f"{self.path}: {error}") from error


def card_ids() -> list[str]:
    """Names of the known sets."""
    return sorted(
        file.name.removesuffix(".toml") for file in files(__package__).iterdir() if file.name.endswith(".toml")
    )


def read_card(name: str) -> Card:
    """The card of a known set.

    Raises:
        UsageError: no set of that name.
    """
    file = files(__package__) / f"{name}.toml"
    if name not in card_ids():
        raise UsageError(f"no data set is named {name!r}; there are: {', '.join(card_ids())}, and any folder")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    facts = {key: table[key] for key in ("id", "title", "licence", "source")}
    return Card(**facts, folders=tuple(table["folders"]), pictures=table["pictures"])


def open_dataset(name: str, data_dir: Path | None) -> list[Entry]:
    """The pictures of a known set, or of any folder, in order of their names.

    Args:
        name: id of a card, or a folder.
        data_dir: the data root; not needed for `samples` and folders.

    Raises:
        InputError: the set is not there (the message says where to put it), not complete, or holds
            other pictures than its card says.
        UsageError: neither a known set nor a folder.
    """
    if name not in card_ids():
        if Path(name).is_dir():
            return open_folder(Path(name))
        raise UsageError(f"{name!r} is neither a data set ({', '.join(card_ids())}) nor a folder")
    card = read_card(name)
    folder = find_folder(card, data_dir)
    if folder is None:
        raise InputError(how_to_get(card, data_dir))
    return verified_entries(card, folder)


def open_folder(folder: Path) -> list[Entry]:
    """All pictures of a folder; the set takes the folder's name.

    Raises:
        InputError: there are none, or two differ in their suffix only.
    """
    paths = picture_paths(folder)
    if not paths:
        raise InputError(f"no pictures in {folder} ({', '.join(PICTURES)})")
    names = [path.stem for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{folder} has two pictures named {twice[0]}")
    return [Entry(folder.resolve().name, path.stem, path) for path in paths]


def find_folder(card: Card, data_dir: Path | None) -> Path | None:
    """Where the set stands, or None."""
    if card.id == "samples":
        return samples_folder()
    if data_dir is None:
        return None
    return next((data_dir / name for name in card.folders if (data_dir / name).is_dir()), None)


def samples_folder() -> Path | None:
    """The pictures that come with carcodec: beside this module where it is installed, else those of the checkout."""
    beside = Path(str(files(__package__)))
    checkout = beside.parent.parent
    return next((folder for folder in (beside / "samples", checkout / "samples") if folder.is_dir()), None)


def picture_paths(folder: Path) -> list[Path]:
    """Files of a folder whose names are those of pictures, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.is_file())


def verified_entries(card: Card, folder: Path) -> list[Entry]:
    """The pictures of a card in a folder, recognised by their pixels under whatever file name.

    Raises:
        InputError: one is missing or has other pixels.
    """
    paths = picture_paths(folder)
    if not card.is_verifiable:
        found = {path.stem: path for path in paths}
    else:
        by_digest = {pixel_digest(load_picture(path).array): path for path in paths}
        found = {name: by_digest[digest] for name, digest in card.pictures.items() if digest in by_digest}
    missing = [name for name in card.pictures if name not in found]
    if missing:
        raise InputError(_complaint(card, folder, missing, {path.stem for path in paths}))
    return [Entry(card.id, name, found[name]) for name in sorted(card.pictures)]


def pixel_digest(pixels: Image) -> str:
    """SHA-256 over `height width channels` in decimal, a line feed, then the samples row by row."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    header = f"{pixels.shape[0]} {pixels.shape[1]} {channels}\n".encode()
    return hashlib.sha256(header + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def short_digest(pixels: Image) -> str:
    """What tells pictures of one name apart in a results file."""
    return pixel_digest(pixels)[:16]


def how_to_get(card: Card, data_dir: Path | None) -> str:
    """What a person must do to have the set."""
    root = "no data folder is named (--data-dir or CARCODEC_DATA)" if data_dir is None else f"not below {data_dir}"
    place = f"{data_dir or 'DATA'}/{card.folders[0]}"
    n_pictures = len(card.pictures)
    return f"data set {card.id} is not there: {root}. Put its {n_pictures} pictures into {place}/. {card.source}"


def _complaint(card: Card, folder: Path, missing: Sequence[str], stems: set[str]) -> str:
    changed = [name for name in missing if name in stems]
    if changed:
        return (
            f"{folder} does not hold {card.title}: {_few(changed)} has other pixels than the published picture "
            "(re-encoded, resized or converted?)"
        )
    return f"{folder} lacks {len(missing)} of the {len(card.pictures)} pictures of {card.title}: {_few(missing)}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
