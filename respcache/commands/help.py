"""The reply of every HELP subcommand: a line for each form, its explanation indented below it."""

from ..protocol.replies import Reply, SimpleString


def help_reply(container: str, *forms: tuple[str, str]) -> Reply:
    """Return the lines that explain ``container``'s subcommands, in Redis' shape and our words.

    A form is a subcommand with its arguments, and what it does; line breaks in
    the explanation begin further indented lines.
    """
    lines = [f"{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    for form, explanation in (*forms, ("HELP", "Print this text.")):
        lines.append(form)
        lines += [f"    {line}" for line in explanation.splitlines()]
    return [SimpleString(line) for line in lines]
