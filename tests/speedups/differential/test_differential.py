"""Both paths give the same answers to the same random streams: a short run; ``python -m tests.speedups.differential`` for long ones.

Without the extension both servers take the pure path, and the run shows that the harness finds nothing where nothing is.
"""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rows import every_row
from tests.speedups.differential.calls import Calls
from tests.speedups.differential.campaign import Campaign, listing
from tests.speedups.differential.masks import CONTROL, first_difference
from tests.speedups.differential.pieces import Pieces
from tests.speedups.differential.programs import (
    SCENES,
    Burst,
    Leave,
    Program,
    make_program,
    parts_of,
    scene_of,
)
from tests.speedups.differential.shrinking import Shrinker
from tests.speedups.differential.sides import COMPILED, PURE, Kind, ServerFailureError, Side
from tests.speedups.differential.stage import Stage
from tests.speedups.differential.vocabulary import Vocabulary
from tests.wire import encode_command, parse

SEED = 1000
SECONDS = 2.5
"""A dozen programs and more; with four servers to start, all of this file takes less than eight seconds."""

PLANTED = Kind("planted", PURE.environment, changes=(("CONFIG", "SET", "hash-max-listpack-value", "1"),))


# -- the two paths -------------------------------------------------------------


@pytest.mark.timeout(120)  # a busy machine takes long to start servers, and a failure is made shorter first
def test_both_paths_answer_random_streams_alike() -> None:
    campaign = Campaign([PURE, COMPILED], longest=1025, keep_going=True, shrinking_s=20)
    # What does not come again in three repetitions is printed, and counts in long runs: here a machine that stops a
    # server for seconds would make others' changes fail.
    failures = [one for one in campaign.run(SEED, SECONDS, None) if one.is_repeatable]
    assert not failures, "\n".join(f"{one.account}\n{listing(one.program)}" for one in failures)
    assert campaign.pieces


@pytest.mark.timeout(60)
def test_a_planted_difference_is_found_and_made_short() -> None:
    guilty = encode_command([b"HSET", b"hash", b"field", b"a value that is long"])
    others = [encode_command([b"SET", b"key:%d" % number, b"value"]) for number in range(20)]
    bursts = tuple(Burst(number % 3, (*others, guilty, *others)) for number in range(4))
    program = Program(0, "planted", {}, (*bursts, Leave(1, half=False)))
    with Stage([PURE, PLANTED]) as stage:
        assert "hashtable" in stage.play(program)
        shortest = Shrinker(lambda shorter: bool(stage.play(shorter))).shrink(program)
        assert [step.pieces for step in shortest.steps if isinstance(step, Burst)] == [(guilty,)]
        assert not stage.play(replace(program, steps=()))


def test_a_server_that_cannot_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServerFailureError, match="no such setting"):
        Side(Kind("broken", flags=("--nosuch", "1")), tmp_path)


# -- programs --------------------------------------------------------------------


def test_a_program_follows_from_its_seed() -> None:
    assert make_program(5) == make_program(5)
    assert make_program(5) != make_program(6)


def test_seeds_come_to_every_scene() -> None:
    assert {scene_of(random.Random(seed)).name for seed in range(400)} == {scene.name for scene in SCENES}


@pytest.mark.parametrize("cuts", [(), (0.5,), (0.0, 0.1, 0.1, 0.99, 1.0)])
def test_cuts_lose_nothing(cuts: tuple[float, ...]) -> None:
    burst = Burst(0, (b"PING\r\n", b"GET a\r\n"), cuts)
    assert b"".join(parts_of(burst)) == b"PING\r\nGET a\r\n"
    assert all(parts_of(burst))


def test_no_relative_life_is_met_twice() -> None:
    words = Vocabulary(random.Random(1))
    lives = [int(life) for _ in range(1000) if len(life := words.seconds()) in range(7, 10)]
    assert len(set(lives)) == len(lives) > 500


def test_pieces_come_in_arrays_and_lines_and_broken() -> None:
    pieces = Pieces(Calls(Vocabulary(random.Random(1))))
    whole = [pieces.well_formed() for _ in range(300)]
    assert {piece[:1] == b"*" for piece in whole} == {True, False}
    assert len({pieces.odd() for _ in range(300)}) > 50
    assert len({pieces.large() for _ in range(300)}) > 150


# -- what agrees ------------------------------------------------------------------

MARK = b"$14\r\n<in any order>\r\n"


def slow_log(took_us: int, *words: bytes) -> bytes:
    """Return a slow log with an entry for each word."""
    entries = [
        b"*6\r\n:%d\r\n:1700000000\r\n:%d\r\n%b$0\r\n\r\n$0\r\n\r\n" % (at, took_us, encode_command([word]))
        for at, word in enumerate(words)
    ]
    return b"*%d\r\n%b" % (len(entries), b"".join(entries))


