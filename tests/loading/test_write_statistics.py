from respcache.loading.write_statistics import WriteStatistics


def test_counts_begin_at_nothing() -> None:
    figures = WriteStatistics()
    assert {getattr(figures, name) for name in figures.__struct_fields__} == {0}
