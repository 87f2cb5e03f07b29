from simulator.tenant.policy_evaluation import AccessRight, Policy, evaluate, is_restricted

APP, OTHER_APP = "app", "other app"
INSIDE, OUTSIDE = "mailbox inside", "mailbox outside"


def restrict(*mailboxes, app=APP):
    return Policy(app, AccessRight.RESTRICT, frozenset(mailboxes))


def deny(*mailboxes, app=APP):
    return Policy(app, AccessRight.DENY, frozenset(mailboxes))


class TestFiveRules:
    def test_deny_wins_over_restrict_where_both_match(self):
        for policies in ([restrict(INSIDE), deny(INSIDE)], [deny(INSIDE), restrict(INSIDE)]):
            assert evaluate(policies, APP, INSIDE) == "Denied"

    def test_a_deny_match_denies(self):
        assert evaluate([deny(INSIDE)], APP, INSIDE) == "Denied"

    def test_a_restrict_match_grants(self):
        assert evaluate([restrict(INSIDE)], APP, INSIDE) == "Granted"

    def test_a_mailbox_in_no_restrict_scope_is_denied(self):
        assert evaluate([restrict(INSIDE)], APP, OUTSIDE) == "Denied"

    def test_without_any_policy_every_mailbox_is_granted(self):
        assert evaluate([], APP, OUTSIDE) == "Granted"


class TestPoliciesTogether:
    def test_two_restrict_policies_are_a_union(self):
        policies = [restrict(INSIDE), restrict(OUTSIDE)]
        assert evaluate(policies, APP, INSIDE) == "Granted"
        assert evaluate(policies, APP, OUTSIDE) == "Granted"
        assert evaluate(policies, APP, "a third mailbox") == "Denied"

    def test_a_deny_policy_alone_leaves_all_other_mailboxes_open(self):
        assert evaluate([deny(INSIDE)], APP, OUTSIDE) == "Granted"
        assert not is_restricted([deny(INSIDE)], APP)

    def test_an_empty_scope_blocks_everything(self):
        assert evaluate([restrict()], APP, INSIDE) == "Denied"

    def test_policies_of_another_application_do_not_count(self):
        assert evaluate([restrict(INSIDE, app=OTHER_APP)], APP, OUTSIDE) == "Granted"
        assert evaluate([deny(INSIDE, app=OTHER_APP)], APP, INSIDE) == "Granted"

    def test_a_policy_for_every_application_counts_for_each(self):
        assert evaluate([restrict(INSIDE, app="*")], APP, OUTSIDE) == "Denied"
        assert is_restricted([restrict(app="*")], APP)