def expiry(key: bytes) -> bytes:
    return encode_command([b"message", b"__keyevent@0__:expired", key])


@every_row(
    ("one", "other"),
    [
        (b"+OK\r\n", b"+OK\r\n"),
        (b":3999999999\r\n", b":3999999990\r\n"),
        (b"$21\r\naddr=127.0.0.1:1 id=1\r\n", b"$22\r\naddr=127.0.0.1:22 id=1\r\n"),
        (b"$13\r\noll=0 events=r\r\n", b"$14\r\noll=1 events=rw\r\n"),
        (b"*2\r\n$4\r\nport\r\n$4\r\n6379\r\n", b"*2\r\n$4\r\nport\r\n$4\r\n6380\r\n"),
        (
            b'+1700000000.000001 [0 127.0.0.1:1] "get" "a"\r\n',
            b'+1700000001.000009 [0 127.0.0.1:2] "get" "a"\r\n',
        ),
        (b'+1700000000.000001 [0 127.0.0.1:1] "PING" "%b"\r\n:1\r\n' % CONTROL, b":1\r\n"),
        (
            b"$14\r\n<in any order>\r\n*2\r\n:1\r\n:2\r\n",
            b"$14\r\n<in any order>\r\n*2\r\n:2\r\n:1\r\n",
        ),
        (MARK + slow_log(1, b"a"), MARK + slow_log(99, b"a")),
        (slow_log(1, b"a"), slow_log(99, b"a", CONTROL)),
        (slow_log(1, b"a"), slow_log(99, b"a", b"unpause")),
        (expiry(b"a") + expiry(b"b") + b":1\r\n", expiry(b"b") + expiry(b"a") + b":1\r\n"),
        (
            b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n:1\r\n",
            b":1\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n",
        ),
    ],
)
def test_what_differs_between_any_two_servers_agrees(one: bytes, other: bytes) -> None:
    assert first_difference(one, other) == ""


@every_row(
    ("one", "other"),
    [
        (b":1\r\n", b":2\r\n"),
        (b":-1\r\n", b":-2\r\n"),
        (b"$-1\r\n", b"$2\r\n-1\r\n"),
        (b"*2\r\n:1\r\n:2\r\n", b"*2\r\n:2\r\n:1\r\n"),
        (b"%1\r\n:1\r\n:2\r\n", b"*2\r\n:1\r\n:2\r\n"),
        (b"+OK\r\n", b"+OK\r\n+OK\r\n"),
        (b"+OK\r\n", b"+OK\r\n$3\r\nab"),
        (b"$3\r\nabc\r\n", b"$3\r\nabd\r\n"),
        (b"*2\r\n$4\r\nsort\r\n$4\r\n6379\r\n", b"*2\r\n$4\r\nsort\r\n$4\r\n6380\r\n"),
        (b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n", b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nb\r\n"),
        (MARK + slow_log(1, b"a"), MARK + slow_log(1, b"b")),
        (expiry(b"a") + b":1\r\n" + expiry(b"b"), expiry(b"b") + b":1\r\n" + expiry(b"a")),
    ],
)
def test_what_else_differs_is_told(one: bytes, other: bytes) -> None:
    assert first_difference(one, other)


def test_commands_that_ran_late_are_monitored_in_any_order() -> None:
    early, late = (b'+1700000000.00000%d [0 127.0.0.1:1] "get" "%d"\r\n' % (at, at) for at in (1, 2))
    assert first_difference(early + b":1\r\n" + late, late + early + b":1\r\n", are_delayed=True) == ""
    assert first_difference(early + b":1\r\n" + late, late + early + b":1\r\n")
    assert first_difference(early + early, early + late, are_delayed=True)


def test_where_input_is_limited_nothing_waits() -> None:
    program = next(program for program in map(make_program, range(500)) if program.name == "small limits")
    pieces = [piece.lower() for step in program.steps if isinstance(step, Burst) for piece in step.pieces]
    assert pieces
    assert not any(b"pause" in piece or b"owner-sleep" in piece for piece in pieces)


def test_a_connection_that_was_reset_may_have_lost_its_end() -> None:
    assert first_difference(b":1\r\n:2\r\n$3\r\na", b":1\r\n", was_reset=True) == ""
    assert first_difference(b":1\r\n:2\r\n:3\r\n", b":0\r\n:2\r\n", was_reset=True)


def test_calls_are_made_of_whole_words() -> None:
    calls = Calls(Vocabulary(random.Random(2)))
    for _ in range(300):
        call = calls.any()
        assert [child.text for child in parse(encode_command(call)).children] == call
