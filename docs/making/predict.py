"""Put a prediction on record: ``python docs/making/predict.py`` predicts under today's date, then writes the page."""

import datetime

import generate

from letheon.runs.environment import use_compile_cache
from letheon.study.records import encode
from letheon.study.trial.prediction import ketcrps2


def record(date: str) -> str:
    """Predict, write the numbers and return the name of the page; a prediction on record is never replaced."""
    name = f"predictions/ketcrps2-{date}"
    path = generate.DOCS / f"{name}.json"
    if path.exists():
        raise FileExistsError(f"{path} exists already: a prediction on record stays as it is")
    use_compile_cache()
    path.write_text(encode(ketcrps2(date), indent=1), encoding="utf-8")
    return name


if __name__ == "__main__":
    page = record(datetime.datetime.now(datetime.UTC).date().isoformat())
    text = generate.rendered("predictions", generate.prediction(page.removeprefix("predictions/")))
    (generate.DOCS / f"{page}.md").write_text(text, encoding="utf-8")
