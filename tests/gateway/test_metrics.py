"""``/metrics``: what it answers, to whom, and when the library is imported; and that pages of ours ask for what is there."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import prometheus_client
import pytest
import trio
from prometheus_client.openmetrics import parser as openmetrics
from trio.testing import wait_all_tasks_blocked

from respcache.gateway import metrics as metrics_file
from respcache.gateway.figures import Figures
from respcache.gateway.metric_families import Snapshot
from respcache.gateway.metrics import FAMILIES, Collector, Library, import_library
from tests.gateway.live import Live, Wire, get
from tests.gateway.scraping import samples_in
from tests.rows import every_row

CONF = Path(__file__).parents[2] / "conf"

NAMES = {name for family in FAMILIES for name in family.series}


def library_of(live: Live) -> Library:
    [task] = live.gateway._tasks
    library: Library = task.__self__  # type: ignore[attr-defined]  # the method run
    return library


async def page(live: Live, *headers: str) -> str:
    """Return the answer to a scrape."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.gateway.run)
        wire = live.open(get("/metrics", *headers))
        await answered(wire)
        nursery.cancel_scope.cancel()
    return wire.read().decode()


async def answered(wire: Wire) -> None:
    with trio.fail_after(20):
        while not wire.session.out:  # noqa: ASYNC110  # the gateway tells the reactor, and nobody else
            await trio.sleep(0.005)


def split(answer: str) -> tuple[str, str]:
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


async def test_the_answer_is_prometheus_text() -> None:
    head, body = split(await page(Live()))
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "Content-Type: text/plain; version=" in head
    assert samples_in(body)["redis_up"] == {(): 1}
    assert "# TYPE redis_commands_processed_total counter\n" in body
    assert "# TYPE respcache_command_duration_seconds histogram\n" in body


async def test_openmetrics_is_for_those_who_ask() -> None:
    head, body = split(await page(Live(), "Accept: application/openmetrics-text;version=1.0.0"))
    assert "Content-Type: application/openmetrics-text" in head
    assert body.count("# EOF\n") == 1
    assert body.endswith("# EOF\n")
    names = {family.name for family in openmetrics.text_string_to_metric_families(body)}
    assert "respcache_command_duration_seconds" in names


async def test_a_page_in_pieces_is_the_page_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live()
    for line in ("SET a 1", "GET a", "HSET h f v"):
        live.client(line)
    monkeypatch.setattr(metrics_file, "SAMPLES_PER_TURN", 1_000_000)
    whole = split(await page(live))[1]
    monkeypatch.setattr(metrics_file, "SAMPLES_PER_TURN", 1)
    pieces = split(await page(live))[1]
    counted = re.compile("^respcache_http_.*\n", re.MULTILINE)  # the pages themselves
    assert counted.sub("", whole) == counted.sub("", pieces)
    assert whole.count("# TYPE ") == len(FAMILIES)


async def test_others_are_served_between_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_file, "SAMPLES_PER_TURN", 1)
    live = Live()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.gateway.run)
        first = live.open(get("/metrics"))
        await answered(first)
        nursery.start_soon(count)
        turns = 0
        await answered(live.open(get("/metrics")))
        nursery.cancel_scope.cancel()
    assert turns >= len(FAMILIES) / 2


async def test_it_needs_the_password_unless_it_is_open() -> None:
    for is_open, status in (("no", 401), ("yes", 200)):
        live = Live(requirepass="secret", http_open_metrics=is_open)
        assert (await page(live)).startswith(f"HTTP/1.1 {status} ")
        assert (await page(live, "Authorization: Bearer secret")).startswith("HTTP/1.1 200 ")


async def test_the_library_is_imported_in_a_thread_by_the_first_who_asks() -> None:
    live = Live()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.gateway.run)
        await wait_all_tasks_blocked()
        assert library_of(live).module is None
        first, second = live.open(get("/metrics")), live.open(get("/metrics"))
        assert live.open(get("/healthcheck")).read().startswith(b"HTTP/1.1 200 ")
        assert first.read() == second.read() == b""
        for wire in (first, second):
            await answered(wire)
            assert wire.read().startswith(b"HTTP/1.1 200 ")
        nursery.cancel_scope.cancel()


async def test_without_the_library_everything_else_goes_on() -> None:
    def missing() -> ModuleType:
        raise ImportError("no module named prometheus_client")

    live = Live()
    library_of(live)._load = missing
    for _ in range(2):
        assert (await page(live)).startswith("HTTP/1.1 501 ")
    assert live.open(get("/healthcheck")).read().startswith(b"HTTP/1.1 200 ")


