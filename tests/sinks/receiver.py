"""A webhook's receiver: an HTTP server that keeps all requests, and answers one after the other as it is told."""

from typing import Any, Final

from tests.http_server import Asked, HttpServer, Reply

FINE: Final = Reply(body=b"..")


class Receiver(HttpServer):
    """``answers`` are used up one by one; then everything is fine."""

    def __init__(self) -> None:
        super().__init__(lambda _: self.answers.pop(0) if self.answers else FINE)
        self.answers: list[Reply] = []

    @property
    def hook(self) -> str:
        return f"{self.url}/hook"

    @property
    def databases(self) -> list[list[Any]]:
        """Return for each request what tells the events of tests apart."""
        return [[event.get("db") for event in asked.document["events"]] for asked in self.asked]


def whole_seconds(asked: list[Asked]) -> list[int]:
    """Return when there were requests."""
    return [round(one.at_s) for one in asked]
