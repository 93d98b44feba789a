"""HTTP at one node about keys of another: what the one does itself, an answer from there looks as one from here."""

from respcache.app.gateway import make_gateway
from tests.cluster.bus.pair import World
from tests.gateway.visitor import Answer, Visitor, request


class Guest(Visitor):
    """A visitor of one node of a world."""

    def __init__(self, world: World, number: int) -> None:
        harness = world.peers[number].harness
        super().__init__(make_gateway(harness.settings, harness.composition))
        self.world = world

    def ask(self, *wires: bytes) -> list[Answer]:
        """Send requests, and let time pass until all have been answered."""
        answers = self.send(b"".join(wires))
        for _ in range(200):
            if len(answers) == len(wires):
                break
            self.world.run(0.01)
            answers += self.answers()
        assert len(answers) == len(wires)
        return answers


def test_values_conditions_and_lives() -> None:
    world = World(2)
    guest, key = Guest(world, 0), world.key_of(1)
    target = f"/v1/keys/{key}"
    [stored] = guest.ask(request("PUT", target + "?ttl=60", b"hello", {"Content-Type": "text/plain"}))
    assert stored.status == 201
    tag = stored.headers["etag"]
    assert world.client(1)(f"GET {key}") == b"hello"
    [got] = guest.ask(request("GET", target))
    assert (got.status, got.body) == (200, b"hello")
    assert (got.headers["content-type"], got.headers["etag"]) == ("text/plain", tag)
    assert got.headers["cache-control"] in ("max-age=60", "max-age=59")
    [refused] = guest.ask(request("PUT", target, b"new", {"If-None-Match": "*"}))
    assert refused.status == 412
    [replaced] = guest.ask(request("PUT", target, b"new", {"If-Match": tag}))
    assert replaced.status == 204
    [gone, miss] = guest.ask(request("DELETE", target), request("GET", target))
    assert (gone.status, miss.status) == (204, 404)


def test_requests_about_several_nodes_are_answered_in_order() -> None:
    world = World(2)
    guest = Guest(world, 0)
    keys = [world.key_of(number, prefix=prefix) for prefix in "abc" for number in (1, 0)]
    wires = [request("PUT", f"/v1/keys/{key}", key.encode()) for key in keys]
    wires += [request("GET", f"/v1/keys/{key}") for key in keys]
    answers = guest.ask(*wires)
    assert [one.status for one in answers] == [201] * 6 + [200] * 6
    assert [one.body.decode() for one in answers[6:]] == keys


def test_a_batch_goes_to_all_at_once_and_its_answers_stand_in_order() -> None:
    world = World(2)
    guest = Guest(world, 0)
    mine, others = world.keys_of(0, 40), world.keys_of(1, 40)
    keys = [key for pair in zip(mine, others, strict=True) for key in pair]
    commands = ",".join(f'["SET","{key}","{key}"]' for key in keys)
    commands += "," + ",".join(f'["GET","{key}"]' for key in keys)
    [answer] = guest.ask(request("POST", "/v1/batch", f"[{commands}]".encode()))
    assert [one["result"] for one in answer.json] == ["OK"] * 80 + keys


def test_tags_and_patterns_reach_keys_of_all_nodes() -> None:
    world = World(2)
    guest = Guest(world, 0)
    keys = world.keys_of(0, 5) + world.keys_of(1, 5)
    for key in keys:
        [stored] = guest.ask(request("PUT", f"/v1/keys/{key}", b"1", {"Cache-Tags": "red"}))
        assert stored.status == 201
    [answer] = guest.ask(request("DELETE", "/v1/keys?tag=red"))
    assert answer.json == {"deleted": 10}
    for key in keys:
        guest.ask(request("PUT", f"/v1/keys/{key}", b"1"))
    [answer] = guest.ask(request("DELETE", "/v1/keys?match=key*"))
    assert answer.json == {"deleted": 10}
    assert world.client(0)("DBSIZE") == 0


def test_a_key_that_nobody_serves_is_told_to_be_tried_again() -> None:
    world = World(2)
    guest, key = Guest(world, 0), world.key_of(1)
    world.kill(1, is_known=False)
    guest.session.receive(request("GET", f"/v1/keys/{key}"))
    world.run(3.0)
    [answer] = guest.answers()
    assert answer.status in (503, 504)
