from .plain_copies import clear_marks as clear_marks
