from .plain_copies import StateWriter as StateWriter
