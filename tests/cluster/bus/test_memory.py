"""What was answered is remembered for as long as anybody may ask again, and no longer."""

from respcache.cluster.bus.channel import BYTES
from respcache.cluster.bus.memory import COMMANDS, ORIGINS, READ_BYTES, Memories, Memory


def test_an_answer_is_found_by_batch_and_position() -> None:
    memory = Memory()
    memory.note(7, 0, [b"a", b"b"], is_write=True)
    memory.note(7, 4, [b"e"], is_write=True)
    assert [memory.find(7, at) for at in range(6)] == [b"a", b"b", None, None, b"e", None]
    assert memory.find(8, 0) is None


def test_the_oldest_are_forgotten_when_there_are_too_many() -> None:
    memory = Memory()
    for number in range(COMMANDS // 4 + 10):
        memory.note(number, 0, [b"x"] * 4, is_write=True)
    assert memory.find(9, 0) is None
    assert memory.find(10, 0) == b"x"
    assert sum(len(wires) for runs in memory._runs.values() for _, wires in runs) == COMMANDS


def test_the_oldest_are_forgotten_when_they_are_too_long() -> None:
    memory = Memory()
    for number in range(20):
        memory.note(number, 0, [b"x" * (1 << 20)], is_write=True)
    assert memory.find(11, 0) is None
    assert memory.find(12, 0) is not None
    assert memory._bytes <= BYTES


def test_an_answer_longer_than_all_is_remembered_alone() -> None:
    memory = Memory()
    memory.note(1, 0, [b"x"], is_write=True)
    memory.note(2, 0, [b"x" * (BYTES + 1)], is_write=True)
    assert (memory.find(1, 0), memory.find(2, 0) is None) == (None, False)


def test_short_reads_are_remembered_and_long_ones_are_not() -> None:
    memory = Memory()
    memory.note(1, 0, [b"x" * READ_BYTES], is_write=False)
    memory.note(2, 0, [b"x" * (READ_BYTES + 1)], is_write=False)
    assert memory.find(1, 0) is not None
    assert memory.find(2, 0) is None


def test_each_origin_has_a_memory_of_its_own() -> None:
    memories = Memories()
    memories.of(b"a").note(1, 0, [b"x"], is_write=True)
    assert memories.of(b"b").find(1, 0) is None
    assert memories.of(b"a").find(1, 0) == b"x"


def test_strangers_push_out_strangers_but_not_who_comes_again() -> None:
    memories = Memories()
    kept = memories.of(b"kept")
    for number in range(3 * ORIGINS):
        memories.of(b"%d" % number)
        if not number % 100:
            assert memories.of(b"kept") is kept
    assert len(memories._by_origin) == ORIGINS
