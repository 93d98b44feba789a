"""Each case of the tables gets the same replies from respcache as from redis-server, byte for byte, in both protocols."""

import importlib
import pkgutil

import pytest

from tests.conformance import cases
from tests.conformance.differences import DIFFERENCES
from tests.conformance.harness import Stage, judge, mismatches
from tests.conformance.script import Case, parse_cases
from tests.rows import every_row
from tests.servers import TARGET

CASES = {
    table: parse_cases(table, importlib.import_module(f"{cases.__name__}.{table}").CASES)
    for table in (module.name for module in pkgutil.iter_modules(cases.__path__))
}
ALL_CASES = [case for table in CASES.values() for case in table]


@pytest.mark.redis
@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("table", CASES)
def test_replies_agree(table: str, protocol: int, reference: Stage, target: Stage) -> None:
    # Between two redis-servers nothing may differ.
    listed = [] if TARGET == "redis" else DIFFERENCES

    @every_row("case", CASES[table], called=lambda case: case.name)
    def check(case: Case) -> None:
        expected = reference.run(case, protocol)
        got = target.run(case, protocol, expected)
        complaint = judge(case, protocol, mismatches(case, expected, got), listed)
        if complaint:
            pytest.fail(f"{case.name}\n{complaint}", pytrace=False)

    check()


def test_each_difference_names_a_line_of_a_case_and_its_reason() -> None:
    lines = {case.name: {step.line for step in case.steps} for case in ALL_CASES}
    unknown = [
        difference for difference in DIFFERENCES if difference.line not in lines.get(difference.case, ())
    ]
    assert not unknown
    assert all(difference.reason for difference in DIFFERENCES)


def test_no_two_cases_share_a_name() -> None:
    assert len({case.name for case in ALL_CASES}) == len(ALL_CASES)
