from .plain_copies import confirm as confirm
from .plain_copies import seal as seal
