"""From settings to a context, and what is told of mistakes."""

import shutil
import ssl
import sys
from pathlib import Path

import pytest

from respcache.server.tls_context import TlsContext, TlsError, make_context
from respcache.server.tls_socket import TlsSocket
from respcache.settings.settings import Settings
from tests.certificates import PASSWORD, Files, other_certificate


def refusal(settings: Settings) -> str:
    with pytest.raises(TlsError) as refused:
        make_context(settings)
    return str(refused.value)


def test_by_default_clients_must_show_a_certificate_and_speak_a_version_that_is_not_broken(
    certificates: Files,
) -> None:
    context = make_context(certificates.settings())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.maximum_version is ssl.TLSVersion.TLSv1_3
    assert context.sslsocket_class is TlsSocket


@pytest.mark.parametrize(("choice", "mode"), [("no", ssl.CERT_NONE), ("OPTIONAL", ssl.CERT_OPTIONAL)])
def test_clients_may_be_asked_less(choice: str, mode: ssl.VerifyMode, certificates: Files) -> None:
    assert make_context(certificates.settings(tls_auth_clients=choice)).verify_mode is mode


@pytest.mark.parametrize("only", ["TLSv1.2", "tlsv1.3"])
def test_versions_can_be_chosen_in_any_case(only: str, certificates: Files) -> None:
    context = make_context(certificates.settings(tls_protocols=only))
    assert context.minimum_version is context.maximum_version
    assert context.minimum_version.name.replace("_", ".").lower() == only.lower()


def test_no_client_makes_us_shake_hands_again(certificates: Files) -> None:
    assert make_context(certificates.settings()).options & ssl.OP_NO_RENEGOTIATION


@pytest.mark.parametrize("choice", ["yes", "no"])
def test_the_order_of_ciphers_is_the_clients_or_ours(choice: str, certificates: Files) -> None:
    options = make_context(certificates.settings(tls_prefer_server_ciphers=choice)).options
    assert bool(options & ssl.OP_CIPHER_SERVER_PREFERENCE) == (choice == "yes")


def test_ciphers_can_be_chosen(certificates: Files) -> None:
    context = make_context(certificates.settings(tls_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"))
    older = [one["name"] for one in context.get_ciphers() if one["protocol"] != "TLSv1.3"]
    assert older == ["ECDHE-ECDSA-AES128-GCM-SHA256"]


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="this Python can choose them")
def test_what_this_python_cannot_choose_is_not_silently_ignored(certificates: Files) -> None:
    assert "tls-ciphersuites" in refusal(certificates.settings(tls_ciphersuites="TLS_AES_256_GCM_SHA384"))


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("tls_cert_file", "TLS needs tls-cert-file"),
        ("tls_key_file", "TLS needs tls-key-file"),
        ("tls_ca_cert_file", "TLS needs tls-ca-cert-file or tls-ca-cert-dir"),
    ],
)
def test_a_file_that_is_not_named_is_asked_for(missing: str, told: str, certificates: Files) -> None:
    assert told in refusal(certificates.settings(**{missing: ""}))


def test_without_an_authority_clients_can_be_let_in_unasked(certificates: Files) -> None:
    make_context(certificates.settings(tls_ca_cert_file="", tls_auth_clients="no"))


def test_authorities_may_stand_in_a_folder(certificates: Files) -> None:
    folder = str(Path(certificates.authority).parent)
    context = make_context(certificates.settings(tls_ca_cert_file="", tls_ca_cert_dir=folder))
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("tls_cert_file", "/no/such.crt", "cannot read /no/such.crt: No such file or directory"),
        ("tls_key_file", "/no/such.key", "cannot read /no/such.key: No such file or directory"),
        ("tls_ca_cert_file", "/no/such.pem", "cannot read /no/such.pem: No such file or directory"),
        ("tls_protocols", "TLSv1.1 TLSv1.2", "must be of TLSv1.2 and TLSv1.3"),
        ("tls_ciphers", "nonsense", "'nonsense', of which OpenSSL knows none"),
    ],
)
def test_what_is_wrong_is_said(name: str, value: str, told: str, certificates: Files) -> None:
    assert told in refusal(certificates.settings(**{name: value}))


def test_a_key_of_another_certificate_is_told(certificates: Files) -> None:
    assert "the key is not the certificate's" in refusal(
        certificates.settings(tls_key_file=certificates.client)
    )


@pytest.mark.parametrize("which", ["tls_cert_file", "tls_key_file", "tls_ca_cert_file"])
def test_a_file_of_another_kind_is_told(which: str, certificates: Files, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not in PEM\n")
    assert which.replace("_", "-") in refusal(certificates.settings(**{which: str(tmp_path / "notes.txt")}))


def test_a_locked_key_needs_its_password_and_never_asks_the_terminal(certificates: Files) -> None:
    assert "tls-key-file-pass" in refusal(certificates.settings(tls_key_file=certificates.locked_key))
    assert "tls-key-file-pass" in refusal(
        certificates.settings(tls_key_file=certificates.locked_key, tls_key_file_pass="wrong")
    )
    make_context(certificates.settings(tls_key_file=certificates.locked_key, tls_key_file_pass=PASSWORD))


def test_a_renewed_file_is_read_again(certificates: Files, tmp_path: Path) -> None:
    certificate, key = tmp_path / "now.crt", tmp_path / "now.key"
    shutil.copy(certificates.certificate, certificate)
    shutil.copy(certificates.key, key)
    tls = TlsContext(certificates.settings(tls_cert_file=str(certificate), tls_key_file=str(key)))
    first = tls.current
    renewed, its_key = other_certificate(tmp_path)
    shutil.copy(renewed, certificate)
    shutil.copy(its_key, key)
    tls.renew()
    assert tls.current is not first


def test_after_a_mistake_it_goes_on_as_before(certificates: Files) -> None:
    settings = certificates.settings()
    tls = TlsContext(settings)
    before = tls.current
    settings.put(Settings.tls_cert_file, "/no/such.crt", "test")
    with pytest.raises(TlsError):
        tls.renew()
    assert tls.current is before


def test_a_change_can_be_taken_back_although_the_old_files_are_gone(
    certificates: Files, tmp_path: Path
) -> None:
    certificate, key = other_certificate(tmp_path)
    settings = certificates.settings(tls_cert_file=str(certificate), tls_key_file=str(key))
    tls = TlsContext(settings)
    before = tls.current
    settings.put(Settings.tls_cert_file, certificates.certificate, "test")
    settings.put(Settings.tls_key_file, certificates.key, "test")
    tls.renew()
    certificate.unlink()
    settings.put(Settings.tls_cert_file, str(certificate), "test")
    settings.put(Settings.tls_key_file, str(key), "test")
    tls.renew()
    assert tls.current is before
