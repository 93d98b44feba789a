from respcache.settings.memory import POLICIES, Memory

REDIS_POLICIES = {
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
}


def test_all_policies_of_redis_can_be_chosen_and_one_of_our_own() -> None:
    assert set(POLICIES) - REDIS_POLICIES == {"allkeys-s3fifo"}
    assert set(POLICIES) >= REDIS_POLICIES


def test_the_default_policy_makes_room_and_resists_scans() -> None:
    assert Memory.maxmemory_policy.default == "allkeys-s3fifo"


def test_old_names_of_hash_limits_are_still_known() -> None:
    assert Memory.hash_max_listpack_entries.aliases == ("hash-max-ziplist-entries",)
    assert Memory.hash_max_listpack_value_bytes.aliases == ("hash-max-ziplist-value",)
