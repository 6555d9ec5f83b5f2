"""Documents ask for nothing that the commands of the results page would not measure."""

import dataclasses
import random
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from carcodec.bench.runner import settings_of
from carcodec.bench.table import parse_codecs, parse_settings
from carcodec.cli.main import group
from carcodec.report import documents
from carcodec.rows import format_row, parse_row
from tests.conftest import ROOT

RESULTS = sorted(ROOT.glob("docs/results/*/README.md"))
DOCUMENTS = [ROOT / "README.md", *RESULTS]


def commands():
    """Every `carcodec` command of the results pages, as click understands it: name and options."""
    for path in RESULTS:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text("utf-8"), re.DOTALL):
            for line in block.replace("\\\n", "").splitlines():
                program, name, *arguments = [*shlex.split(line), ""]
                assert program == "carcodec"
                command = group.get_command(click.Context(group), name)
                yield name, command.make_context(name, [part for part in arguments if part]).params


def measured(plain):
    """Rows as those commands would write them: same sets, codecs and settings, made-up numbers."""
    rng = random.Random(1)
    for name, options in commands():
        if name != "bench":
            continue
        chosen = parse_settings(options["qualities"]) if options["qualities"] else None
        for request in parse_codecs(options["codecs"]):
            for index, setting in enumerate(settings_of(request, request.build(), chosen)):
                yield dataclasses.replace(
                    plain,
                    dataset=Path(options["dataset"]).name,
                    codec=request.label,
                    setting=f"{setting:g}",
                    bpp=0.1 * 1.5**index * rng.uniform(0.9, 1.1),
                    rgb_psnr=25 + 2 * index + rng.random(),
                    y_psnr=26 + 2 * index + rng.random(),
                    ms_ssim=1 - 0.1 / 2 ** (index + rng.random() / 2),
                    jpeg_bytes=900,
                    side_bytes=60,
                    framing_bytes=40,
                    process_encode_s=2.5,
                    process_decode_s=1.5,
                    peak_mib=400.0,
                )


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_marker_is_answered_by_the_rows_of_the_commands(path, rows, monkeypatch):
    monkeypatch.setattr(documents, "default", lambda role: SimpleNamespace(size=3_000_000))
    made_up = [parse_row(format_row(row)) for row in measured(rows[0])]
    filled = documents.update(path.read_text("utf-8"), made_up)
    answers = [match[0] for match in documents.MARKED.finditer(filled) if match[1]]
    assert answers
    assert not [answer for answer in answers if re.search(r"-->\s*-?\s*<!-- end", answer)]
    assert documents.update(filled, made_up) == filled


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_number_begins_a_line(path):
    # Markdown takes a comment there for the end of the paragraph.
    assert not re.search(r"^ {0,3}<!-- number", path.read_text("utf-8"), re.MULTILINE)


def test_rows_go_where_the_report_command_looks_for_them():
    outputs = [options["output"] for name, options in commands() if name == "bench"]
    (report,) = (options for name, options in commands() if name == "report")
    assert all(output.match(str(pattern)) for output in outputs for pattern in report["results"])
    assert {ROOT / path for path in report["update"]} == set(DOCUMENTS)
