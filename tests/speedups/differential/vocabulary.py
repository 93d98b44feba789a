"""The words that random commands are made of: few keys, so that commands meet, and values at the edges of things.

No word lets time decide: a life ends at once, or days after the trial, and no two relative lives are near each other, so that
EXPIRE's GT and LT mean the same on two servers that are some milliseconds apart.
"""

import random
from typing import Final

KEYS: Final = [
    b"a",
    b"b",
    b"c",
    b"text",
    b"number",
    b"hash",
    b"big",
    b"missing",
    b"",
    b"\xff\x00\r\n",
    b"k" * 200,
]
NUMBERED_KEYS: Final = 300
"""More keys, seldom used: enough for tables to grow and shrink."""

FIELDS: Final = [b"f", b"g", b"h", b"", b"field:10", b"\r\n", b"n" * 70]
NUMBERED_FIELDS: Final = 40

INTEGERS: Final = [
    0,
    1,
    -1,
    2,
    5,
    10,
    99,
    100,
    2**31 - 1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63 - 2,
    -(2**63),
    -(2**63) + 1,
]
NO_INTEGERS: Final = [
    b"",
    b" 1",
    b"1 ",
    b"+1",
    b"01",
    b"-0",
    b"-",
    b"1e3",
    b"9" * 30,
    b"%d" % 2**63,
    b"%d" % 2**64,
    b"0x1",
]
FLOATS: Final = [b"0.1", b"-1.5e3", b".5", b"5.", b"3", b"1e17", b"1e308", b"0x1p-1", b"-0.25", b"1e-5"]
NO_FLOATS: Final = [b"inf", b"nan", b"1e", b"", b"1e99999999", b"0x"]
PATTERNS: Final = [b"*", b"?", b"[ab]", b"[^a]", b"a*", b"\\a", b"k*", b"*e*", b"key:1?", b"[", b"h?sh"]
CHANNELS: Final = [b"news", b"weather", b"", b"__keyspace@0__:a", b"news.sport"]
CHANNEL_PATTERNS: Final = [b"n*", b"*", b"news.?port", b"__key*__:*"]

# Around every size at which something is stored or sent another way: in place or apart, copied or by reference.
VALUE_SIZES: Final = [
    *[
        0,
        1,
        2,
        3,
        7,
        8,
        9,
        15,
        16,
        17,
        19,
        20,
        21,
        23,
        24,
        25,
        31,
        32,
        33,
        43,
        44,
        45,
        47,
        48,
        49,
        63,
        64,
        65,
    ],
    *[127, 128, 129, 199, 200, 255, 256, 257, 511, 512, 513, 1000, 1023, 1024, 1025, 2047, 4000, 4096],
]
LONG_SIZES: Final = [8192, 16383, 16384, 16385, 32767, 32768, 32769, 65535, 65536, 65537, 100_000]
HUGE_SIZES: Final = [1 << 18, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20]

FIRST_LIFE_S: Final = 1_000_000
LIFE_STEP_S: Final = 1000
MOMENTS_S: Final = [4_102_444_800, 4_202_444_800, 1, 0, -1, 1_700_000_000]
BAD_LIVES: Final = [
    b"0",
    b"-1",
    b"x",
    b"",
    b"1.5",
    b"%d" % (2**63 - 1),
    b"%d" % -(2**63),
    b"9223372036854775808",
]
# Of words whose place is not known: none may be a life that ends within a trial, or one that is met twice.
ANYWHERE: Final = [
    b"0",
    b"-1",
    b"x",
    b"",
    b"\xff\xfe",
    b"9" * 30,
    b"%d" % -(2**63),
    b"a",
    b"hash",
    b"*",
    b"NX",
    b"GET",
    b"XX",
]


class Vocabulary:
    """Draws words; ``chance`` decides, and nothing else."""

    def __init__(self, chance: random.Random, *, is_hasty: bool = False) -> None:
        self.chance = chance
        self._is_hasty = is_hasty
        self._lives = 0

    def key(self) -> bytes:
        chance = self.chance
        if chance.random() < 0.25:
            return b"key:%d" % chance.randrange(NUMBERED_KEYS)
        return chance.choice(KEYS)

    def field(self) -> bytes:
        chance = self.chance
        if chance.random() < 0.3:
            return b"%d" % chance.randrange(NUMBERED_FIELDS)
        return chance.choice(FIELDS)

    def value(self) -> bytes:
        """Draw a value: a number, or bytes of a size that matters; now and then a long one."""
        chance = self.chance
        kind = chance.random()
        if kind < 0.3:
            return self.integer()
        if kind < 0.36:
            return chance.choice(FLOATS)
        if kind < 0.4:
            return chance.choice(NO_INTEGERS)
        if kind < 0.98:
            return self.text(chance.choice(VALUE_SIZES))
        return self.text(chance.choice(LONG_SIZES))

    def huge(self) -> bytes:
        return self.text(self.chance.choice(HUGE_SIZES))

    def text(self, size: int) -> bytes:
        """Return bytes that tell where they were cut, if they were; or any bytes at all."""
        if size <= 64 and self.chance.random() < 0.5:
            return self.chance.randbytes(size)
        line = b"%d:" % size + b"0123456789abcdef\r\n"
        return (line * (size // len(line) + 1))[:size]

    def integer(self) -> bytes:
        chance = self.chance
        kind = chance.random()
        if kind < 0.4:
            return b"%d" % chance.choice(INTEGERS)
        if kind < 0.9:
            return b"%d" % chance.randint(-1000, 1000)
        return chance.choice(NO_INTEGERS)

    def double(self) -> bytes:
        return self.chance.choice(FLOATS if self.chance.random() < 0.85 else NO_FLOATS)

    def offset(self) -> bytes:
        """Draw a place in a string: none far enough for SETRANGE to make a huge one."""
        chance = self.chance
        return b"%d" % chance.choice([0, 1, -1, -3, 5, 63, 64, 1000, 70_000, chance.randint(-100, 100)])

    def seconds(self) -> bytes:
        """Draw a time to live: one that nobody has drawn before, or one that is none."""
        if self.chance.random() < 0.15:
            return self.chance.choice(BAD_LIVES)
        self._lives += 1
        if self.chance.random() < 0.5:
            return b"%d" % (FIRST_LIFE_S * 500 - LIFE_STEP_S * self._lives)
        return b"%d" % (FIRST_LIFE_S + LIFE_STEP_S * self._lives)

    def milliseconds(self) -> bytes:
        if self._is_hasty:  # for servers whose answers are not compared
            return b"%d" % self.chance.choice([1, 2, 5, 10, 30, 100])
        life = self.seconds()
        return life + b"000" if life.isdigit() and life != b"0" and len(life) < 12 else life

    def moment_s(self) -> bytes:
        return b"%d" % self.chance.choice(MOMENTS_S)

    def moment_ms(self) -> bytes:
        return b"%d" % (self.chance.choice(MOMENTS_S) * 1000 + self.chance.choice([0, 123]))

    def pattern(self) -> bytes:
        return self.chance.choice(PATTERNS)

    def channel(self) -> bytes:
        return self.chance.choice(CHANNELS)

    def anything(self) -> bytes:
        return self.chance.choice(ANYWHERE)
