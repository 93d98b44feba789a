from .plain import HotPath as HotPath

COMMANDS_TOGETHER: int
LEFT_PER_TURN: int
OUTPUT_PER_TURN_BYTES: int
