from .plain_copies import FrameTaker as FrameTaker
from .plain_copies import confirmations_taker as confirmations_taker
from .plain_copies import effects_taker as effects_taker
