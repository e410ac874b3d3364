"""``letheon explain`` and the glossary."""

from collections import Counter
from collections.abc import Callable

import pytest
from stored import ROOT

from letheon.library import SUPPORT_LABELS
from letheon.scenario import load
from letheon.scenario.grammar import maps
from letheon.scenario.measures import names
from letheon.views.document.terminal import text
from letheon.views.subjects.glossary import explain, terms


def test_every_name_means_one_thing_and_leads_to_entries_that_exist() -> None:
    known = Counter(name.lower() for term in terms() for name in (term.name, *term.also))
    assert [name for name, times in known.items() if times > 1] == []
    assert [word for term in terms() for word in term.see if word.lower() not in known] == []


def test_every_measure_label_and_key_can_be_explained() -> None:
    """Red when a measure, a label or a key of the grammar is added that the command does not know."""
    keys = {key.name for _, fields in maps() for key in fields.keys}
    for word in (*names(load(ROOT / "examples" / "ward_rates.yaml")), *SUPPORT_LABELS, *keys):
        assert len(text(explain(word)).splitlines()) >= 2, word


@pytest.mark.parametrize(("word", "number"), [("relief", "30 %"), ("relapse", "85 %"), ("remission", "14 days")])
def test_numbers_are_those_of_the_definitions(word: str, number: str) -> None:
    assert number in " ".join(text(explain(word)).split())


def test_command_names_the_nearest_word_and_loads_nothing_heavy(command: Callable, heavy_modules: Callable) -> None:
    code, _, err = command("explain", "remision")
    assert code == 2 and "the nearest is remission" in err
    assert "remission:" in command("explain")[1]
    code, heavy = heavy_modules("explain", "remission")
    assert code == 0 and heavy <= {"rich"}
