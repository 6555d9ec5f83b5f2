"""Mode numbers to modes. A new mode is one file and one line here."""

from __future__ import annotations

from carcodec.ids import Mode
from carcodec.modes.base import FileMode
from carcodec.modes.blind import BlindMode
from carcodec.modes.jpeg import JpegFile
from carcodec.modes.layered import LayeredMode
from carcodec.modes.side import SideMode

MODES: dict[Mode, FileMode] = {
    Mode.SIDE: JpegFile(SideMode()),
    Mode.BLIND: JpegFile(BlindMode()),
    Mode.LAYERED: LayeredMode(),
}
