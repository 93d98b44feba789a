import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

import respcache
from respcache.loading.http_options import TABLE_NAMES, HttpSettings, read_table
from respcache.loading.http_requests import GetRequests, PostRequests, SingleRequests
from respcache.loading.options import OPTION_NAMES, LoaderSettingsError, options_of
from tests.loading.rig import Table
from tests.rows import every_row

URL = "http://shop.example/products/{id}"
BATCH_URL = "http://shop.example/products"


def read(environ: dict[str, str] | None = None, **table: Any) -> HttpSettings:
    """Return what is read from a table that asks for single keys, unless it says otherwise."""
    usual = {"pattern": "product:{id}"} | ({} if "batch_url" in table else {"url": URL})
    return read_table({**usual, **table}, environ or {})[0]


def mistake(environ: dict[str, str] | None = None, **table: Any) -> str:
    """Return what is told of a table with a mistake."""
    with pytest.raises(LoaderSettingsError) as refusal:
        read(environ, **table)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_two_lines_are_enough() -> None:
    settings = read()
    assert (settings.glob, settings.name, settings.batch_size) == ("product:*", "http-product", 1000)
    assert isinstance(settings.plan, SingleRequests)
    assert (settings.concurrency, settings.connections, settings.max_body_bytes) == (16, 64, 16 * 1024 * 1024)
    assert (settings.request_timeout_s, settings.batch_timeout_s) == (2.5, 5)
    assert (settings.tls, settings.follow_redirects) == (None, False)
    reader = settings.reader
    assert (reader.value_type, reader.value.text, reader.use_max_age) == ("json", "$", False)
    assert reader.missing_status == {404, 410}
    assert reader.batch_items is None


def test_general_settings_are_left_for_the_loader_and_nothing_else_is() -> None:
    table = {"pattern": "p:{id}", "url": URL, "name": "shop", "expiration": 60, "tries": 3, "concurrency": 2}
    settings, general = read_table(table, {})
    assert general == {"name": "shop", "expiration": 60, "tries": 3}
    assert settings.name == "shop"


def test_no_setting_of_ours_is_a_general_one() -> None:
    assert {"pattern"} == TABLE_NAMES & OPTION_NAMES


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("product:{id}", "http-product"),
        ("{id}", "http"),
        ("a:b c:{id}", "http-a-b-c"),
        ("x" * 200 + "{id}", "http-" + "x" * 95),
    ],
)
def test_a_loader_without_a_name_is_called_by_how_its_keys_begin(pattern: str, name: str) -> None:
    settings = read(pattern=pattern)
    assert settings.name == name
    loader = Table()
    loader.pattern, loader.name = settings.glob, settings.name
    assert options_of(loader).name == name


def test_a_request_has_half_of_the_loaders_time_unless_it_has_its_own() -> None:
    assert read(timeout_ms=300).request_timeout_s == 0.15
    assert read(timeout_ms=300, request_timeout_ms=1000).request_timeout_s == 1


def test_there_are_as_many_connections_as_there_can_be_requests() -> None:
    assert read(concurrency=3, max_concurrent_batches=2).connections == 6
    assert read(batch_url=BATCH_URL, max_concurrent_batches=2).connections == 2


def test_how_many_keys_are_asked_for() -> None:
    post = read(batch_url=BATCH_URL, batch_body="ids", batch_items="$.found", batch_key="id", value="$.v")
    assert isinstance(post.plan, PostRequests)
    assert post.plan.askings([b"product:7"])[0].content == b'{"ids":["7"]}'
    assert post.reader.batch_items is not None
    assert (post.reader.batch_items.text, post.reader.batch_key, post.reader.value.text) == (
        "$.found",
        "id",
        "$.v",
    )
    get = read(batch_url=BATCH_URL, batch_method="GET", batch_parameter="p", batch_join=",")
    assert isinstance(get.plan, GetRequests)
    assert get.plan.askings([b"product:7"])[0].url == BATCH_URL + "?p=7"
    assert (post.batch_size, get.batch_size) == (1000, 100)


