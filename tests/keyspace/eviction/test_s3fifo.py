from hypothesis import given
from hypothesis import strategies as st

from respcache.keyspace.entry import Entry
from respcache.keyspace.eviction.s3fifo import LONGEST_SEARCH, Fifo, Ghosts, Queues

from .databases import Bench


def entries(count: int) -> list[Entry]:
    return [Entry(b"%d" % number, b"v", 1000 + number) for number in range(count)]


def queues_of(bench: Bench) -> Queues:
    assert isinstance(bench.db.follower, Queues)
    return bench.db.follower


@given(st.lists(st.sampled_from(["add", "take", "kill", "tidy"]), max_size=200))
def test_a_queue_gives_the_living_in_order_of_arrival(steps: list[str]) -> None:
    queue, living, number = Fifo(), list[Entry](), 0
    for step in steps:
        if step == "add":
            number += 1
            living.append(Entry(b"%d" % number, b"v", number))
            queue.add(living[-1])
        elif step == "kill" and living:
            living.pop(len(living) // 2).value = None
        elif step == "tidy":
            queue.tidy(2)
        elif step == "take" and len(queue):
            entry, _ = queue.take()
            if entry.value is not None:
                assert entry is living.pop(0)
    assert [entry for entry, _ in (queue.take() for _ in range(len(queue))) if entry.value] == living


def test_a_place_tells_whether_its_entry_was_used_since() -> None:
    used, unused = entries(2)
    queue = Fifo()
    queue.add(used)
    queue.add(unused)
    used.seen += 1
    assert queue.take() == (used, True)
    assert queue.take() == (unused, False)


def test_entries_from_before_count_as_used_when_they_were_after_the_mark() -> None:
    older, newer = entries(2)
    queue = Fifo([newer, older], mark=older.seen)
    assert [queue.take(), queue.take()] == [(newer, True), (older, False)]


def test_a_key_dropped_lately_is_recalled_once() -> None:
    ghosts = Ghosts(1000)
    ghosts.remember(b"one")
    assert ghosts.recall(b"one")
    assert not ghosts.recall(b"one")
    assert not ghosts.recall(b"other")


def test_most_of_the_latest_drops_are_recalled() -> None:
    ghosts = Ghosts(1024)
    for number in range(5000):
        ghosts.remember(b"%d" % number)
    recalled = sum(ghosts.recall(b"%d" % number) for number in range(4488, 5000))
    assert recalled > 350  # 512 in 1024 places: e**-0.25 of them, 400, are not covered by a later one


def test_new_keys_that_nobody_uses_go_first() -> None:
    bench = Bench("allkeys-s3fifo")
    bench.write(range(100))
    bench.read(range(50))
    bench.evict(40)  # of the fifty others: a tenth of the cache is theirs
    assert bench.keys() >= set(range(50))


def test_a_key_that_comes_back_soon_enters_the_main_queue() -> None:
    bench = Bench("allkeys-s3fifo")
    bench.write(range(100))
    bench.evict(10)
    bench.write([0])
    assert len(queues_of(bench).main) == 1


def test_removed_keys_leave_the_queues() -> None:
    bench = Bench("allkeys-s3fifo")
    bench.write(range(1000))
    bench.evict(1)
    for number in range(1, 50_000):
        bench.write([1000 + number])
        bench.remove([number])
    queues = queues_of(bench)
    assert len(queues.small) + len(queues.main) < 2 * len(bench.db) + 16


def test_a_search_among_keys_just_used_is_bounded() -> None:
    bench = Bench("allkeys-s3fifo")
    bench.write(range(10 * LONGEST_SEARCH))
    bench.evict(1)
    bench.read(range(10 * LONGEST_SEARCH))
    assert queues_of(bench).take_victim() is None
    bench.evict(1)  # by chance then
    assert len(bench.db) == 10 * LONGEST_SEARCH - 2


def test_the_ghosts_grow_with_the_cache() -> None:
    bench = Bench("allkeys-s3fifo")
    bench.write(range(5000))
    bench.read(range(5000))
    for number in range(5000, 8000):
        bench.write([number])
        bench.evict(1)
    assert queues_of(bench).ghosts.places >= 4096
