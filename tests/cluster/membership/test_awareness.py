from respcache.cluster.membership.awareness import Awareness


def test_health_stays_between_well_and_worst() -> None:
    awareness = Awareness(7)
    awareness.add(-1)
    assert awareness.health == 0
    awareness.add(5)
    awareness.add(5)
    assert awareness.health == 7
    awareness.add(-1)
    assert awareness.health == 6


def test_timeouts_stretch_with_trouble() -> None:
    awareness = Awareness(7)
    assert awareness.stretch(0.5) == 0.5
    awareness.add(3)
    assert awareness.stretch(0.5) == 2.0
