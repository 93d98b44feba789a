"""A shop's database behind a cache, to try out: ``python docs/examples/shop.py``, and then any Redis client.

    $ redis-cli HGETALL product:7
    $ redis-cli HGET product:7 price
    $ redis-cli EXISTS product:100000

The first run makes ``shop.db``, an SQLite file with a thousand products, in the current directory. The server says on its console when it
asks the database: once for a product, however many clients ask, and once for many that are asked for together. Arguments
are passed on to ``respcache serve``.
"""

import os
import sqlite3
import sys
from pathlib import Path

from respcache.loading import Loader

DATABASE = Path("shop.db")


class Products(Loader):
    """Loads ``product:<id>`` as a hash of the row's columns. ``respcache serve --loader shop:Products`` is all it needs."""

    pattern = "product:*"
    expiration = 60  # seconds; up to a tenth less, so that what was loaded together does not expire together
    refresh_ahead = (
        0.2  # what is read in the last fifth of that is loaded anew, while the old value is served
    )
    negative_expiration = 5  # a product that there is not is not looked for again for so long

    def bulk_load(self, keys: list[bytes]) -> dict[bytes, dict[str, str]]:
        """Return the rows of these keys; the others have none. As a plain function it runs in a worker thread."""
        print(f"the database is asked for {len(keys)}: {keys[0]!r} ...", flush=True)
        numbers = {key.removeprefix(b"product:").decode(): key for key in keys}
        places = ",".join("?" * len(numbers))
        with sqlite3.connect(DATABASE) as database:
            rows = database.execute(
                f"select id, name, price from products where cast(id as text) in ({places})", [*numbers]
            )
            return {
                numbers[str(number)]: {"id": str(number), "name": name, "price": f"{price:.2f}"}
                for number, name, price in rows
            }


def make_database() -> None:
    """Fill a new database."""
    with sqlite3.connect(DATABASE) as database:
        database.execute("create table products (id integer primary key, name text, price real)")
        database.executemany(
            "insert into products values (?, ?, ?)",
            [(number, f"Product {number}", number * 0.37) for number in range(1, 1001)],
        )


if __name__ == "__main__":
    if not DATABASE.exists():
        make_database()
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(Path(__file__).parent.resolve()), os.environ.get("PYTHONPATH")])
    )
    serve = [sys.executable, "-m", "respcache", "serve", "--loader", "shop:Products", *sys.argv[1:]]
    os.execv(sys.executable, serve)
