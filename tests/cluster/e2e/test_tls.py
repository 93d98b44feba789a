"""Nodes with certificates of their own authority talk over TLS, and to nobody else."""

from pathlib import Path

import trustme

from tests.cluster.processes import Cluster, running_cluster

SECRET = ["--cluster-secret", "secret"]


def certificate(authority: trustme.CA, directory: Path) -> list[str]:
    """Write a certificate of the authority; return the flags that use it."""
    directory.mkdir(exist_ok=True)
    issued = authority.issue_cert("127.0.0.1")
    names = {name: directory / f"{name}.pem" for name in ("cert", "key", "ca")}
    names["cert"].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    names["key"].write_bytes(issued.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(names["ca"]))
    return [word for name, path in names.items() for word in (f"--cluster-tls-{name}-file", str(path))]


def test_nodes_with_certificates_are_one_cluster_and_others_stay_alone(tmp_path: Path) -> None:
    flags = certificate(trustme.CA(), tmp_path / "ours")
    foreign = certificate(trustme.CA(), tmp_path / "theirs")
    with running_cluster(tmp_path, 2, *SECRET, *flags) as cluster:
        key = cluster.keys_of(cluster[1], 1)[0]
        assert cluster[0].call("SET", key, "v").text == b"OK"
        assert cluster[0].call("GET", key).text == b"v"
        outside = Cluster(tmp_path / "outside")
        for other in ([*SECRET, *foreign], SECRET):
            outside.add_nowait(*other, seeds=cluster[0].bus)
        for stranger in outside:
            stranger.wait_until_it_answers()
        outside.wait_until(
            lambda: [node.active_members() for node in outside] == [1, 1],
            "strangers serve alone",
            within_s=15,
        )
        assert [node.active_members() for node in cluster] == [2, 2]
        outside.stop()
