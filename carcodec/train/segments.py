"""How well maps are found on held-out scenes: on originals, from compact pictures, on JPEGs, and on JPEGs restored.

    python -m carcodec.train.segments data/segmentation segments.tsv

The file: comment lines, a line of column names, and one tab-separated line for each way. mIoU and accuracy count the
pixels of full size that have a label; one that a map puts into a group counts as wrong. Maps on originals and JPEGs are
SegNet's; `up_S` are its maps of pictures up-sampled from scale S, `mapped_S` the same corrected by SMapNet.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from carcodec import __version__
from carcodec.api import restore
from carcodec.models import cards
from carcodec.nn.segmentation import Segmenter, labels
from carcodec.runtime.building import build
from carcodec.train.scenes import Confusion, Labels, Picture, Scene, load_scenes, padded, pictures_to_levels
from carcodec.train.tasks.segmentation import N_NAMED, up_sampled

SCALES: Final = (8, 16, 32)
QUALITIES: Final = (10, 20)


@torch.inference_mode()
def score(segmenter: Segmenter, scenes: list[Scene]) -> dict[str, Confusion]:
    """Confusions by way, over all the scenes."""
    confusions: dict[str, Confusion] = {}
    for scene in tqdm(scenes, desc="scored", disable=None):
        for way, found in maps(segmenter, scene.picture):
            confusions.setdefault(way, Confusion(N_NAMED, len(segmenter.classes))).add(found, scene.labels)
    return confusions


def maps(segmenter: Segmenter, picture: Picture) -> Iterator[tuple[str, Labels]]:
    """Name of a way, and the map uint8[H,W] that it gives, for each of them."""
    height, width = picture.shape[:2]

    def found(scores: Tensor) -> Labels:
        each: Labels = labels(scores)[0, :height, :width].numpy()
        return each

    original = _levels(picture)
    yield "original", found(segmenter.segnet(original))
    for scale in SCALES:
        up = up_sampled(original, scale)
        scores = segmenter.segnet(up)
        yield f"up_{scale}", found(scores)
        yield f"mapped_{scale}", found(segmenter.smapnet(scores, up))
    for quality in QUALITIES:
        jpeg = _jpeg(picture, quality)
        for way, seen in (("jpeg", Image.open(io.BytesIO(jpeg))), ("restored", restore(jpeg))):
            yield f"{way}_{quality}", found(segmenter.segnet(_levels(np.asarray(seen))))


def table(confusions: dict[str, Confusion], classes: tuple[str, ...], facts: dict[str, str]) -> str:
    """The file's lines from the column names on; facts are columns of equal values, put first."""
    names = [*facts, "way", "mean_iou", "pixel_accuracy", *(f"iou_{name}" for name in classes[:N_NAMED])]
    lines = ["\t".join(names)]
    for way, confusion in confusions.items():
        figures = (confusion.mean_iou(), confusion.accuracy(), *confusion.ious())
        lines.append("\t".join([*facts.values(), way, *(f"{100 * figure:.2f}" for figure in figures)]))
    return "\n".join(lines) + "\n"


def installed() -> tuple[cards.Card, Segmenter]:
    """The segmenter that new files use.

    Raises:
        ModelMissing: none is installed.
    """
    card = cards.default("segmenter")
    segmenter = build(card)
    assert isinstance(segmenter, Segmenter)
    return card, segmenter


def _levels(picture: Picture) -> Tensor:
    return padded(pictures_to_levels([picture]))


def _jpeg(picture: Picture, quality: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality, subsampling="4:2:0", optimize=True)
    return out.getvalue()


def main() -> None:
    """The command of the module's first lines."""
    parser = argparse.ArgumentParser(prog="python -m carcodec.train.segments", description="Score the segmenter.")
    parser.add_argument("data", type=Path, help="folder of scenes: images/, labels/ and lists of names")
    parser.add_argument("output", type=Path, help="the file of figures, per cent; overwritten")
    parser.add_argument("--split", default="test", help="which list of names (default: test)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth scene, for a quick look")
    asked = parser.parse_args()
    card, segmenter = installed()
    scenes = load_scenes(asked.data, asked.split)[:: asked.every]
    facts = {"split": asked.split, "scenes": str(len(scenes)), "model": card.id}
    head = f"# carcodec {__version__} segments, {datetime.now(UTC).isoformat(timespec='seconds')}\n"
    models = f"# restored by {cards.default('restorer').id}; JPEG by Pillow, 4:2:0, optimised; figures in per cent\n"
    asked.output.write_text(head + models + table(score(segmenter, scenes), segmenter.classes, facts), "utf-8")


if __name__ == "__main__":
    main()
