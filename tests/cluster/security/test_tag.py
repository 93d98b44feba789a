from respcache.cluster.security.tag import TAG_BYTES, cluster_tag


def test_the_tag_of_a_name_is_the_same_for_ever() -> None:
    assert cluster_tag("respcache").hex() == "637effcb11ee44e3"
    assert len(cluster_tag("respcache")) == TAG_BYTES


def test_other_names_have_other_tags() -> None:
    names = ["", "a", "b", "respcache", "Respcache", "\udcff"]
    assert len({cluster_tag(name) for name in names}) == len(names)
