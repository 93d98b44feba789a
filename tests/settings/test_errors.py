from respcache.settings.errors import SettingsError, failed_change, unknown_option


def test_a_failed_change_names_the_argument_as_redis_does() -> None:
    refusal = failed_change("timeout", "argument must be a memory value")
    assert str(refusal) == (
        "CONFIG SET failed (possibly related to argument 'timeout') - argument must be a memory value"
    )


def test_an_unknown_option_is_refused_in_redis_words() -> None:
    assert str(unknown_option("nosuch")) == "Unknown option or number of arguments for CONFIG SET - 'nosuch'"


def test_wrong_settings_are_a_value_error_for_those_who_know_no_better() -> None:
    assert issubclass(SettingsError, ValueError)
