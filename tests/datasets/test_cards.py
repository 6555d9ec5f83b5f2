"""Known sets are recognised by their pixels; everything else is refused with a reason."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image

from carcodec.datasets.cards import (
    card_ids,
    open_dataset,
    open_folder,
    pixel_digest,
    read_card,
    samples_folder,
    verified_entries,
)
from carcodec.errors import InputError, UsageError

SIZES = {"live1": 29, "bsd500": 200, "classic5": 5, "kodak": 24, "samples": 6}


def test_cards_are_those_of_the_literature_and_the_samples():
    assert {name: len(read_card(name).pictures) for name in card_ids()} == SIZES


@pytest.mark.parametrize("name", sorted(SIZES))
def test_card_says_what_people_need(name):
    card = read_card(name)
    assert card.id == name
    assert all((card.title, card.licence, card.source))
    digests = [digest for digest in card.pictures.values() if digest]
    assert len(set(digests)) == len(digests)
    assert all(len(digest) == 64 for digest in digests)


def test_samples_are_found_whole_from_anywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    entries = open_dataset("samples", None)
    assert [entry.name for entry in entries] == sorted(read_card("samples").pictures)
    assert entries[0].load().dtype == np.uint8


def test_digest_is_over_shape_and_samples():
    flat = np.arange(12, dtype=np.uint8)
    digests = {pixel_digest(flat.reshape(shape)) for shape in [(2, 2, 3), (4, 3), (3, 4), (12, 1)]}
    assert len(digests) == 4
    assert pixel_digest(flat.reshape(3, 4)) == pixel_digest(np.asfortranarray(flat.reshape(3, 4)))


@pytest.fixture
def copied_samples(tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in samples_folder().glob("*.png"):
        shutil.copy(path, folder)
    return folder


def test_other_names_and_lossless_formats_are_the_same_pictures(copied_samples):
    Image.open(copied_samples / "coffee.png").save(copied_samples / "x.bmp")
    (copied_samples / "coffee.png").unlink()
    entries = {entry.name: entry.path.name for entry in verified_entries(read_card("samples"), copied_samples)}
    assert entries["coffee"] == "x.bmp"


def test_reencoded_picture_is_refused_by_name(copied_samples):
    Image.open(copied_samples / "coffee.png").save(copied_samples / "coffee.jpg", quality=95)
    (copied_samples / "coffee.png").unlink()
    with pytest.raises(InputError, match="coffee has other pixels"):
        verified_entries(read_card("samples"), copied_samples)


def test_missing_picture_is_named(copied_samples):
    (copied_samples / "rocket.png").unlink()
    with pytest.raises(InputError, match=r"lacks 1 of the 6 pictures .*rocket"):
        verified_entries(read_card("samples"), copied_samples)


def test_missing_set_says_where_to_put_it_and_where_to_get_it(tmp_path):
    with pytest.raises(InputError, match=r"Put its 29 pictures into .*/live1/\. .*Texas"):
        open_dataset("live1", tmp_path)
    with pytest.raises(InputError, match="CARCODEC_DATA"):
        open_dataset("live1", None)


def test_set_without_digests_goes_by_names(tmp_path):
    card = dataclasses.replace(read_card("kodak"), pictures={"kodim01": "", "kodim02": ""})
    for name in card.pictures:
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    assert not card.is_verifiable
    assert [entry.name for entry in verified_entries(card, tmp_path)] == ["kodim01", "kodim02"]


def test_any_folder_is_a_set_named_after_it(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("b.png", "a.bmp", "notes.txt"):
        (Image.new("RGB", (8, 8)).save(folder / name) if name != "notes.txt" else (folder / name).write_text("x"))
    entries = open_dataset(str(folder), None)
    assert [(entry.dataset, entry.name) for entry in entries] == [("mine", "a"), ("mine", "b")]


def test_folder_without_pictures_or_with_a_name_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match="no pictures"):
        open_folder(tmp_path)
    for name in ("a.png", "a.bmp"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    with pytest.raises(InputError, match="two pictures named a"):
        open_folder(tmp_path)


def test_name_that_is_neither_set_nor_folder_is_refused():
    with pytest.raises(UsageError, match="neither a data set"):
        open_dataset("live2", None)
