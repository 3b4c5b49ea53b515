"""Map and assets in a real browser: three hundred hosts that can be read, names that would be markup, keys."""

from __future__ import annotations

from tests.browser.desk import HOSTS, PASSWORD

# Boxes of the names that are shown, in pixels of the screen, and how many hosts there are.
NAMES = """() => {
  const cy = document.querySelector("#plant")._cyreg.cy;
  const named = cy.nodes("[first]").filter((node) => !node.hasClass("unnamed"));
  return {
    zoom: cy.zoom(), hosts: cy.nodes("[first]").length,
    boxes: named.map((node) => { const { x1, x2, y1, y2 } = node.renderedBoundingBox({ includeNodes: false, includeEdges: false, includeOverlays: false }); return [x1, x2, y1, y2]; }),
    dots: cy.nodes("[first]").map((node) => { const { x, y } = node.renderedPosition(); return [x, y]; }),
    edges: cy.edges().filter((edge) => edge.visible()).length,
    size: Math.min(...named.map((node) => node.data("size") * cy.zoom())),
    texts: named.map((node) => node.data("label")),
  };
}"""


def drawn(page, path):
    page.goto(path)
    page.wait_for_selector("#plant[data-ready]")
    page.wait_for_timeout(300)
    return page.evaluate(NAMES)


def overlapping(boxes: list[list[float]]) -> list[tuple[int, int]]:
    return [
        (one, other)
        for one, (left, right, top, bottom) in enumerate(boxes)
        for other, (x1, x2, y1, y2) in enumerate(boxes[:one])
        if left < x2 - 1 and x1 < right - 1 and top < y2 - 1 and y1 < bottom - 1
    ]


def test_a_map_of_three_hundred_hosts_can_be_read(watched, analyst):
    page = analyst
    found = drawn(page, watched.address + "/map?case=big")
    assert found["hosts"] == HOSTS and f"{HOSTS} hosts" in page.inner_text("#told")
    assert page.input_value("#shown") == "crosses" and 0 < found["edges"] < 900
    assert len(found["boxes"]) > 40 and overlapping(found["boxes"]) == []
    assert found["size"] >= 10.5, "names are as large however far away"
    assert all(not (x1 < x < x2 and y1 < y < y2) for x1, x2, y1, y2 in found["boxes"] for x, y in found["dots"])
    page.evaluate(
        "() => { const cy = document.querySelector('#plant')._cyreg.cy; cy.zoom({ level: 1.4, position: cy.nodes('[first]').position() }); }"
    )
    page.wait_for_timeout(300)
    closer = page.evaluate(NAMES)
    assert len(closer["boxes"]) > len(found["boxes"]) and overlapping(closer["boxes"]) == []


def test_a_host_is_found_by_keys_and_shows_whom_it_talks_with(watched, analyst):
    page = analyst
    drawn(page, watched.address + "/map?case=big")
    page.keyboard.press("/")
    page.keyboard.type("plc-100")
    page.wait_for_function(
        "() => document.querySelector('#plant')._cyreg.cy.nodes('[first]').filter((n) => !n.hasClass('faint')).length === 1"
    )
    shown = page.evaluate(NAMES)["texts"]
    assert shown == ["plc-100"]
    page.fill("#find", "")
    page.evaluate(
        "() => { const cy = document.querySelector('#plant')._cyreg.cy; cy.nodes('[first]').filter((n) => n.data('label').startsWith('plc-100')).emit('mouseover'); }"
    )
    near = page.evaluate("() => document.querySelector('#plant')._cyreg.cy.edges('.near').length")
    assert 0 < near < 20
    page.evaluate("() => document.querySelector('#plant')._cyreg.cy.edges()[0].emit('mouseover')")
    assert "modbus" in page.inner_text("#edge") and "sessions" in page.inner_text("#edge")
    page.evaluate(
        "() => { const cy = document.querySelector('#plant')._cyreg.cy; cy.nodes('[first]').filter((n) => n.data('label').startsWith('plc-100')).emit('tap'); }"
    )
    page.wait_for_url("**/assets/10.60.0.101?case=big")


def test_names_of_hosts_are_never_markup(watched, analyst):
    page = analyst
    drawn(page, watched.address + "/map?case=big")
    labels = page.evaluate(
        "() => document.querySelector('#plant')._cyreg.cy.nodes('[first]').map((n) => n.data('label'))"
    )
    assert "<img src=x oner…" in labels, "as much as there is room for"
    page.evaluate(
        "() => { const cy = document.querySelector('#plant')._cyreg.cy; cy.nodes('[first]').filter((n) => n.data('label').startsWith('<')).emit('mouseover'); }"
    )
    assert (
        "<img src=x onerror=alert(1)>\\u202egnp" in page.inner_text("#edge") and page.locator("img[src=x]").count() == 0
    )
    page.goto(watched.address + "/assets?case=big&text=onerror")
    page.wait_for_selector("#grid .tabulator-row")
    assert page.locator("#grid .tabulator-row").count() == 1
    assert "<img src=x onerror=alert(1)>\\u202egnp" in page.inner_text("#grid .tabulator-row")
    page.keyboard.press("Enter")
    page.wait_for_url("**/assets/10.60.0.8?case=big")
    assert "\\u202egnp" in page.inner_text("h2 >> nth=0") and page.locator("img[src=x]").count() == 0


def test_assets_are_sorted_searched_and_opened_by_keys(watched):
    page = watched.log_in("the-viewer", PASSWORD)
    page.goto(watched.address + "/assets?case=big")
    page.wait_for_selector("#grid .tabulator-row")
    page.wait_for_function(f"() => / of {HOSTS}/.test(document.querySelector('.tabulator-page-counter').textContent)")
    first = page.locator("#grid .tabulator-row").first.inner_text()
    page.keyboard.press("n")
    page.wait_for_function("first => document.querySelector('#grid .tabulator-row').innerText !== first", arg=first)
    page.keyboard.press("/")
    page.keyboard.type("meter-23")
    page.wait_for_function("() => document.querySelectorAll('#grid .tabulator-row').length === 4")  # 23, 231, 235, 239
    assert "text=meter-23" in page.url
    page.keyboard.press("Escape")
    page.locator("#grid .tabulator-row time").first.hover()
    assert "where you are" in page.locator("#grid .tabulator-row time").first.get_attribute("title")
    page.locator("#grid .tabulator-row").first.click()
    page.wait_for_url("**/assets/10.60.**")
    for heading in ("Facts", "Peers", "Alerts"):
        assert page.locator("h2", has_text=heading).count() >= 1, heading
