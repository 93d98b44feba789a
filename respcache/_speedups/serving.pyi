from .plain import HotPath as HotPath

COMMANDS_TOGETHER: int
GUARD_BYTES: tuple[int, int]
LEFT_PER_TURN: int
OUTPUT_PER_TURN_BYTES: int
