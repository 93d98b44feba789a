"""The two ways in which settings can be wrong: at the start, and under CONFIG SET.

Both carry one sentence for a person. ``InvalidValueError`` is what a kind of value
raises; whoever knows where the text came from turns it into one of the others.
"""


class InvalidValueError(ValueError):
    """The text is no value of this kind. Its message is Redis' own, for CONFIG SET.

    ``detail`` says more where ``allowed`` of the kind leaves a question.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class SettingsError(ValueError):
    """The settings at the start are wrong; the message says where, which, and what is allowed."""


class ChangeRefusedError(Exception):
    """CONFIG SET changed nothing; the message is Redis' own, without the leading ERR."""


class SettingRefusedError(Exception):
    """Raised by an apply hook that cannot follow a change; its message becomes part of the reply."""


def failed_change(argument: str, reason: str) -> ChangeRefusedError:
    """``argument`` is spelled as the client spelled it."""
    return ChangeRefusedError(f"CONFIG SET failed (possibly related to argument '{argument}') - {reason}")


def unknown_option(argument: str) -> ChangeRefusedError:
    return ChangeRefusedError(f"Unknown option or number of arguments for CONFIG SET - '{argument}'")
