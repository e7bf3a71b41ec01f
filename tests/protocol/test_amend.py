"""Two versions of a protocol: what differs in sentences, which forms it touches, what an amendment must not do."""

from dataclasses import replace
from pathlib import Path

import pytest

from oligami.protocol.amend import differences, group_by_file, title_of_file, touched_forms
from oligami.protocol.amend_faults import Usage, faults, site_faults
from oligami.protocol.load import find_protocol, load_protocol
from oligami.protocol.model.forms import FormRole
from oligami.protocol.text import Text

TINY = Path(__file__).parents[1] / "protocols" / "tiny"


@pytest.fixture(scope="module")
def old():
    """The first version of the small trial."""
    return load_protocol(TINY / "1.0")


@pytest.fixture(scope="module")
def new():
    """Its first amendment."""
    return load_protocol(TINY / "1.1")


@pytest.fixture(scope="module")
def jcog():
    """The real protocol."""
    return load_protocol(find_protocol("jcog2110", version="1.0"))


def change_form(protocol, form, **changes):
    """The protocol with a form changed; `item` changes one item of it."""
    return replace(protocol, forms=tuple(replace(each, **changes) if each.id == form else each for each in protocol.forms))


def change_item(protocol, form, item, **changes):
    """The protocol with one item of a form changed."""
    items = tuple(replace(each, **changes) if each.id == item else each for each in protocol.form(form).item)
    return change_form(protocol, form, item=items)


def without(protocol, form, item):
    """The protocol without an item."""
    return change_form(protocol, form, item=tuple(each for each in protocol.form(form).item if each.id != item))


def said(found, path):
    """The differences at a path, as (kind, importance, English, Japanese)."""
    return [(each.kind, each.importance, each.sentence.en, each.sentence.ja) for each in found if each.path == path]


def test_every_difference_is_told_once_and_in_both_languages(old, new):
    """The amendment of the small trial comes out as exactly what was edited, each as a sentence in both languages."""
    found = differences(old, new)
    assert [(each.file, each.kind, each.path) for each in found] == [
        ("trial.toml", "changed", "consent_document"),
        ("eligibility.toml", "changed", "rules_version"),
        ("eligibility.toml", "changed", "stage[entry].criterion[T-1].met"),
        ("eligibility.toml", "changed", "stage[entry].criterion[T-1].when_not_met"),
        ("eligibility.toml", "changed", "stage[entry].criterion[T-1].record_text"),
        ("eligibility.toml", "added", "stage[entry].criterion[T-4]"),
        ("schedule.toml", "changed", "activity[follow_up].repeat[1].before_days"),
        ("schedule.toml", "changed", "activity[follow_up].repeat[1].after_days"),
        ("forms/entry.toml", "added", "item[hearing_aid]"),
        ("forms/entry.toml", "changed", "item[sounds].field[hours_a_day].maximum"),
        ("forms/follow_up.toml", "added", "item[diary_days]"),
    ]
    for each in found:
        assert each.sentence.en.replace("–", "-").isascii()
        assert any(character > "\u3000" for character in each.sentence.ja)
    assert said(found, "stage[entry].criterion[T-1].met") == [
        (
            "changed",
            "decision",
            'Criterion T-1 (Age) changed, rule for met: "age_years >= 18 years and age_years <= 90 years" is now '
            '"age_years >= 18 years and age_years <= 80 years"',
            "規準 T-1（年齢）の変更、適合の条件: 「age_years >= 18 years and age_years <= 90 years」→"
            "「age_years >= 18 years and age_years <= 80 years」",
        )
    ]
    assert said(found, "item[diary_days]") == [
        (
            "added",
            "data",
            "Item diary_days (Days with a diary line in the last 30) added: integer; days; 0–30",
            "項目 diary_days（直近30日のうち日誌を付けた日数）の追加: 整数; days; 0–30",
        )
    ]
    assert said(found, "item[sounds].field[hours_a_day].maximum") == [
        (
            "changed",
            "data",
            'Item sounds (Sounds heard), Item hours_a_day (Hours a day) changed, highest value: "24" is now "20"',
            "項目 sounds（聞こえる音）、項目 hours_a_day（1日の時間数）の変更、上限値: 「24」→「20」",
        )
    ]