def test_the_batch_size_of_the_table_counts() -> None:
    assert read(batch_url=BATCH_URL, batch_method="GET", batch_size=7).batch_size == 7


def test_our_headers_say_what_we_take_and_who_we_are() -> None:
    agent = f"respcache/{respcache.__version__}"
    usual = {"accept": "application/json", "accept-encoding": "identity", "user-agent": agent}
    assert read().headers == usual
    assert read(batch_url=BATCH_URL).headers == {**usual, "content-type": "application/json"}
    assert read(value_type="body").headers == {**usual, "accept": "*/*"}


def test_headers_are_filled_from_the_environment() -> None:
    given = {
        "Authorization": "Bearer ${TOKEN}",
        "X-Two": "${A}/${TOKEN}",
        "X-Plain": "$5 {x}",
        "X-Once": "${B}",
    }
    environ = {"TOKEN": "s3cret\n", "A": "a", "B": "${A}"}
    assert read({**environ, "TOKEN": "s3cret"}, headers=given).secrets == {
        "authorization": "Bearer s3cret",
        "x-two": "a/s3cret",
        "x-plain": "$5 {x}",
        "x-once": "${A}",
    }
    # A file that was read into a variable often ends with a line break.
    assert read(environ, headers={"X": "${TOKEN}"}).secrets == {"x": "s3cret"}


@pytest.mark.parametrize("environ", [{}, {"SHOP_TOKEN": ""}])
def test_a_variable_that_is_not_set_is_told_by_its_name(environ: dict[str, str]) -> None:
    text = mistake(environ, headers={"Authorization": "Bearer ${SHOP_TOKEN}"})
    assert (
        text == "loader http-product: headers: the variable SHOP_TOKEN, which Authorization needs, is not set"
    )


@every_row(
    ("headers", "text"),
    [
        ({"X": "s3cret\r\nY: z"}, "headers: X would have a line break"),
        ({"X": "s3cret${EVIL}"}, "headers: X would have a line break"),
        ({"X": "s3cret\x7f"}, "headers: X would have a line break"),
        ({"X": "s3cret${}"}, "headers: X has a ${ that begins no variable"),
        ({"X": "s3cret${TOKEN"}, "headers: X has a ${ that begins no variable"),
        ({"X Y": "s3cret"}, "headers: 'X Y' is no name of a header"),
        ({"": "s3cret"}, "headers: '' is no name of a header"),
        ({"x": "1", "X": "s3cret"}, "headers: X stands there twice"),
        ({"Content-Length": "s3cret"}, "headers: Content-Length is not yours to set"),
        ({"Accept-Encoding": "s3cret"}, "headers: Accept-Encoding is not yours to set"),
        ({"X": ["s3cret"]}, "Expected `str`, got `array` - at `$.headers[...]`"),
        ("s3cret", "Expected `object`, got `str` - at `$.headers`"),
    ],
)
def test_mistakes_in_headers_are_told_without_their_values(headers: Any, text: str) -> None:
    told = mistake({"EVIL": "a\nb"}, headers=headers)
    assert text in told
    assert "s3cret" not in told


def test_no_header_is_shown_with_the_settings() -> None:
    assert "s3cret" not in repr(read(headers={"Authorization": "s3cret"}))


