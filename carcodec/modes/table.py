"""Mode numbers to modes. A new mode is one file and one line here."""

from __future__ import annotations

from carcodec.ids import Mode
from carcodec.modes.base import JpegMode
from carcodec.modes.blind import BlindMode
from carcodec.modes.side import SideMode

MODES: dict[Mode, JpegMode] = {Mode.SIDE: SideMode(), Mode.BLIND: BlindMode()}