def test_the_way_back_turns_added_and_removed_round(old, new):
    """Compared the other way the same places differ, what was added was removed, and old and new change places."""
    there, back = differences(old, new), differences(new, old)
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert {(each.file, each.path, turned[each.kind], each.old, each.new) for each in there} == {
        (each.file, each.path, each.kind, each.new, each.old) for each in back
    }


def test_a_version_does_not_differ_from_itself(old, jcog):
    """Nothing is told where nothing changed; the number of the version alone is no difference."""
    for protocol in (old, jcog):
        assert differences(protocol, replace(protocol, version="9.9", digest="0" * 64)) == ()
        assert touched_forms(protocol, protocol) == ()


def test_differences_are_grouped_and_forms_named(old, new):
    """By file in the folder's order; a form's file is called by the form's title."""
    groups = group_by_file(differences(old, new))
    assert [file for file, _ in groups] == [
        "trial.toml",
        "eligibility.toml",
        "schedule.toml",
        "forms/entry.toml",
        "forms/follow_up.toml",
    ]
    assert title_of_file(old, new, "forms/follow_up.toml") == Text("Form: Follow-up", "調査票: 追跡調査")
    assert title_of_file(old, new, "schedule.toml").ja == "スケジュール"


def test_forms_are_touched_by_items_checks_lists_and_due_dates(old, new):
    """A form is touched by what it asks, by a list of answers that its items share, and by when it falls due."""
    entry, follow_up = touched_forms(old, new)
    assert (entry.form, entry.items, entry.when_due) == ("entry", ("hearing_aid", "sounds"), False)
    assert (follow_up.form, follow_up.items, follow_up.when_due) == ("follow_up", ("diary_days",), True)
    shorter = replace(old, codelists=tuple(replace(each, code=each.code[:2]) for each in old.codelists))
    (touched,) = touched_forms(old, shorter)
    assert (touched.form, touched.items) == ("entry", ("tinnitus",))
    renamed = change_form(old, "death", title=Text("Death report", "死亡報告"))
    (touched,) = touched_forms(old, renamed)
    assert (touched.form, touched.reworded, touched.items) == ("death", True, ())


def test_a_form_and_an_order_are_told(old):
    """A form that came or went is one difference, and so is another order of the criteria."""
    fewer = replace(old, forms=tuple(form for form in old.forms if form.id != "death"))
    (gone,) = differences(old, fewer)
    assert (gone.kind, gone.file, gone.what.ja) == ("removed", "forms/death.toml", "調査票 death（死亡）")
    (stage,) = old.eligibility.stage
    turned = replace(old.eligibility, stage=(replace(stage, criterion=stage.criterion[::-1]),))
    (order,) = differences(old, replace(old, eligibility=turned))
    assert (order.path, order.importance) == ("stage[entry].criterion.order", "decision")
    assert order.sentence == Text(
        'Registration entry (Registration), criteria changed, order: "T-1, T-2, T-3" is now "T-3, T-2, T-1"',
        "登録段階 entry（登録）、規準の変更、順序: 「T-1, T-2, T-3」→「T-3, T-2, T-1」",
    )


def test_one_wording_alone_is_shown(old):
    """Where the Japanese alone was changed, the English sentence shows the Japanese and does not say that nothing changed."""
    label = Text(old.form("entry").item[0].label.en, "登録の日")
    (found,) = differences(old, change_item(old, "entry", "registration_date", label=label))
    assert found.importance == "wording"
    assert 'the Japanese "登録日" is now "登録の日"' in found.sentence.en


def test_an_honest_amendment_has_no_faults(old, new):
    """The amendment of the small trial takes nothing away, and may be adopted site by site."""
    assert faults(old, new) == ()
    assert site_faults(old, new) == ()


