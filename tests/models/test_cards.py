from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from carcodec.container.payloads import ModelRef
from carcodec.errors import FormatError, ModelMissing
from carcodec.models.cards import ROLES, SHIPPED, Card, as_toml, card, cards, default, find, parse, partner_of
from carcodec.models.files import load_bytes
from carcodec.models.page import filled
from tests.stubs.models import card_of

PAGE = Path(__file__).parent.parent.parent / "docs" / "models.md"
STUB = card_of(b"weights", arguments={"widths": [8, 12], "name": 'a "quoted" word'}, validation={"q10": 1.25})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Cards 2 (restorer, the default) and 3 (its extractor), without weights."""
    extractor = card_of(b"extractor", number=3, id="extractor-1", role="extractor", network="extractor", partner=2)
    for each in (card_of(b"restorer", number=2, id="restorer-1"), extractor):
        (tmp_path / f"{each.id}.toml").write_text(as_toml(each))
    (tmp_path / "defaults.toml").write_text("restorer = 2\nextractor = 2\n")
    return tmp_path


def test_a_card_comes_back_from_its_toml() -> None:
    assert parse(as_toml(STUB)) == STUB


def test_the_reference_is_the_number_and_six_bytes_of_the_sha256() -> None:
    # SHA-256 of b"weights", by sha256sum.
    assert STUB.reference == ModelRef(9, bytes.fromhex("9a129038d9a0"))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"number": 0}, "number"),
        ({"number": 65536}, "number"),
        ({"id": "Restorer_1"}, "id must"),
        ({"role": "chef"}, "role"),
        ({"exact": True}, "exact"),
        ({"role": "context"}, "exact"),
        ({"file": "../stub-1.safetensors"}, "file"),
        ({"sha256": "12"}, "sha256"),
        ({"size": -1}, "size"),
    ],
)
def test_a_card_that_breaks_a_rule_says_which(change: dict[str, object], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        replace(STUB, **change)  # type: ignore[arg-type]


def test_unknown_and_missing_keys_of_a_card_are_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        parse('colour = "red"\n' + as_toml(STUB))
    with pytest.raises(ValueError, match="licence"):
        parse(as_toml(STUB).replace('licence = "MIT"\n', ""))


def test_cards_are_found_by_number_reference_role_and_partner(folder: Path) -> None:
    restorer, extractor = cards(folder)
    assert card(3, folder) == extractor
    assert find(2, restorer.digest6, "restorer", folder) == restorer
    assert default("restorer", folder) == restorer
    assert partner_of(restorer, "extractor", folder) == extractor
    assert partner_of(extractor, "restorer", folder) is None


def test_a_model_that_is_not_installed_is_named_by_number_and_digest(folder: Path) -> None:
    with pytest.raises(ModelMissing, match=r"model 7 with digest 010203040506, which is not installed"):
        find(7, bytes([1, 2, 3, 4, 5, 6]), "restorer", folder)


def test_a_model_with_other_weights_is_missing_and_both_digests_are_named(folder: Path) -> None:
    installed = card(2, folder).digest6.hex()
    with pytest.raises(ModelMissing, match=rf"digest 000000000000, .*installed model 2 .* digest {installed}"):
        find(2, bytes(6), "restorer", folder)


def test_a_file_cannot_use_a_model_in_another_role(folder: Path) -> None:
    with pytest.raises(FormatError, match="extractor-1"):
        find(3, card(3, folder).digest6, "restorer", folder)


def test_default_of_a_role_without_model_is_missing_and_of_the_wrong_role_is_a_defect(folder: Path) -> None:
    with pytest.raises(ModelMissing, match="context"):
        default("context", folder)
    with pytest.raises(ValueError, match=r"defaults\.toml"):
        default("extractor", folder)


def test_two_cards_of_one_number_are_refused(folder: Path) -> None:
    (folder / "other-1.toml").write_text(as_toml(card_of(b"", number=2, id="other-1")))
    with pytest.raises(ValueError, match="share a number"):
        cards(folder)


@pytest.mark.parametrize("shipped", cards(), ids=lambda each: each.id)
def test_a_shipped_card_stands_under_its_id_and_its_weights_are_the_ones_it_names(shipped: Card) -> None:
    assert parse((SHIPPED / f"{shipped.id}.toml").read_text("utf-8")) == shipped
    assert len(load_bytes(shipped)) == shipped.size
    assert shipped.data
    assert shipped.licence
    assert shipped.validation


def test_shipped_defaults_and_partners_exist() -> None:
    for role in {each.role for each in cards()} - {"extractor"}:
        assert default(role).role == role
    for each in cards():
        assert not each.partner or card(each.partner).role in ROLES


def test_the_models_page_shows_exactly_the_installed_cards() -> None:
    page = PAGE.read_text("utf-8")
    assert page == filled(page, cards())


def test_a_page_without_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="mark"):
        filled("# Models\n", [STUB])
