import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from respcache.cluster.discovery.dns_name import DnsName

NEEDED = ("unshare", "mount", "ip")
REPOSITORY = Path(__file__).parents[3]


async def test_the_name_is_handed_on_with_its_port() -> None:
    assert list(await DnsName("cache.example", 7).peers()) == ["cache.example:7"]
    assert list(await DnsName("cache.example", 0).peers()) == ["cache.example"]


def test_all_addresses_of_a_name_come_from_a_real_server_through_the_system(tmp_path: Path) -> None:
    if any(shutil.which(tool) is None for tool in NEEDED):
        pytest.skip(f"needs {', '.join(NEEDED)}")
    alone = ["unshare", "--map-root-user", "--net", "--mount"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True, timeout=10).returncode:
        pytest.skip("this kernel gives us no namespaces of our own")
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:2\n")
    script = [sys.executable, "-m", "tests.cluster.discovery.system_names", str(tmp_path / "resolv.conf")]
    done = subprocess.run(
        [*alone, *script], check=False, capture_output=True, text=True, timeout=15, cwd=REPOSITORY
    )
    assert done.stdout == "[('10.0.0.1', 7), ('10.0.0.2', 7), ('fd00::1', 7)]\n", done.stderr
