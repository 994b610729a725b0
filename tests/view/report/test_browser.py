"""The page in a browser: no message, no request, light and dark, wide and narrow."""

from __future__ import annotations

import shutil

import pytest

import symbp as sb
from tests.view.test_html import EVIL, evil_derivation

webdriver = pytest.importorskip("selenium.webdriver")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver")

SWITCHES = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars
--disable-dev-shm-usage --disable-background-networking --disable-component-update --disable-sync"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in [*SWITCHES.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=Service(DRIVER)) as driver:
        yield driver


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    net = sb.mlp([3, 4, 4, 2], activation="elu", loss="softmax_cross_entropy", labels=True)
    return {
        "network": sb.compile(net).report(folder / "network.html"),
        "hostile": sb.compile(evil_derivation(EVIL).network, cache=False).report(folder / "hostile.html"),
    }


def open_at(browser, path, width, dark=False):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    browser.get(path.as_uri())


@pytest.mark.parametrize("name", ["network", "hostile"])
@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_reported_requested_or_wider_than_the_page(browser, pages, name, width):
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    open_at(browser, pages[name], width)
    assert browser.get_log("browser") == []
    requests = [e["message"] for e in browser.get_log("performance") if 'requestWillBeSent"' in e["message"]]
    assert all(pages[name].as_uri() in r for r in requests)
    widths = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    whole, seen = browser.execute_script(widths)
    assert whole <= seen == width
    assert browser.execute_script("return document.scripts.length") == 0


@pytest.mark.parametrize("width", [360, 1200])
def test_no_formula_is_higher_than_its_box(browser, pages, width):
    """A fraction that stands out of its line would be given a bar to scroll it by."""
    open_at(browser, pages["network"], width)
    assert (
        browser.execute_script(
            "return [...document.querySelectorAll('.symbp-scroll')]"
            ".filter(e => e.scrollHeight > e.clientHeight).map(e => e.textContent)"
        )
        == []
    )


def test_wide_formulas_scroll_in_their_box(browser, pages):
    open_at(browser, pages["network"], 360)
    wider = browser.execute_script(
        "return [...document.querySelectorAll('.symbp-scroll, pre')]"
        ".filter(e => e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX == 'auto').length"
    )
    assert wider > 3


def test_formulas_are_set_as_mathematics(browser, pages):
    open_at(browser, pages["network"], 1200)
    places = browser.execute_script(
        "return [...document.querySelectorAll('mfrac')].map(e => [...e.children].map(c => {"
        "const r = c.getBoundingClientRect(); return [r.top, r.bottom]; }))"
    )
    assert len(places) > 5
    assert all(above[1] <= below[0] + 1 for above, below in places)


def luminance(colour):
    channels = [int(c) / 255 for c in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_readable_by_day_and_by_night(browser, pages, dark):
    """Contrast of at least 4.5 : 1, the level AA of WCAG 2.1."""
    open_at(browser, pages["network"], 1200, dark)
    colours = browser.execute_script(
        """
        const behind = e => { for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (!c.startsWith('rgba(') || !c.endsWith(', 0)')) return c;
        } return 'rgb(255, 255, 255)'; };
        return ['p', 'th', 'td', 'math', 'nav a', 'dt', '.tiles span', 'summary', 'pre', 'pre .k', 'pre .n',
                'pre .mi', 'pre .s2', 'pre .nf', 'footer'].map(s => document.querySelector(s)).filter(e => e)
            .map(e => [e.outerHTML.slice(0, 80), getComputedStyle(e).color, behind(e)]);
        """
    )
    assert len(colours) > 10
    for element, text, background in colours:
        high, low = sorted((luminance(text), luminance(background)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (element, text, background)
    page = luminance(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert (page < 0.1) == dark


@pytest.mark.parametrize("width", [360, 1200])
def test_the_circuit_fits_the_page_unless_its_text_would_be_tiny(browser, pages, width):
    open_at(browser, pages["network"], width)
    svg = browser.find_element("css selector", "svg.sbc")
    box, own = svg.rect["width"], float(svg.get_attribute("width"))
    room = browser.execute_script("return arguments[0].parentElement.clientWidth", svg)
    assert box == pytest.approx(min(own, max(room, 0.75 * own)), abs=1)
