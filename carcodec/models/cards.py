"""Model cards: what each installed model is, by a number that never changes its meaning.

A card is `<id>.toml`. A new model is a new card with a new number and a new weight file; which one new files
use stands in `defaults.toml`. Weights are read by `files`; networks are built by `carcodec.runtime`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from carcodec.container.payloads import DIGEST_BYTES, ModelRef
from carcodec.errors import FormatError, ModelMissing

SHIPPED = Path(__file__).parent
MAX_NUMBER = 0xFFFF
ROLES = {  # role -> must its model be exact?
    "restorer": False,
    "extractor": False,
    "context": True,
    "segmenter": True,
    "compact": False,
    "fine": True,
    "samples": True,
}
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Card:
    """One model.

    Attributes:
        number: 1..65535, append-only: what files name.
        id: such as "restorer-1"; also the name of the card's file.
        role: a key of `ROLES`.
        network: which class, by its name in the table of `carcodec.runtime`; "frozen" for integer models.
        exact: integers only, equal on every machine; False: float, results may round differently.
        arguments: of the network's constructor.
        partner: number of the model it was trained with and is of no use without (0: none).
        file: name of the weight file, beside the card.
        sha256, size: of that file, in hexadecimal and bytes.
        parameters: how many weights.
        recipe, data, licence: how it was trained, on what, and what one may do with it.
        training_hours: wall time, by the run's own log.
        validation: figures on the validation photographs, in dB unless the name says otherwise.
        date: of the export.
    """

    number: int
    id: str
    role: str
    network: str
    exact: bool
    file: str
    sha256: str
    size: int
    parameters: int
    recipe: str
    data: str
    licence: str
    training_hours: float
    date: date
    partner: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict)
    validation: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        exact_as_needed = self.exact == ROLES.get(self.role)
        least = min(self.size, self.parameters, self.training_hours, self.partner)
        rules = {
            f"number must be 1..{MAX_NUMBER}": 1 <= self.number <= MAX_NUMBER,
            "id must be words of a-z and 0-9 joined by hyphens": ID.fullmatch(self.id),
            f"role must be one of {', '.join(ROLES)}": self.role in ROLES,
            "a model whose output reaches the entropy coder must be exact, others not": exact_as_needed,
            "file must carry the id": self.file == f"{self.id}.safetensors",
            "sha256 must be 64 hexadecimal digits": SHA256.fullmatch(self.sha256),
            "size, parameters, training_hours and partner must not be negative": least >= 0,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise ValueError(f"model card {self.id!r}: {'; '.join(broken)}")

    @property
    def digest6(self) -> bytes:
        """The first bytes of the weight file's SHA-256: right number, right weights."""
        return bytes.fromhex(self.sha256)[:DIGEST_BYTES]

    @property
    def reference(self) -> ModelRef:
        """What a `.car` writes to name this model."""
        return ModelRef(self.number, self.digest6)


def cards(folder: Path = SHIPPED) -> tuple[Card, ...]:
    """All cards of a folder, by number.

    Raises:
        ValueError: a card breaks a rule, or two share a number.
    """
    texts = [
        entry.read_text("utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml") and entry.name != "defaults.toml"
    ]
    found = sorted((parse(text) for text in texts), key=lambda each: each.number)
    numbers = [each.number for each in found]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"two model cards share a number: {numbers}")
    return tuple(found)


def card(number: int, folder: Path = SHIPPED) -> Card:
    """The card of a number.

    Raises:
        ModelMissing: no such model is installed.
    """
    for each in cards(folder):
        if each.number == number:
            return each
    raise ModelMissing(f"model {number} is not installed")


def find(number: int, digest6: bytes, role: str, folder: Path = SHIPPED) -> Card:
    """The card that a file names.

    Raises:
        ModelMissing: not installed, or installed with other weights.
        FormatError: the file asks a model of another role for this one.
    """
    needed = f"the file needs model {number} with digest {digest6.hex()}"
    found = next((each for each in cards(folder) if each.number == number), None)
    if found is None:
        raise ModelMissing(f"{needed}, which is not installed")
    if found.digest6 != digest6:
        raise ModelMissing(f"{needed}, and the installed model {number} ({found.id}) has digest {found.digest6.hex()}")
    if found.role != role:
        raise FormatError(f"the file takes model {number} ({found.id}) for a {role}, and it is a {found.role}")
    return found


def partner_of(each: Card, role: str, folder: Path = SHIPPED) -> Card | None:
    """The newest model of a role that was trained together with this one, None if there is none."""
    return next(
        (other for other in reversed(cards(folder)) if other.role == role and other.partner == each.number), None
    )


def default(role: str, folder: Path = SHIPPED) -> Card:
    """The card that new files use in a role.

    Raises:
        ModelMissing: none is installed for it.
        ValueError: `defaults.toml` names a model of another role.
    """
    number = tomllib.loads((folder / "defaults.toml").read_text("utf-8")).get(role)
    if number is None:
        raise ModelMissing(f"no model is installed for the role {role!r}")
    chosen = card(number, folder)
    if chosen.role != role:
        raise ValueError(f"defaults.toml gives {role!r} the model {chosen.id}, whose role is {chosen.role!r}")
    return chosen


def parse(text: str) -> Card:
    """A card from its TOML.

    Raises:
        ValueError: not TOML, a key missing or unknown, or a rule of `Card` broken.
    """
    table = tomllib.loads(text)
    known = {each.name for each in fields(Card)}
    if strangers := table.keys() - known:
        raise ValueError(f"model card: unknown keys {sorted(strangers)}")
    try:
        return Card(**table)
    except TypeError as error:
        raise ValueError(f"model card {table.get('id')!r}: {error}") from error


def as_toml(each: Card) -> str:
    """The TOML of a card; `parse` gives the card back."""
    table = asdict(each)
    tables = {name: table.pop(name) for name in ("arguments", "validation")}
    lines = [f"{name} = {_value(value)}" for name, value in table.items()]
    for name, content in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in content.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    # JSON's strings, numbers, booleans and lists are TOML's too; TOML's dates are bare.
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
