"""How our own client speaks TLS: whom it trusts, and what it shows."""

import ssl
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ClientTls:
    """What the command line says of TLS; empty is the default. Paths are of PEM files."""

    authority: str = ""
    authorities: str = ""
    certificate: str = ""
    key: str = ""
    name: str = ""
    """Whom the server's certificate must be for. redis-cli does not ask, and takes anybody's of a trusted authority."""
    is_checked: bool = True

    def hint(self, reason: str) -> str:
        """Return what to add to the reason for which a connection was lost: a server may end it before its own has come."""
        is_known = self.certificate or reason in REASONS.values()
        return "" if is_known else "; does it want a certificate (--cert, --key)?"

    def context(self) -> ssl.SSLContext:
        """Return what to greet a server with. Raises OSError if a file cannot be used."""
        for file in filter(None, (self.authority, self.certificate, self.key)):
            _look_at(file)
        context = ssl.create_default_context(cafile=self.authority or None, capath=self.authorities or None)
        if not self.is_checked:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key or None)
        return context


def _look_at(file: str) -> None:
    try:
        with open(file, "rb"):
            pass
    except OSError as error:
        raise OSError(f"{file}: {error.strerror}") from None  # OpenSSL would not say which file


def reason_of(error: OSError) -> str:
    """Say what went wrong, in words for a person."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        known = REASONS.get(error.reason or "")
        return known or f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}"
    return error.strerror or str(error)


REASONS: Final = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate: give --cert and --key",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust our certificate",
    "WRONG_VERSION_NUMBER": "it does not speak TLS on this port",
    "NO_CERTIFICATE_OR_CRL_FOUND": "there is no certificate in the file of --cacert",
}
"""What OpenSSL calls the mistakes that are made."""
