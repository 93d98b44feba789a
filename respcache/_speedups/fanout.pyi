from .plain import FanOut as FanOut
from .plain import waker as waker
