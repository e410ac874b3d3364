"""The records of a result: read from JSON and written again, the bytes are the same."""

import json

import pyarrow.parquet as pq
import pytest
from scenarios import scenario_text

from letheon.errors import InputError
from letheon.pipeline.result import UNSET, decode, encode
from letheon.runs import simulate
from letheon.scenario import loads

TEXT = scenario_text(
    "titrated: {drug: arketamine, sessions: [{at: 0 h, rate: 10 mg/h, for: 24 h}], beside: {clonidine: 0.1 mg}, "
    "titration: {every: 8 h, step: 5 mg/h, max: 30 mg/h}, stop: {dose: 900 mg}, "
    "boosters: {every: [2 weeks], session: {rate: 10 mg/h, for: 4 h}}}",
    "placebo: {drug: placebo, like: titrated}",
    weeks=6,
    population="{n: 8, urine: 3 L/day}",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulate(loads(TEXT), out=tmp_path_factory.mktemp("result") / "run").folder


def test_decoded_results_encode_to_the_same_bytes(folder):
    text = (folder / "result.json").read_bytes()
    assert encode(decode(text)) == text == encode(decode(json.loads(text)))


@pytest.mark.parametrize(
    ("text", "where"), [("{", "truncated"), ("[]", "object"), ('{"letheon": 3}', "$.letheon"), ("{}", "letheon")]
)
def test_another_document_is_refused(text, where):
    with pytest.raises(InputError, match="is not a result") as refusal:
        decode(text)
    assert where in str(refusal.value)


def test_wrong_endpoint_is_named(folder):
    document = json.loads((folder / "result.json").read_bytes())
    document["arms"]["titrated"]["endpoints"]["remission"]["mean"] = "many"
    with pytest.raises(InputError, match=r"remission.*\$\.mean"):
        decode(document)


def test_last_infusion_is_the_end_of_the_last_booster(folder):
    """The oracle is the log of events: the last booster of any patient, which lasts 4 h."""
    arm = decode((folder / "result.json").read_bytes()).arms["titrated"]
    events = pq.read_table(folder / "events" / "titrated").to_pylist()
    last_h = max(event["time_h"] for event in events if event["event"] == "booster")
    assert last_h > 24 * arm.course_end_day
    assert arm.last_infusion_day == pytest.approx((last_h + 4) / 24, rel=1e-5)


def test_arketamine_has_no_lasting_effect_at_the_slow_site(folder):
    arm = decode((folder / "result.json").read_bytes()).arms["titrated"]
    for name, entry in arm.by_model.slow_site.endpoints.items():
        if name.startswith(("nrs_", "responder_", "relief", "remission", "time_to")):
            assert entry.support == "not identified" and "Not modelled" in entry.note, name
            assert name.startswith("time_to") or entry.against is UNSET, name
    memory, average = arm.by_model.memory.endpoint("nrs_day_7"), arm.endpoint("nrs_day_7")
    assert memory.against and not average.against and average.support == "not identified"
