"""Texts of scenario files for tests."""


def scenario_text(*arms: str, weeks: int = 12, **entries: object) -> str:
    """Write a scenario of arms, each `name: {...}`; further entries of the file by keyword."""
    head = {"letheon": 1, "title": "a test", "follow_up": f"{weeks} weeks"} | entries
    lines = [*(f"{key}: {value}" for key, value in head.items()), "arms:", *(f"  {arm}" for arm in arms)]
    return "\n".join(lines) + "\n"
