"""How one pause follows another."""

from respcache.commands.pause import Pause


def paused(until_ms: int, *, writes_only: bool) -> Pause:
    pause = Pause()
    pause.start(until_ms, writes_only=writes_only, now_ms=0)
    return pause


def test_nothing_is_paused_at_first() -> None:
    assert not Pause().is_active(0)


def test_a_pause_is_over_at_its_very_instant() -> None:
    pause = paused(100, writes_only=False)
    assert [pause.is_active(now_ms) for now_ms in (0, 99, 100, 101)] == [True, True, False, False]


def test_a_shorter_pause_does_not_shorten_the_one_that_runs() -> None:
    pause = paused(100, writes_only=True)
    pause.start(50, writes_only=True, now_ms=10)
    assert pause.until_ms == 100


def test_a_longer_pause_prolongs_the_one_that_runs() -> None:
    pause = paused(100, writes_only=True)
    pause.start(200, writes_only=True, now_ms=10)
    assert pause.until_ms == 200


def test_a_pause_of_writes_does_not_free_the_reads() -> None:
    pause = paused(100, writes_only=False)
    pause.start(200, writes_only=True, now_ms=10)
    assert (pause.until_ms, pause.writes_only) == (200, False)


def test_a_pause_of_everything_holds_the_reads_too() -> None:
    pause = paused(100, writes_only=True)
    pause.start(50, writes_only=False, now_ms=10)
    assert (pause.until_ms, pause.writes_only) == (100, False)


def test_what_is_over_leaves_no_trace_on_the_next_pause() -> None:
    pause = paused(1000, writes_only=False)
    pause.stop()
    pause.start(50, writes_only=True, now_ms=10)
    assert (pause.until_ms, pause.writes_only) == (50, True)


def test_a_pause_that_ran_out_counts_as_over() -> None:
    pause = paused(100, writes_only=False)
    pause.start(150, writes_only=True, now_ms=100)
    assert (pause.until_ms, pause.writes_only) == (150, True)


def test_the_rim_is_told_of_each_start_and_stop() -> None:
    pause, heard = Pause(), list[bool]()
    pause.on_change = lambda: heard.append(pause.is_active(0))
    pause.start(100, writes_only=True, now_ms=0)
    pause.start(50, writes_only=True, now_ms=0)
    pause.stop()
    assert heard == [True, True, False]
