"""What TLS is spoken with: from the settings to an ``ssl.SSLContext``, which is made anew when they change.

A connection keeps the context that it was greeted with; whoever comes later meets the new certificate.
"""

import logging
import ssl
from typing import Final, TypeAlias

from ..settings.parameter import AnyParameter
from ..settings.settings import Settings
from .tls_socket import TlsSocket

log = logging.getLogger(__name__)

VERSIONS: Final = {"tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3}
"""As they are written in ``tls-protocols``, where case does not matter. Redis takes older ones, too, which OpenSSL refuses by now."""

ASKED: Final = {"no": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "yes": ssl.CERT_REQUIRED}

PARAMETERS: Final[tuple[AnyParameter, ...]] = (
    Settings.tls_cert_file,
    Settings.tls_key_file,
    Settings.tls_key_file_pass,
    Settings.tls_ca_cert_file,
    Settings.tls_ca_cert_dir,
    Settings.tls_auth_clients,
    Settings.tls_protocols,
    Settings.tls_ciphers,
    Settings.tls_ciphersuites,
    Settings.tls_prefer_server_ciphers,
)
"""All that a context follows from."""

NOT_PEM: Final = "not in PEM"

Values: TypeAlias = tuple[object, ...]


class TlsError(Exception):
    """TLS cannot be spoken with these settings; the text says which of them is wrong, and how."""


class TlsContext:
    """The context for the next client: ``current``. Raises TlsError if the first one cannot be made."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.current = make_context(settings)
        self._values = self._former_values = values_of(settings)
        self._former = self.current

    def renew(self) -> None:
        """Read the settings and the files again. Raises TlsError, and keeps what there was, if they are wrong.

        Back to what was before the last time it goes whatever has become of the files: a change can always be taken back.
        """
        values = values_of(self._settings)
        try:
            made = make_context(self._settings)
        except TlsError:
            if values != self._former_values or values == self._values:
                raise
            made = self._former
        self._former, self._former_values = self.current, self._values
        self.current, self._values = made, values
        log.info("TLS: certificate and settings are in use from now on: %s", self._settings.tls_cert_file)


def values_of(settings: Settings) -> Values:
    return tuple(settings.value(parameter) for parameter in PARAMETERS)


def make_context(settings: Settings) -> ssl.SSLContext:
    """Make the context that the settings ask for. Raises TlsError."""
    check_files(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = TlsSocket
    # Of TLSv1.2: a few bytes from a client would cost us a handshake.
    context.options |= ssl.OP_NO_RENEGOTIATION
    # For HTTP clients, which may know others; Redis clients ask for nothing.
    context.set_alpn_protocols(["http/1.1"])
    _choose_versions(context, settings)
    _choose_ciphers(context, settings)
    _load_certificate(context, settings)
    context.verify_mode = ASKED[settings.tls_auth_clients]
    _load_authorities(context, settings)
    return context


def check_files(settings: Settings) -> None:
    """Raise TlsError if a file is not named without which there is no TLS."""
    for parameter in (Settings.tls_cert_file, Settings.tls_key_file):
        if not settings.value(parameter):
            raise TlsError(f"TLS needs {parameter.name}, PEM")
    has_authorities = settings.tls_ca_cert_file or settings.tls_ca_cert_dir
    if settings.tls_auth_clients != "no" and not has_authorities:
        raise TlsError(
            "to ask clients for certificates, TLS needs tls-ca-cert-file or tls-ca-cert-dir;"
            " tls-auth-clients no asks for none"
        )


def _choose_versions(context: ssl.SSLContext, settings: Settings) -> None:
    words = settings.tls_protocols.lower().split()
    if not set(words) <= set(VERSIONS):
        raise TlsError(f"tls-protocols is {settings.tls_protocols!r}, but must be of TLSv1.2 and TLSv1.3")
    chosen = [VERSIONS[word] for word in words or VERSIONS]
    context.minimum_version, context.maximum_version = min(chosen), max(chosen)


def _choose_ciphers(context: ssl.SSLContext, settings: Settings) -> None:
    if settings.tls_prefer_server_ciphers:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        if settings.tls_ciphers:
            context.set_ciphers(settings.tls_ciphers)
    except ssl.SSLError:
        raise TlsError(f"tls-ciphers is {settings.tls_ciphers!r}, of which OpenSSL knows none") from None
    if settings.tls_ciphersuites:
        choose = getattr(context, "set_ciphersuites", None)
        if choose is None:
            raise TlsError("this Python cannot choose tls-ciphersuites; leave it empty")
        try:
            choose(settings.tls_ciphersuites)
        except ssl.SSLError:
            raise TlsError(
                f"tls-ciphersuites is {settings.tls_ciphersuites!r}, of which OpenSSL knows none"
            ) from None


def _load_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    certificate, key = settings.tls_cert_file, settings.tls_key_file
    asked: list[str] = []

    def password() -> str:
        # Without this function OpenSSL would ask the terminal, and wait.
        asked.append(key)
        return settings.tls_key_file_pass

    try:
        context.load_cert_chain(certificate, key, password)
    except (OSError, ValueError) as error:
        reason = _reason(error, certificate, key)
        if asked and reason == NOT_PEM:
            reason = "the key has a password, which is not that of tls-key-file-pass"
        raise TlsError(f"tls-cert-file {certificate} and tls-key-file {key}: {reason}") from None


def _load_authorities(context: ssl.SSLContext, settings: Settings) -> None:
    file, folder = settings.tls_ca_cert_file, settings.tls_ca_cert_dir
    if not (file or folder):
        return
    try:
        context.load_verify_locations(file or None, folder or None)
    except (OSError, ValueError) as error:
        raise TlsError(f"tls-ca-cert-file {file}: {_reason(error, file)}") from None


def _reason(error: OSError | ValueError, *files: str) -> str:
    """Say what is wrong with files, in words for whoever wrote their names; OpenSSL names neither file nor fault."""
    for file in files:
        try:
            with open(file, "rb"):
                pass
        except OSError as fault:
            return f"cannot read {file}: {fault.strerror}"
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not the certificate's"
    return NOT_PEM
