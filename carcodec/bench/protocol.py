"""Checks that a run measured what it claims to have measured."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from carcodec.errors import VerifyError
from carcodec.rows import Row

LIVE1_PICTURES = 29
LIVE1_JPEG_PSNR_DB = {"10": 25.69, "20": 28.06, "30": 29.37, "40": 30.28}
TOLERANCE_DB = 0.01


def check_live1(rows: Iterable[Row]) -> list[str]:
    """Pass if plain JPEG on the whole of LIVE1 gives the known mean RGB PSNR; parts of it are not judged.

    Returns:
        The qualities that were compared.

    Raises:
        VerifyError: another mean: the pictures, the JPEG encoder or the metric are not what they should be.
    """
    checked = []
    rows = [row for row in rows if row.dataset == "live1" and row.codec == "jpeg"]
    for setting, expected in LIVE1_JPEG_PSNR_DB.items():
        values = [row.rgb_psnr for row in rows if row.setting == setting]
        if len(values) != LIVE1_PICTURES:
            continue
        if abs(mean(values) - expected) > TOLERANCE_DB:
            raise VerifyError(
                f"plain JPEG at quality {setting} gives {mean(values):.3f} dB on LIVE1 where {expected} dB is known: "
                "the pictures or the protocol are not what they should be, and no number of this run counts"
            )
        checked.append(setting)
    return checked