@pytest.mark.parametrize(
    ("bend", "rule"),
    [
        (lambda p: without(p, "entry", "loudness"), "amendment.item"),
        (lambda p: change_item(p, "entry", "loudness", type="integer"), "amendment.item_type"),
        (lambda p: change_item(p, "entry", "loudness", unit="dB"), "amendment.item_unit"),
        (lambda p: change_item(p, "entry", "loudness", concept="noise"), "amendment.item_concept"),
        (lambda p: change_item(p, "entry", "sex", identity=True), "amendment.item_identity"),
        (lambda p: change_item(p, "entry", "last_ear_surgery_date", never="never"), "amendment.item_never"),
        (lambda p: change_item(p, "entry", "sex", code=p.form("entry").item[3].code[:1]), "amendment.code"),
        (lambda p: change_item(p, "entry", "sounds", field=p.form("entry").item[-1].field[:1]), "amendment.item"),
        (lambda p: change_form(p, "follow_up", repeats="once"), "amendment.form_repeats"),
        (lambda p: change_form(p, "death", role=FormRole.OTHER), "amendment.form_role"),
        (lambda p: replace(p, forms=p.forms[1:]), "amendment.form"),
        (
            lambda p: replace(
                p, eligibility=replace(p.eligibility, stage=tuple(replace(s, randomizes=False) for s in p.eligibility.stage))
            ),
            "amendment.stage",
        ),
    ],
)
def test_what_saved_values_rest_on_stays(old, bend, rule):
    """What an amendment must not do is named with its rule in both languages; where nothing was saved, nothing is lost."""
    found = faults(old, bend(old))
    assert [reason.rule for reason in found] == [rule]
    assert found[0].text.en.isascii()
    assert any(character > "\u3000" for character in found[0].text.ja)
    assert faults(old, bend(old), used=Usage()) == ()


def test_what_is_in_use_is_asked_item_by_item(old):
    """An answer that nobody gave may go; one that was given stays."""
    shorter = change_item(old, "entry", "sex", code=old.form("entry").item[3].code[:1])
    items = frozenset({("entry", "sex")})
    assert faults(old, shorter, used=Usage(items=items, codes=frozenset({("entry", "sex", "female")}))) == ()
    (reason,) = faults(old, shorter, used=Usage(items=items, codes=frozenset({("entry", "sex", "male")})))
    assert reason.rule == "amendment.code"


def test_another_trial_is_no_amendment(old, jcog):
    """A protocol of another trial is refused for that alone."""
    assert [reason.rule for reason in faults(old, jcog)] == ["amendment.other_trial"]


def test_arms_and_allocation_are_not_set_site_by_site(old):
    """What decides over the arms is one for the trial: the arms, the rule, and what the factors are derived from."""
    blocks = replace(old, allocation=replace(old.allocation, block_sizes=(2, 4)))
    arms = replace(old, trial=replace(old.trial, arm=old.trial.arm[:1]))
    (loudness,) = old.eligibility.derived
    classes = replace(old, eligibility=replace(old.eligibility, derived=(replace(loudness, otherwise="loud"),)))
    assert [reason.rule for reason in site_faults(old, blocks)] == ["amendment.allocation"]
    assert [reason.rule for reason in site_faults(old, arms)] == ["amendment.arms"]
    assert [reason.rule for reason in site_faults(old, classes)] == ["amendment.factors"]


def test_months_that_were_taken_stay_taken(old):
    """An amendment may begin to take a year or a month, and may not stop to: saved ones would be no dates any more."""
    taking = change_item(old, "entry", "last_ear_surgery_date", partial=True)
    assert faults(old, taking) == ()
    (reason,) = faults(taking, old)
    assert reason.rule == "amendment.item_partial"
    (change,) = differences(old, taking)
    assert "year or month alone" in change.sentence.en
    assert "年または年月のみ" in change.sentence.ja
