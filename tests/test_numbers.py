"""Numbers in text: every rule, on numbers whose text is written down here, and the one module that holds the rules."""

import ast
import re

import pytest
from test_architecture import MODULES

from letheon.views.document import numbers

TEXTS = [
    (numbers.number(1084.2), "1,080"),
    (numbers.number(0.012345), "0.0123"),
    (numbers.number(31.44), "31.4"),
    (numbers.number(None), "-"),
    (numbers.fixed(-1.234, 1), "-1.2"),
    (numbers.fixed(-0.04, 1), "0.0"),
    (numbers.fixed(12345.6, 0), "12,346"),
    (numbers.fixed(None, 2), "-"),
    (numbers.exact(1200.0), "1,200"),
    (numbers.exact(18.375), "18.38"),
    (numbers.exact(0.00123), "0.00123"),
    (numbers.significant(0.123456, 3), 0.123),
    (numbers.significant(123456.0, 2), 120000.0),
    (numbers.mass(0.1), "100 mcg"),
    (numbers.mass(2.0), "2 mg"),
    (numbers.mass(0.0), "0 mg"),
    (numbers.written(5 / 70 * 70), "5"),
    (numbers.written(0.1 + 0.2), "0.3"),
    (numbers.written(1250.0), "1,250"),
    (numbers.general(0.30000000000000004), "0.3"),
    (numbers.general(1600.0), "1600"),
    (numbers.general(1600.0, thousands=True), "1,600"),
    (numbers.general(1.23456, 3), "1.23"),
    (numbers.size(9.909), "9.9"),
    (numbers.size(385.6), "386"),
    (numbers.size(0.0333), "0.033"),
    (numbers.percent(0.432), "43"),
    (numbers.percent(0.0004), "<0.1"),
    (numbers.percent(0.9998), ">99.9"),
    (numbers.percent(0.006), "0.6"),
    (numbers.percent(0.0), "0"),
    (numbers.chance_better(0.934), "93 %"),
    (numbers.chance_better(0.0), "< 1 %"),
    (numbers.chance_better(1.0), "> 99 %"),
    (numbers.chance_better(0.995), "> 99 %"),
    (numbers.of_100(0.43), "43 of 100"),
    (numbers.of_100(0.0004), "<0.1 of 100"),
    (numbers.of_100(None), "-"),
    (numbers.amount(4.321, "NRS"), "4.3"),
    (numbers.amount(31.4, "days"), "31"),
    (numbers.amount(2.34, "days"), "2.3"),
    (numbers.amount(0.62, "share"), "62 %"),
    (numbers.amount(9.91, "mmHg"), "9.9"),
    (numbers.interval((3.94, 4.71), "NRS"), "3.9 to 4.7"),
    (numbers.interval((0.118, 0.882), "share"), "12 to 88 %"),
    (numbers.interval((0.0, 0.0), "share"), "≤0.1 %"),
    (numbers.interval((31.0, None), "days", "not reached"), "31 to not reached"),
    (numbers.interval(None, "days"), "-"),
    (numbers.change(-1.84, "NRS"), "-1.8"),
    (numbers.change(12.3, "days"), "+12"),
    (numbers.change(-0.01, "NRS"), "0.0"),
    (numbers.change(0.31, "share"), "+31 points"),
    (numbers.change_interval((-2.64, -1.13), "NRS"), "-2.6 to -1.1"),
    (numbers.change_interval((0.1, 0.34), "share"), "+10 to +34"),
    (numbers.ends("4.1", "5.0"), "4.1 to 5.0"),
    (numbers.ends("50", "50"), "50 ±≤1"),
    (numbers.ends("7.24", "7.24"), "7.24 ±≤0.01"),
    (numbers.ends("0.0", "0.0"), "≤0.1"),
    (numbers.ends("<0.1", "<0.1"), "<0.1"),
    (numbers.ends("0", "0", zero_step=0.1), "≤0.1"),
    (numbers.fixed_interval((-1.26, 0.6), 1), "-1.3 to 0.6"),
    (numbers.count(1, "arm"), "1 arm"),
    (numbers.count(1000, "patient"), "1,000 patients"),
    (numbers.count(2.5, "booster"), "2.5 boosters"),
    (numbers.count(2, "study", "studies"), "2 studies"),
    (numbers.duration(84), "12 weeks"),
    (numbers.duration(365), "365 days"),
    (numbers.duration(30), "30 days"),
    (numbers.duration(4.1667), "4.2 days"),
    (numbers.wait(20.0), "20 s"),
    (numbers.wait(100.0), "2 min"),
    (numbers.wait(7200.0), "2.0 h"),
    (numbers.course_length(4.1667), "100 h"),
    (numbers.course_length(70.25), "70.2 days"),
    (numbers.day_name(3), "day 3"),
    (numbers.day_name(7), "week 1 (day 7)"),
    (numbers.day_name(28), "week 4 (day 28)"),
    (numbers.day_name(365), "day 365"),
]


@pytest.mark.parametrize(("result", "expected"), TEXTS, ids=[str(text) for _, text in TEXTS])
def test_numbers_become_text(result: str | float, expected: str | float) -> None:
    assert result == expected


def formats_a_number(node: ast.AST) -> bool:
    """Find a number that becomes text with decimals, digits or commas: in an f-string, by `format` or by ``%``."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
    form = node.format_spec if isinstance(node, ast.FormattedValue) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "format" and node.args[1:]:
        form = node.args[1]
    return form is not None and re.search(r"[,efg%]'$", ast.unparse(form)) is not None


def test_one_module_turns_numbers_into_text_for_readers() -> None:
    modules = {name: ast.walk(tree) for name, tree in MODULES.items() if name.startswith("views.")}
    assert {name for name, nodes in modules.items() if any(map(formats_a_number, nodes))} == {"views.document.numbers"}
    for text in ("f'{x:.1f}'", "f'{100 * x:g} %'", "f'{n:,}'", "format(x, ',f')", "'%d h' % x", "f'{x:.{n}e}'"):
        assert any(map(formats_a_number, ast.walk(ast.parse(text)))), text
    for text in ("f'{x}'", "f'{ord(x):04x}'", "f'{name:<9}'", "x % 7"):
        assert not any(map(formats_a_number, ast.walk(ast.parse(text)))), text