def test_a_server_does_not_import_it_by_itself() -> None:
    script = (
        "import sys, respcache.app.gateway as g; from tests.gateway.live import Live; Live();"
        "raise SystemExit('prometheus_client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=CONF.parent, check=False).returncode == 0


def test_the_library_that_is_imported_is_the_library() -> None:
    assert import_library() is prometheus_client


def test_a_collector_is_what_the_library_takes() -> None:
    live = Live()
    registry = prometheus_client.CollectorRegistry(auto_describe=False)
    collector: Any = Collector(prometheus_client, Snapshot(live.node, live.gateway, Figures(live.node)))
    registry.register(collector)
    assert registry.get_sample_value("redis_up") == 1


# -- what we give away for others to ask with ---------------------------------------

QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
LABELS = re.compile(r"\{[^}]*\}")
LISTS = re.compile(r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)")
RANGES = re.compile(r"\[[^\]]*\]")
WORD = re.compile(r"(?<!\w)[A-Za-z_:][A-Za-z0-9_:]*(?!\w)(?!\s*\()")
KEYWORDS = {"and", "or", "unless", "bool", "offset", "by", "on", "ignoring", "without", "inf", "nan", "e"}


def names_in(expression: str) -> set[str]:
    """Return the metrics of a PromQL expression."""
    for noise in (QUOTED, LABELS, LISTS, RANGES):
        expression = noise.sub(" ", expression)
    return {word for word in WORD.findall(expression) if word.lower() not in KEYWORDS}


def test_names_in_an_expression_are_found() -> None:
    text = 'sum by (le, x) (rate(a_total{b="c{d}", e=~"f"}[5m])) / on (g) group_left(h) i > 0.5 and -j unless k:l offset 5m'
    assert names_in(text) == {"a_total", "i", "j", "k:l"}


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CONF / "grafana-dashboard.json").read_text())
    return found


def expressions_of_the_dashboard() -> list[str]:
    found = dashboard()
    asked = [target["expr"] for panel in found["panels"] for target in panel.get("targets", ())]
    queries = [one["definition"] for one in found["templating"]["list"] if one["type"] == "query"]
    return asked + [re.sub(r"^label_values\((.*),\s*\w+\)$", r"\1", query) for query in queries]


def alerts() -> list[tuple[str, str]]:
    text = (CONF / "prometheus-alerts.yml").read_text()
    return re.findall(r"^      - alert: (\w+)\n        expr: (\S.*)$", text, re.MULTILINE)


@every_row("expression", expressions_of_the_dashboard())
def test_the_dashboard_asks_for_what_there_is(expression: str) -> None:
    names = names_in(expression)
    assert names
    assert names <= NAMES


@every_row(("name", "expression"), alerts())
def test_alerts_watch_what_there_is(name: str, expression: str) -> None:
    assert names_in(expression) - {"up"} <= NAMES
    assert name.startswith("Respcache")


def test_every_alert_was_read() -> None:
    text = (CONF / "prometheus-alerts.yml").read_text()
    assert len(alerts()) == text.count("- alert:") == text.count("summary:") == text.count("severity:") > 20
    assert len({name for name, _ in alerts()}) == len(alerts())


LABEL = re.compile(r"(\w+)\{([^}]*)\}")


@every_row("expression", [*expressions_of_the_dashboard(), *(text for _, text in alerts())])
def test_labels_that_are_asked_for_are_those_of_the_metric(expression: str) -> None:
    labels = {name: set(family.labels) | {"le"} for family in FAMILIES for name in family.series}
    for name, selector in LABEL.findall(expression):
        asked = set(re.findall(r"(\w+)\s*[=!]~?", QUOTED.sub('""', selector))) - {"job", "instance"}
        assert name == "up" or asked <= labels[name], (name, asked)


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    places: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    for panel in panels:
        place = panel["gridPos"]
        mine = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not mine & places, panel["title"]
        assert place["x"] + place["w"] <= 24
        places |= mine
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_dashboard_covers_what_it_should() -> None:
    asked = " ".join(expressions_of_the_dashboard())
    for name in (
        "redis_commands_processed_total",
        "redis_keyspace_hits_total",
        "respcache_command_duration_seconds_bucket",
        "redis_memory_used_bytes",
        "redis_evicted_keys_total",
        "redis_expired_keys_total",
        "redis_connected_clients",
        "respcache_cluster_partitions",
        "respcache_loader_state",
    ):
        assert name in asked


def test_the_page_names_what_there_is() -> None:
    page = (CONF.parent / "docs" / "monitoring.md").read_text()
    named = set(re.findall(r"`((?:redis|respcache)_[a-z_]+)(?:\{[a-z,]+\})?`", page)) - {"redis_exporter"}
    described = {family.name for family in FAMILIES}
    assert len(named) > 30
    assert named <= described
    labels = dict(re.findall(r"`((?:redis|respcache)_[a-z_]+)\{([a-z,]+)\}`", page))
    assert labels == {family.name: ",".join(family.labels) for family in FAMILIES if family.name in labels}