@every_row(
    ("table", "text"),
    [
        ({"pattern": "product:*"}, "loader http-product: pattern: 'product:*' has no {placeholder}"),
        ({"pattern": 5}, "loader http: Expected `str`, got `int` - at `$.pattern`"),
        ({"url": ""}, "it needs either url or batch_url"),
        ({"url": URL, "batch_url": BATCH_URL}, "it needs either url or batch_url"),
        ({"url": "ftp://x/{id}"}, "url: it does not begin with https://host or http://host"),
        ({"url": "http://x/{name}"}, "url: {name} is not in the pattern 'product:{id}'"),
        ({"batch_url": URL}, "batch_url: it can have no {placeholder}"),
        ({"batch_key": "id"}, "batch_key means nothing without batch_url"),
        ({"batch_method": "GET"}, "batch_method means nothing without batch_url"),
        (
            {"batch_url": BATCH_URL, "batch_join": ","},
            'batch_join means nothing without batch_method = "GET"',
        ),
        (
            {"batch_url": BATCH_URL, "batch_method": "GET", "batch_body": "k"},
            'batch_body means nothing with batch_method = "GET"',
        ),
        ({"batch_url": BATCH_URL, "concurrency": 2}, "concurrency means nothing without url"),
        ({"batch_url": BATCH_URL, "batch_method": "PUT"}, "Invalid enum value 'PUT' - at `$.batch_method`"),
        ({"batch_url": BATCH_URL, "batch_items": "items"}, "batch_items: 'items' is no path"),
        ({"batch_url": BATCH_URL, "value_type": "body"}, 'batch_url means nothing with value_type = "body"'),
        ({"value": "$.x", "value_type": "body"}, 'value means nothing with value_type = "body"'),
        ({"value": "data"}, "value: 'data' is no path"),
        ({"value_type": "xml"}, "Invalid enum value 'xml' - at `$.value_type`"),
        ({"concurrency": 0}, "Expected `int` >= 1 - at `$.concurrency`"),
        ({"request_timeout_ms": 0}, "Expected `int` >= 1 - at `$.request_timeout_ms`"),
        ({"missing_status": [20]}, "Expected `int` >= 200 - at `$.missing_status[0]`"),
        ({"max_body": 0}, "max_body: 0 is no size"),
        ({"max_body": "lots"}, "max_body: 'lots' is no size"),
        ({"max_body": "1gb"}, "max_body: '1gb' is no size"),
        ({"verify": ""}, "at `$.verify`"),
        ({"follow_redirects": "yes"}, "Expected `bool`, got `str` - at `$.follow_redirects`"),
        ({"uri": "x"}, "loader http-product: there is no setting 'uri'"),
        ({"name": "shop", "timeout_ms": "5s"}, "loader shop: Expected `int`, got `str` - at `$.timeout_ms`"),
        ({"name": "a\nb"}, "loader http-product: Expected `str` matching regex"),
        ({"write": "through"}, "write = 'through' needs a method write or bulk_write"),
    ],
)
def test_every_mistake_is_told_in_one_line(table: dict[str, Any], text: str) -> None:
    assert text in mistake(**table)


def test_a_table_without_a_pattern_says_so() -> None:
    with pytest.raises(LoaderSettingsError, match="missing required field `pattern`"):
        read_table({"url": URL}, {})


@pytest.mark.parametrize(
    ("size", "size_bytes"), [(1000, 1000), ("1k", 1000), ("2mb", 2 * 1024 * 1024), ("512mb", 2**29)]
)
def test_sizes(size: int | str, size_bytes: int) -> None:
    assert read(max_body=size).max_body_bytes == size_bytes


def test_tls_is_for_https_and_for_whatever_may_lead_there() -> None:
    assert read(verify=False).tls is None
    for context in (read(url="HTTPS://shop.example/{id}").tls, read(follow_redirects=True).tls):
        assert context is not None
        assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_certificates_can_be_taken_unseen() -> None:
    context = read(url="https://shop.example/{id}", verify=False).tls
    assert context is not None
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)


def test_an_authority_of_ones_own_takes_the_place_of_all_others(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = read(verify=str(tmp_path / "ca.pem")).tls
    assert context is not None
    assert len(context.get_ca_certs()) == 1


def test_what_is_no_authority_is_told(tmp_path: Path) -> None:
    assert "verify: cannot use the authorities in /nowhere.pem: No such file" in mistake(
        verify="/nowhere.pem"
    )
    (tmp_path / "ca.pem").write_text("nothing")
    assert f"verify: cannot use the authorities in {tmp_path}/ca.pem: " in mistake(
        verify=f"{tmp_path}/ca.pem"
    )
