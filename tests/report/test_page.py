"""The page: one file, nothing from outside, every number from the rows."""

import base64
import dataclasses
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from carcodec.report.heatmap import heatmap
from carcodec.report.look import OWN_COLOURS

VOID = {"meta", "input", "img", "br"}


class _Balance(HTMLParser):
    """Every element that begins, ends."""

    def __init__(self):
        super().__init__()
        self.open, self.ids = [], []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def _data(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


@pytest.fixture
def text(rows, small_page):
    return small_page(rows)


def test_page_is_whole_and_needs_nothing_from_outside(text):
    parser = _Balance()
    parser.feed(text)
    assert parser.open == []
    assert len(set(parser.ids)) == len(parser.ids)
    assert "{{" not in text
    addresses = re.findall(r"""(?:src|href)\s*=\s*["'](.*?)["']|url\((.*?)\)|@import""", text)
    assert addresses == []
    assert re.findall(r"https?://[\w.]+", text.replace("http://www.w3.org/2000/svg", "")) == []


def test_data_are_those_of_the_rows(text, rows):
    data = _data(text)
    assert [metric["label"] for metric in data["metrics"]][:2] == ["RGB PSNR (dB)", "Y PSNR (dB)"]
    (dataset,) = data["datasets"]
    assert dataset["images"] == ["a", "b", "c"]
    assert [codec["label"] for codec in dataset["codecs"]] == ["carcodec", "jpeg"]
    assert dataset["bd"] == [pytest.approx([-50, -40, -20]), None]
    assert len(dataset["rows"]) == len([row for row in rows if row.setting != "lossless"])


def test_ours_comes_first_and_the_anchor_last_whatever_the_order_of_the_files(rows, small_page):
    variant = [dataclasses.replace(row, codec="carcodec-blind") for row in rows if row.codec == "carcodec"]
    rival = [dataclasses.replace(row, codec="webp") for row in rows if row.codec == "carcodec"]
    (dataset,) = _data(small_page([*rival, *variant, *rows]))["datasets"]
    assert [codec["label"] for codec in dataset["codecs"]] == ["carcodec", "carcodec-blind", "webp", "jpeg"]
    assert dataset["codecs"][0]["colour"] == OWN_COLOURS[0]


def test_lead_says_what_the_rows_say(text):
    assert "carcodec needs <strong>35.8 % fewer bits</strong> than plain JPEG" in text


def test_shown_pictures_are_lossless(text):
    versions = _data(text)["showcase"][0]["versions"]
    kind, _, payload = versions[1]["src"].partition(",")
    assert kind == "data:image/webp;base64"
    assert np.array_equal(Image.open(io.BytesIO(base64.b64decode(payload))), np.full((48, 64, 3), 120))


def test_names_cannot_break_out_of_the_page(rows, small_page):
    nasty = "</script><script>alert(1)</script>"
    renamed = [dataclasses.replace(row, dataset=nasty, image=row.image + nasty, versions=nasty) for row in rows]
    text = small_page(renamed)
    assert nasty not in text
    assert _data(text)["datasets"][0]["images"][0] == "a" + nasty
    assert "A &lt;title&gt; &amp; more" in text


def test_heatmap_is_black_where_equal_and_brightest_at_full_scale():
    reference = np.zeros((50, 50, 3), np.uint8)
    image = reference.copy()
    image[:25, :, 1] = 40
    picture, full_scale = heatmap(reference, image)
    assert full_scale == 40
    assert picture[0, 0].tolist() == [252, 255, 164]
    assert picture[49, 49].tolist() == [0, 0, 4]
