import pytest

from respcache.settings.errors import InvalidValueError
from respcache.settings.nested_schema import Schema
from tests.rows import every_row


@every_row(
    ("text", "detail"),
    [
        ('[{"pattern": "a", "second": 1}]', "unknown field `second`"),
        ('[{"pattern": "a"}]', "missing required field `seconds`"),
        ('[{"pattern": "a", "seconds": 0}]', "$[0].seconds"),
        ('[{"pattern": "a", "seconds": "soon"}]', "$[0].seconds"),
        ('[{"pattern": "a", "seconds": 1e15}]', "$[0].seconds"),
        ('[{"pattern": "", "seconds": 1}]', "$[0].pattern"),
        ('{"pattern": "a", "seconds": 1}', "Expected `array`"),
        ("[[" * 5000, ""),
        ("nonsense", ""),
        ('["\udcff"]', ""),
    ],
)
def test_a_wrong_rule_is_refused_with_its_place(text: str, detail: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Schema.expiration_rules(text)
    assert detail in caught.value.detail


@pytest.mark.parametrize("path", ["", "module", "module:", ":Class", "a b:C", "a:B()"])
def test_a_sink_is_a_module_and_a_class(path: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Schema.sink_specifications(f'[{{"class": "{path}"}}]')
    assert "$[0].class" in caught.value.detail
