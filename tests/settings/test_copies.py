import pytest

from respcache.settings.cluster import Cluster
from respcache.settings.copies import Copies
from respcache.settings.errors import SettingsError
from respcache.settings.flags import parse_flags
from respcache.settings.settings import Settings
from respcache.settings.sources import load


def of_flags(line: str) -> Settings:
    return load(flags=parse_flags(line.split()).settings)


def test_without_a_word_an_answered_write_survives_the_loss_of_a_node_and_every_side_of_a_split_serves() -> (
    None
):
    settings = Settings()
    assert settings.cluster_copies == 2
    assert settings.cluster_replication_ack == "sync"
    assert settings.cluster_mode == "available"
    assert settings.cluster_min_members == 1


def test_the_table_of_the_cluster_holds_them_too() -> None:
    settings = load(
        '[cluster]\nreplication.ack = "async"\nmode = "strict"\nmin-members = 3\ntransfer-rate = "8mb"\nleave-timeout = 5\n'
    )
    assert (settings.cluster_replication_ack, settings.cluster_mode) == ("async", "strict")
    assert settings.cluster_min_members == 3
    assert settings.cluster_transfer_rate_bytes == 8 << 20
    assert settings.cluster_leave_timeout_seconds == 5
    assert Copies.table == Cluster.table == "cluster"


def test_the_command_line_has_short_flags_for_what_is_chosen_often() -> None:
    settings = of_flags("--copies 3 --ack async --mode strict --min-members 2")
    assert (settings.cluster_copies, settings.cluster_replication_ack) == (3, "async")
    assert (settings.cluster_mode, settings.cluster_min_members) == ("strict", 2)


@pytest.mark.parametrize(
    "flags", ["--ack often", "--mode safe", "--min-members 0", "--cluster-transfer-rate 1kb", "--copies 9"]
)
def test_what_makes_no_sense_is_refused(flags: str) -> None:
    with pytest.raises(SettingsError):
        of_flags(flags)


def test_what_nodes_must_agree_about_cannot_be_changed_while_one_runs() -> None:
    fixed = [parameter.name for parameter in Copies.parameters if not parameter.mutable]
    assert fixed == ["cluster-copies", "cluster-mode", "cluster-min-members"]
