from respcache.gateway.describing import answers, json_body, query, raw_body, thing


def test_answers_have_their_schemas_and_problems_beside_them() -> None:
    told = answers(s200=("Some", thing(a={"type": "string"})), s204="None")
    assert list(told) == ["200", "204", "4XX", "5XX"]
    assert told["200"]["content"]["application/json"]["schema"]["properties"] == {"a": {"type": "string"}}
    assert told["204"] == {"description": "None"}
    assert "application/problem+json" in told["4XX"]["content"]


def test_parameters_and_bodies() -> None:
    assert query("a", "about", is_required=True) == {
        "name": "a",
        "in": "query",
        "description": "about",
        "required": True,
        "schema": {"type": "string"},
    }
    assert list(json_body({})["content"]) == ["application/json"]
    assert list(raw_body()["content"]) == ["*/*"]
