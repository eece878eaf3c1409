"""From a stage's name to its state."""

from pathlib import Path

import pytest

from receiver.domain.stage_map import STATES, StageMap, builtin, clean
from receiver.errors import ConfigError

JUDGED = [
    (name, int(state) if state else None)
    for line in Path(__file__).with_name("stages_judged.tsv").read_text().splitlines()
    for name, _, state in [line.partition("\t")]
]


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Harden OS", "harden os"),
        ("Run `harden os`", "harden os"),
        ("harden-os (rhel-9, aws)", "harden os"),
        ("[2/7] Harden_OS", "harden os"),
        ("03 - Harden OS", "harden os"),
        ("Step 3: Harden OS", "harden os"),
        ("🔒 Harden OS", "harden os"),
        ("(all)", "(all)"),
        ("🔒", "🔒"),
    ],
)
def test_a_name_is_cleaned_before_it_is_compared(name: str, cleaned: str):
    assert clean(name) == cleaned


@pytest.mark.parametrize("state", [state for state in STATES if state < 100])
def test_every_state_is_known_by_its_name(state: int):
    assert builtin(STATES[state]) == builtin(STATES[state].upper()) == state


def test_no_name_gives_100():
    for name in ("complete", "complete and delivered", "Completed", "done", "success"):
        assert builtin(name) is None


def test_at_least_nine_of_ten_image_steps_map_as_a_person_would():
    steps = [(name, state) for name, state in JUDGED if state is not None]
    wrong = [(name, state, builtin(name)) for name, state in steps if builtin(name) != state]
    assert len(steps) >= 60
    assert len(wrong) <= len(steps) / 10, wrong


def test_no_other_step_moves_the_state():
    others = [name for name, state in JUDGED if state is None]
    assert len(others) >= 60
    assert [(name, builtin(name)) for name in others if builtin(name) is not None] == []


FILE = r"""
["*"]
names = { "Frobnicate" = 20, "shared" = 21 }

[core]
names = { "Harden OS" = 26 }
patterns = { '(?i)^ansible.*\bcis\b' = 27, '^ansible' = 28 }

[core-hana]
names = { "shared" = 30 }
"""


@pytest.mark.parametrize(
    ("name", "projects", "state"),
    [
        ("run frobnicate", [], 20),
        ("harden os", [], 25),
        ("harden os", ["core"], 26),
        ("Ansible for CIS", ["core"], 27),
        ("ansible", ["core"], 28),
        ("shared", ["core-hana", "core"], 30),
        ("harden os", ["core-hana", "core"], 26),
        ("Security baseline", ["core"], 25),
        ("nothing of the kind", ["core"], None),
    ],
)
def test_the_projects_map_comes_before_its_parents_and_the_built_in(
    name: str, projects: list[str], state: int | None
):
    assert StageMap.parse(FILE, "stages.toml").state_of(name, projects) == state


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 5", "stages.toml, line 1: x must be a table"),
        ("\n['*']\nname = {}", "stages.toml, line 3: name is no table"),
        ("['*']\nnames = { A = 101 }", "stages.toml, line 2: A: a state is an integer"),
        ("['*']\nnames = { A = true }", "stages.toml, line 2: A: a state is an integer"),
        ("['*']\nnames = { A = '5' }", "stages.toml, line 2: A: a state is an integer"),
        ("['*']\n\npatterns = { '(' = 5 }", "stages.toml, line 3: (: no regular expression"),
        ("['*'\n", "stages.toml: "),
        ("a = " + "[" * 5_000, "stages.toml: maximum recursion depth"),
        ("a = " + "9" * 5_000, "stages.toml: Exceeds the limit"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, problem: str):
    with pytest.raises(ConfigError, match="stages") as caught:
        StageMap.parse(text, "stages.toml")
    assert caught.value.problems[0].startswith(problem)


def test_every_mistake_is_named_at_once():
    with pytest.raises(ConfigError) as caught:
        StageMap.parse("x = 5\ny = 6\n['*']\nnames = { A = -1 }", "stages.toml")
    assert len(caught.value.problems) == 3


def test_a_pattern_that_python_would_search_for_years_answers_at_once():
    stages = StageMap.parse(
        "['*']\npatterns = { '(a|aa)+$' = 5, '^(\\w+\\s?)*$' = 10 }", "stages.toml"
    )
    assert stages.state_of("a" * 199 + "!", []) is None


def test_look_around_is_refused_with_its_place():
    with pytest.raises(ConfigError, match=r"stages.toml, line 2: .*invalid perl operator: \(\?!"):
        StageMap.parse("['*']\npatterns = { '(?!a)b' = 5 }", "stages.toml")
