from respcache.cluster.discovery.static import StaticSeeds


async def test_seeds_are_told_as_they_were_written() -> None:
    assert list(await StaticSeeds(["cache-0:1", "10.0.0.1:2"]).peers()) == ["cache-0:1", "10.0.0.1:2"]
