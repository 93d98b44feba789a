import io
from pathlib import Path

import pytest
from rich.console import Console

from respcache.app.checking import check, dump_table, dump_text
from respcache.app.configuration import ConfigurationError
from respcache.settings.settings import PARAMETERS
from tests.certificates import Files


def test_a_good_file_is_read_with_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("port = 1")
    configuration = check(path, {"RESPCACHE_TIMEOUT": "2"})
    assert (configuration.settings.port, configuration.settings.timeout_seconds) == (1, 2)


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "--odd = name"
    path.write_text("port = 1")
    assert check(path, {}).path == path


def test_a_wrong_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("prot = 1")
    with pytest.raises(ConfigurationError, match="did you mean port"):
        check(path, {})


def test_certificates_are_read(tmp_path: Path, certificates: Files) -> None:
    path = tmp_path / "my.toml"
    folder = Path(certificates.certificate).parent
    tls = '[tls]\nport = 6380\nauth-clients = "no"\ncert-file = "server.crt"\nkey-file = '
    path.write_text(f'dir = "{folder}"\n{tls}"server.key"\n')
    assert check(path, {}).settings.tls_port == 6380
    path.write_text(f'dir = "{folder}"\n{tls}"client.pem"\n')
    with pytest.raises(ConfigurationError, match="the key is not the certificate's"):
        check(path, {})


def test_the_dump_has_every_setting_with_its_source_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('port = 1\nrequirepass = "sesame"\n')
    text = dump_text(check(path, {}))
    assert text.count("\n") == len(PARAMETERS)
    assert f"port\t1\t{path}\n" in text
    assert "timeout\t0\tdefault\n" in text
    assert "sesame" not in text


def test_the_table_is_not_confused_by_brackets(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('logfile = "[red]x"\n')
    console = Console(file=io.StringIO(), width=200)
    console.print(dump_table(check(path, {})))
    assert isinstance(console.file, io.StringIO)
    assert "[red]x" in console.file.getvalue()
