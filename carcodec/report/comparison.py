"""One picture of several codecs side by side: the same crop of each, enlarged, with a caption below."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from carcodec.report.look import OWN, OWN_COLOURS
from carcodec.report.page import Version

SCALE = 3
MARGIN_PX, GAP_PX = 16, 12
LABEL_PX, CAPTION_PX = 28, 23  # sizes of the letters
LABEL_DOWN_PX, CAPTION_DOWN_PX, FOOT_PX = 10, 42, 78  # below the crops
PAPER, INK, PALE_INK = "#ffffff", "#16191d", "#5c636a"


def comparison(versions: Sequence[Version]) -> PillowImage.Image:
    """RGB picture of crops of the same size in a row; carcodec's label stands in its colour."""
    height, width = (SCALE * side for side in versions[0].pixels.shape[:2])
    sheet_px = (2 * MARGIN_PX + len(versions) * (width + GAP_PX) - GAP_PX, MARGIN_PX + height + FOOT_PX)
    sheet = PillowImage.new("RGB", sheet_px, PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, version in enumerate(versions):
        left, bottom = MARGIN_PX + index * (width + GAP_PX), MARGIN_PX + height
        crop = PillowImage.fromarray(version.pixels).convert("RGB")
        # Nearest: what the codecs did must not be smoothed by the enlargement.
        sheet.paste(crop.resize((width, height), PillowImage.Resampling.NEAREST), (left, MARGIN_PX))
        colour = OWN_COLOURS[0] if version.label.startswith(OWN) else INK
        draw.text((left, bottom + LABEL_DOWN_PX), version.label, colour, ImageFont.load_default(LABEL_PX))
        draw.text((left, bottom + CAPTION_DOWN_PX), version.caption, PALE_INK, ImageFont.load_default(CAPTION_PX))
    return sheet
