"""Documents ask for nothing that the commands of the results page would not measure."""

import dataclasses
import random
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from carcodec.bench.measure import setting_name
from carcodec.bench.runner import settings_of
from carcodec.bench.table import parse_codecs, parse_settings
from carcodec.cli.main import group
from carcodec.report import documents
from carcodec.rows import format_row, parse_row, read_rows
from tests.conftest import ROOT

README = ROOT / "README.md"
# One page for each version, oldest first.
PAGES = sorted(ROOT.glob("docs/results/*/README.md"), key=lambda page: [int(n) for n in page.parent.name.split(".")])
DOCUMENTS = [README, *PAGES]


def commands(page):
    """Every `carcodec` command of a results page, as click understands it: name and options."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        for line in block.replace("\\\n", "").splitlines():
            program, name, *arguments = [*shlex.split(line), ""]
            assert program == "carcodec"
            command = group.get_command(click.Context(group), name)
            yield name, command.make_context(name, [part for part in arguments if part]).params


def report(page):
    """Options of the page's one `carcodec report`."""
    (options,) = (options for name, options in commands(page) if name == "report")
    return options


def page_behind(document):
    """The results page whose rows the document's numbers are printed from: the newest that says so."""
    return [page for page in PAGES if document in {ROOT / path for path in report(page)["update"]}][-1]


def measured(page, plain):
    """Rows as its commands would write them: same sets, codecs and settings, made-up numbers."""
    rng = random.Random(1)
    for name, options in commands(page):
        if name != "bench":
            continue
        chosen = parse_settings(options["qualities"]) if options["qualities"] else None
        for request in parse_codecs(options["codecs"]):
            for index, setting in enumerate(settings_of(request, request.build(), chosen)):
                codec = request.build()
                yield dataclasses.replace(
                    plain,
                    dataset=Path(options["dataset"]).name,
                    codec=request.label,
                    setting=setting_name(codec, setting),
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
    made_up = [parse_row(format_row(row)) for row in measured(page_behind(path), rows[0])]
    filled = documents.update(path.read_text("utf-8"), made_up)
    answers = [match[0] for match in documents.MARKED.finditer(filled) if match[1]]
    assert answers
    assert not [answer for answer in answers if re.search(r"-->\s*-?\s*<!-- end", answer)]
    assert documents.update(filled, made_up) == filled


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_numbers_are_those_of_the_committed_rows(path):
    rows = read_rows(sorted(page_behind(path).parent.glob("*.tsv")))
    text = path.read_text("utf-8")
    assert documents.update(text, rows) == text


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_number_begins_a_line(path):
    # Markdown takes a comment there for the end of the paragraph.
    assert not re.search(r"^ {0,3}<!-- number", path.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_rows_go_where_the_report_command_looks_for_them(page):
    outputs = [options["output"] for name, options in commands(page) if name == "bench"]
    asked = report(page)
    assert all(output.match(str(pattern)) for output in outputs for pattern in asked["results"])
    assert {ROOT / path.parent for path in [*outputs, *asked["results"]]} == {page.parent}
    assert page in {ROOT / path for path in asked["update"]}


def test_numbers_of_readme_are_those_of_one_version():
    updating = [page for page in PAGES if README in {ROOT / path for path in report(page)["update"]}]
    assert len(updating) == 1
    assert f"docs/results/{updating[0].parent.name}/" in README.read_text("utf-8")
