STAMP: str
IS_CHECKED: bool
