"""JSON Schema of scenario files, for editors and other programs that write them."""

from typing import Any

from letheon.scenario.grammar import FORMAT_VERSION, SCENARIO


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario file, made from the grammar.

    It finds unknown and missing keys, keys that exclude each other, words, whole numbers and units. What depends on
    several values, such as the rate of a dose over its time, only the reader finds.

    >>> schema()["required"]
    ['letheon', 'title', 'follow_up', 'arms']
    """
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Letheon scenario, format version {FORMAT_VERSION}",
    }
    return head | SCENARIO.schema()
