import pytest

from respcache.cluster.uplink import registry as module
from respcache.cluster.uplink.messages import Registration
from respcache.cluster.uplink.registry import FullError, Registry

HERE = Registration("10.0.0.1:1", "10.0.0.1:2", ttl_s=30)


def at(number: int, ttl_s: int = 30) -> Registration:
    return Registration(f"10.0.0.{number}:1", ttl_s=ttl_s)


def ids(registry: Registry, now_s: float = 0, cluster: str = "c") -> list[str]:
    return [member.id for member in registry.members(cluster, now_s)]


def test_who_registers_is_listed() -> None:
    registry = Registry()
    registry.put("c", "a", HERE, 0)
    (member,) = registry.members("c", 1)
    assert (member.id, member.bus, member.name) == ("a", HERE.bus, HERE.name)
    assert registry.find("c", "a", 1) == member


def test_an_entry_expires_unless_it_is_renewed() -> None:
    registry = Registry()
    registry.put("c", "a", at(1), 0)
    registry.put("c", "b", at(2), 0)
    registry.put("c", "a", at(1), 20)
    assert ids(registry, 29) == ["a", "b"]
    assert registry.find("c", "b", 30) is None
    assert ids(registry, 30) == ["a"]
    assert ids(registry, 50) == []
    assert registry.count() == (0, 0)


def test_who_renews_may_have_moved() -> None:
    registry = Registry()
    registry.put("c", "a", at(1), 0)
    registry.put("c", "a", at(2), 1)
    assert [member.bus for member in registry.members("c", 1)] == ["10.0.0.2:1"]


def test_a_new_node_at_an_old_address_takes_its_place_at_once() -> None:
    registry = Registry()
    registry.put("c", "a", at(1), 0)
    registry.put("c", "b", at(1), 1)
    assert ids(registry, 1) == ["b"]


def test_clusters_are_apart() -> None:
    registry = Registry()
    registry.put("c", "a", at(1), 0)
    registry.put("d", "a", at(1), 0)
    assert registry.remove("c", "a")
    assert ids(registry, cluster="c") == []
    assert ids(registry, cluster="d") == ["a"]


def test_who_is_not_there_cannot_be_removed() -> None:
    registry = Registry()
    assert not registry.remove("c", "a")
    registry.put("c", "a", at(1), 0)
    assert not registry.remove("c", "b")


@pytest.mark.parametrize(
    ("bound", "clusters"), [("MOST_MEMBERS", 1), ("MOST_ENTRIES", 2), ("MOST_CLUSTERS", 3)]
)
def test_a_full_registry_admits_nobody_new_and_keeps_who_is_in(
    bound: str, clusters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, bound, 3)
    registry = Registry()
    places = [(f"c{number % clusters}", f"m{number}", at(number)) for number in range(4)]
    if bound == "MOST_CLUSTERS":
        places[3] = ("c3", "m3", at(3))
    for place in places[:3]:
        registry.put(*place, 0)
    with pytest.raises(FullError, match="there are 3"):
        registry.put(*places[3], 1)
    for place in places[:3]:
        registry.put(*place, 1)
    assert registry.count()[1] == 3
    registry.put(*places[3], 40)  # the others have expired, in whatever cluster
    assert [ids(registry, 40, place[0]) for place in places[3:]] == [["m3"]]


def test_a_full_registry_is_not_swept_for_every_newcomer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES", 1)
    registry = Registry()
    registry.put("c", "a", at(1, ttl_s=1), 0)
    for now_s in (0.9, 1.5):
        with pytest.raises(FullError):
            registry.put("d", "b", at(2), now_s)
    registry.put("d", "b", at(2), 2)
