from respcache.settings.kinds import Integer
from respcache.settings.parameter import Parameter, Section


class Fruit(Section, title="Fruit"):
    apples = Parameter("apples-per-day", Integer(), 1, doc="How many.", reason="Keeps the doctor away.")
    pears = Parameter("pears", Integer(), 0, doc="How many.", reason="Taste.")


def test_a_section_knows_its_parameters_in_order() -> None:
    assert Fruit.parameters == (Fruit.apples, Fruit.pears)
    assert Fruit.title == "Fruit"


def test_a_parameter_learns_the_attribute_it_is() -> None:
    assert Fruit.apples.attribute == "apples"
    assert Fruit.apples.name == "apples-per-day"


def test_an_instance_without_values_shows_the_default() -> None:
    assert Fruit().apples == 1


def test_a_value_in_the_instance_comes_first() -> None:
    basket = Fruit()
    basket.__dict__["apples"] = 5
    assert basket.apples == 5
