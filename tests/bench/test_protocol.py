"""The anchor of LIVE1 guards the protocol."""

from types import SimpleNamespace

import pytest

from carcodec.bench.protocol import LIVE1_JPEG_PSNR_DB, check_live1
from carcodec.errors import VerifyError


def _rows(shift_db, n_pictures=29):
    return [
        SimpleNamespace(dataset="live1", codec="jpeg", setting=setting, rgb_psnr=value + shift_db + (i - 14) * 0.1)
        for setting, value in LIVE1_JPEG_PSNR_DB.items()
        for i in range(n_pictures)
    ]


def test_known_means_pass_and_are_named():
    assert check_live1(_rows(0.009)) == ["10", "20", "30", "40"]


@pytest.mark.parametrize("shift_db", [-0.02, 0.02])
def test_other_means_fail_loudly(shift_db):
    with pytest.raises(VerifyError, match=r"plain JPEG at quality 10 gives 25\.\d+ dB on LIVE1 where 25\.69"):
        check_live1(_rows(shift_db))


def test_part_of_the_set_is_not_judged():
    assert check_live1(_rows(5, n_pictures=28)) == []
