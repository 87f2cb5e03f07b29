import pytest

from simulator.tenant.answers import NotSimulated
from simulator.tenant.expressions import (
    EvaluationError,
    Scope,
    SyntaxFault,
    beyond,
    evaluated,
    references_of,
)

SCOPE = Scope(
    "manual",
    body={"name": "Contoso", "number": 5, "none": None, "yes": True},
    headers={"Authorization": "Bearer token"},
    outputs={"Values": {"text": {"name": "it's"}, "list": ["a", "b"]}},
)


class TestAnExpression:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("@triggerBody()?['name']", "Contoso"),
            ("@triggerBody()?['other']", None),
            ("@triggerBody()?['other']?['deeper']", None),
            ("@triggerBody()['number']", 5),
            ("@trigger()?['name']", "manual"),
            ("@triggerOutputs()?['headers']?['Authorization']", "Bearer token"),
            ("@outputs('Values')['text']['name']", "it's"),
            ("@outputs('Values').list[1]", "b"),
            ("@coalesce(null, 'it''s')", "it's"),
            ("@coalesce(null, null)", None),
            ("@if(equals(1, 2), 'a', if(true, 'b', 'c'))", "b"),
            ("@replace('a & b & c', '&', '&amp;')", "a &amp; b &amp; c"),
            ("@decodeUriComponent('%0D%0A')", "\r\n"),
            ("@uriComponent('a-._~Z9 @+''(ä')", "a-._~Z9%20%40%2B%27%28%C3%A4"),
            ("@last(split('a@b@c', '@'))", "c"),
            ("@length(split('a', '@'))", 1),
            ("@contains(createArray('a', 'b'), 'A')", False),
            ("@contains('abc', 'bc')", True),
            ("@startsWith('IMCEA-x', 'imcea')", True),
            ("@and(true, not(false), or(false, true))", True),
            ("@equals('a', 'A')", False),
            ("@equals(1, true)", False),
            ("@concat('@', 5)", "@5"),
            ("@toLower('ÄB')", "äb"),
            ("@string(-12)", "-12"),
            ("@max(1, min(300, int('17')))", 17),
            ("@isInt('17')", True),
            ("@isInt(' 17')", False),
            ("@isInt('1.5')", False),
            ("@string(1.25)", "1.25"),
            ("@string(null)", ""),
        ],
    )
    def test_has_a_value(self, text, value):
        found = evaluated(text, SCOPE)
        assert (type(found), found) == (type(value), value)

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("@{triggerBody()?['name']}", "Contoso"),
            ("a @{triggerBody()['number']}, @{ triggerBody()?['none'] }.", "a 5, ."),
            ("@{'}'} {b} @{true}", "} {b} True"),
            ("a@b @{1}@c", "a@b 1@c"),
        ],
    )
    def test_stands_in_a_text(self, text, value):
        assert evaluated(text, SCOPE) == value

    @pytest.mark.parametrize(
        "text", ["@", "@x", "@f(", "@f('a)", "@{x", "@{f()", "@f() g", "@f(1,)", "@(1)", "@{f() x}"]
    )
    def test_is_refused_where_it_is_none(self, text):
        with pytest.raises(SyntaxFault):
            references_of({"a": [text]})

    @pytest.mark.parametrize(
        "text",
        [
            "@triggerBody()['other']",
            "@outputs('Values')['list'][2]",
            "@replace(null, 'a', 'b')",
            "@split(5, 'a')",
            "@length(null)",
            "@and(1, true)",
            "@createArray()",
            "@replace('a')",
            "@int('x')",
            "@min('1', 2)",
            # Both are evaluated.
            "@if(true, 1, int('x'))",
        ],
    )
    def test_fails_where_it_has_no_value(self, text):
        with pytest.raises(EvaluationError):
            evaluated(text, SCOPE)

    @pytest.mark.parametrize(
        "text",
        ["@utcNow()", "@string(1e3)", "@string(1.0)", "@concat('@{')", f"@concat('{'x' * 8190}')"],
    )
    def test_is_refused_where_its_value_is_not_known(self, text):
        with pytest.raises((NotSimulated, SyntaxFault)):
            evaluated(text, SCOPE)

    @pytest.mark.parametrize("number", [1e20, 1.0, 0.1 + 0.2, 10**16, float("inf")])
    def test_does_not_write_numbers_that_others_may_write_otherwise(self, number):
        with pytest.raises(NotSimulated, match="writes"):
            evaluated("@string(triggerBody())", Scope("manual", number))

    def test_names_what_it_reads_and_what_is_not_simulated(self):
        value = {"a": ["@concat(outputs('A'), '@{', body('B'))"], "b": "@{utcNow(outputs('C'))}"}
        assert references_of(value["b"]) == {"C"}
        assert list(beyond(value["b"])) == ["the function utcNow()"]
        assert ["open meaning" in named for named in beyond(value)] == [True]
