"""When a node may be left out, and when its subscriptions are confirmed."""

from respcache.cluster.pubsub.silence import PATIENCE_S, QUIET_S, Silence
from respcache.commands.pending import Pending

A, B = b"a", b"b"


def silent(told: tuple[bytes, ...] = (A, B)) -> Silence:
    silence = Silence(0.0)
    assert silence.tick(QUIET_S)
    for node in told:
        assert silence.token_for(node) == 0
    return silence


def is_confirmed(silence: Silence) -> bool:
    return not isinstance(silence.confirmation(1), Pending)


def test_silence_begins_when_nobody_has_listened_for_a_while() -> None:
    silence = Silence(0.0)
    silence.note(1.0, is_empty=False)
    assert not silence.tick(1.0 + 2 * QUIET_S)
    silence.note(30.0, is_empty=True)
    assert not silence.tick(30.0 + QUIET_S - 0.1)
    silence.note(30.0 + QUIET_S - 0.1, is_empty=True)
    assert silence.tick(30.0 + QUIET_S)
    assert not silence.tick(31.0 + QUIET_S)


def test_a_subscription_is_confirmed_when_all_who_heard_of_the_silence_have_heard_of_its_end() -> None:
    silence = silent()
    assert silence.note(20.0, is_empty=False)
    pending = silence.confirmation("subscribed")
    assert isinstance(pending, Pending)
    assert (silence.token_for(A), silence.token_for(B), silence.token_for(b"c")) == (1, 1, 0)
    silence.heard(A, 1)
    silence.heard(A, 1)
    assert not pending.is_done
    silence.heard(B, 1)
    assert pending.is_done
    assert is_confirmed(silence)


def test_nobody_is_waited_for_who_never_heard_of_the_silence() -> None:
    silence = silent(told=())
    silence.note(20.0, is_empty=False)
    assert is_confirmed(silence)


def test_words_about_an_earlier_silence_count_for_nothing() -> None:
    silence = silent(told=(A,))
    silence.note(20.0, is_empty=False)
    silence.tick(20.0 + PATIENCE_S)
    silence.note(21.0, is_empty=True)
    assert silence.tick(21.0 + QUIET_S)
    silence.token_for(A)
    silence.note(40.0, is_empty=False)
    silence.heard(A, 1)
    assert not is_confirmed(silence)
    silence.heard(A, 2)
    assert is_confirmed(silence)


def test_patience_ends() -> None:
    silence = silent()
    silence.note(20.0, is_empty=False)
    pending = silence.confirmation("subscribed")
    assert isinstance(pending, Pending)
    silence.tick(20.0 + PATIENCE_S - 0.01)
    assert not pending.is_done
    silence.tick(20.0 + PATIENCE_S)
    assert pending.is_done


def test_those_who_have_gone_are_not_waited_for() -> None:
    silence = silent()
    silence.note(20.0, is_empty=False)
    pending = silence.confirmation("subscribed")
    assert isinstance(pending, Pending)
    silence.forget([A, B])
    assert pending.is_done


def test_nobody_is_waited_for_who_has_heard_of_an_earlier_silence_only() -> None:
    silence = silent(told=(A,))
    silence.note(20.0, is_empty=False)
    silence.tick(20.0 + PATIENCE_S)
    silence.note(21.0, is_empty=True)
    assert silence.tick(21.0 + QUIET_S)
    silence.note(40.0, is_empty=False)
    assert is_confirmed(silence)
