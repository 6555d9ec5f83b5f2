"""The page in a real browser without a window, from a file, as people use it.

A script is put behind the page's own; it presses, drags and reads, and what it found comes back through
the browser's dump of the document.
"""

import dataclasses
import json
import math
import re
import shutil
import subprocess

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser: none of {', '.join(BROWSERS)} is installed"),
]

DRIVER = """
const found = {};
const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const choose = (id, text) => {
  const select = document.getElementById(id);
  select.value = [...select.options].find((option) => option.textContent.startsWith(text)).value;
  select.dispatchEvent(new Event("change"));
};
const pointer = (target, kind, x, y) =>
  target.dispatchEvent(new PointerEvent(kind, { clientX: x, clientY: y, bubbles: true, pointerId: 1 }));
window.onerror = (message) => { found.error = message; };
Element.prototype.setPointerCapture = () => {};
window.addEventListener("load", () => setTimeout(() => {
  try { steps(); } catch (error) { found.error = String(error); }
  const out = document.createElement("script");
  out.type = "application/json";
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
}, 200));
"""


def _drive(text, tmp_path, steps, width=1200, dark=False):
    """What `steps` put into `found`, in a window of that width."""
    script = f"<script>{DRIVER}\nfunction steps() {{ {steps} }}</script></body>"
    path = tmp_path / "index.html"
    path.write_text(text.replace("</body>", script), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000"]
    command += [f"--window-size={width},1600", f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    command += ["--proxy-server=http://127.0.0.1:1"]  # nobody is there: a page that asks the network gets nothing
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    match = re.search(r'<script type="application/json" id="found">(.*?)</script>', done.stdout.decode(), re.DOTALL)
    assert match, done.stderr.decode()[-500:]
    found = json.loads(match[1])
    assert "error" not in found, found
    return found


@pytest.fixture
def text(rows, small_page):
    return small_page(rows)


def test_curves_answer_the_mouse(text, tmp_path):
    steps = """
      const point = state.points.find((p) => p.codec.label === "carcodec" && p.point.row.setting === "30");
      const svg = one("#chart svg"), box = svg.getBoundingClientRect(), zoom = box.width / svg.viewBox.baseVal.width;
      pointer(svg, "pointermove", box.left + point.x * zoom + 2, box.top + point.y * zoom + 2);
      found.tip = one(".tip").textContent;
      found.shown = !one(".tip").hidden;
      pointer(svg, "pointermove", box.left + 1, box.top + 1);
      found.away = one(".tip").hidden;
      svg.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
      svg.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
      found.keys = one(".tip strong").textContent;
    """
    found = _drive(text, tmp_path, steps)
    assert found["shown"]
    assert found["away"]
    assert found["tip"].startswith("carcodec 30")
    assert "RGB PSNR (dB): 39.00" in found["tip"]
    assert found["keys"] == "jpeg 20"


def test_codec_can_be_hidden_and_another_metric_chosen(text, tmp_path):
    steps = """
      found.before = all("#chart .curve").length;
      one("#legend button").click();
      found.after = all("#chart .curve").length;
      choose("metric", "MS-SSIM");
      found.axis = all("#chart text").map((text) => text.textContent).at(-1);
    """
    found = _drive(text, tmp_path, steps)
    assert (found["before"], found["after"]) == (2, 1)
    assert found["axis"].startswith("MS-SSIM (dB")


def test_sections_that_have_nothing_to_show_are_hidden(rows, small_page, tmp_path):
    bare = [dataclasses.replace(row, dataset="bare") for row in rows if row.codec == "carcodec"]
    lossless = [dataclasses.replace(row, dataset="exact") for row in rows if row.setting == "lossless"]
    steps = """
      found.hidden = {};
      for (const option of one("#dataset").options) {
        choose("dataset", option.textContent);
        const hidden = all("main section").filter((section) => section.hidden);
        found.hidden[option.textContent] = hidden.map((section) => section.querySelector("h2").id);
      }
    """
    found = _drive(small_page([*rows, *bare, *lossless]), tmp_path, steps)
    assert found["hidden"] == {"set": [], "bare": ["saved-title"], "exact": ["curves-title", "single-title"]}


def test_per_picture_table_sorts_and_leads_to_the_picture(rows, small_page, tmp_path):
    steps = """
      const names = () => all("#per-picture tbody tr td:first-child").map((cell) => cell.textContent);
      all("#per-picture th button")[1].click();
      found.rising = names();
      all("#per-picture th button")[1].click();
      found.falling = names();
      found.state = all("#per-picture th")[1].getAttribute("aria-sort");
      one("#per-picture tbody button").click();
      found.title = one("#rows-title").textContent;
      found.picture = one("#picture").selectedOptions[0].textContent;
      found.rows = all("#rows tbody tr").length;
      found.first = one("#rows tbody td").textContent;
      found.heads = all("#rows th").map((head) => head.textContent);
    """
    rows = [dataclasses.replace(row, decode_s=math.nan) for row in rows]
    found = _drive(small_page(rows), tmp_path, steps)
    assert found["rising"] == ["a", "b", "c"]
    assert found["falling"] == ["c", "b", "a"]
    assert found["state"] == "descending"
    assert (found["title"], found["picture"], found["rows"]) == ("Rows of c", "c", 10)
    assert found["first"] == "carcodec"
    assert found["heads"][-1] == "encode s", "decode s is not told: nobody measured it"


def test_slider_zoom_and_sides(text, tmp_path):
    steps = """
      const stage = one("#stage"), box = stage.getBoundingClientRect();
      found.captions = [one("#left-caption").textContent, one("#right-caption").textContent];
      found.loaded = all("#stage img").map((image) => [image.naturalWidth, image.naturalHeight]);
      pointer(stage, "pointerdown", box.left + box.width / 4, box.top + 5);
      pointer(stage, "pointerup", box.left + box.width / 4, box.top + 5);
      found.dragged = [one("#divider").style.left, one("#right-layer").style.clipPath, one("#split").value];
      one("#split").value = 80;
      one("#split").dispatchEvent(new Event("input"));
      found.keyed = one("#divider").style.left;
      all("#zooms button")[2].click();
      found.zoomed = one("#left-image").style.transform;
      found.same = one("#left-image").style.transform === one("#right-image").style.transform;
      choose("left", "original");
      found.left = one("#left-image").alt;
      choose("shown", "c");
      found.fetched = performance.getEntriesByType("resource").map((entry) => entry.name.slice(0, 40));
      found.kept = [one("#left-image").alt, one("#left-image").style.transform.endsWith("scale(1)")];
    """
    found = _drive(text, tmp_path, steps)
    assert found["captions"] == ["jpeg: caption", "carcodec: caption"]
    assert found["loaded"] == [[64, 48], [64, 48]]
    assert found["dragged"] == ["25%", "inset(0px 0px 0px 25%)", "25"]
    assert found["keyed"] == "80%"
    assert found["zoomed"].endswith("scale(4)")
    assert found["same"]
    assert found["left"] == "a: original"
    assert found["kept"] == ["c: original", True]
    assert [name for name in found["fetched"] if not name.startswith("data:")] == []


@pytest.mark.parametrize("width", [500, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_window_and_the_ground_fits_the_scheme(text, tmp_path, width, dark):
    steps = """
      found.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
      found.ground = getComputedStyle(document.body).backgroundColor;
    """
    found = _drive(text, tmp_path, steps, width, dark)
    assert found["overflow"] <= 0
    assert found["ground"] == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
