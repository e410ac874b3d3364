"""The records of a result: read from JSON and written again, the bytes are the same."""

import json

import pyarrow.parquet as pq
import pytest

from letheon.errors import InputError
from letheon.pipeline.result import UNSET, Endpoint, decode, encode, json_schema
from letheon.runs import simulate
from letheon.scenario import loads

TEXT = """
letheon: 1
title: "titrated, with boosters and clonidine"
population: {n: 8, urine: 3 L/day}
follow_up: 6 weeks
arms:
  titrated:
    drug: arketamine
    sessions: [{at: 0 h, rate: 10 mg/h, for: 24 h}]
    titration: {every: 8 h, step: 5 mg/h, max: 30 mg/h}
    boosters: {every: [2 weeks], session: {rate: 10 mg/h, for: 4 h}}
    stop: {dose: 900 mg}
    beside: {clonidine: 0.1 mg}
  placebo: {drug: placebo, like: titrated}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulate(loads(TEXT), out=tmp_path_factory.mktemp("result") / "run").folder


def test_decoded_results_encode_to_the_same_bytes(folder):
    text = (folder / "result.json").read_bytes()
    assert encode(decode(text)) == text == encode(decode(json.loads(text)))


def test_records_hold_what_the_document_holds(folder):
    text = (folder / "result.json").read_bytes()
    arm, entries = decode(text).arms["titrated"], json.loads(text)["arms"]["titrated"]["endpoints"]
    for name, entry in entries.items():
        if name != "time_to_relapse_days":
            endpoint = arm.endpoint(name)
            assert endpoint is not None
            assert endpoint.mean == entry["mean"]
            assert endpoint.minus_placebo == entry.get("minus_placebo", UNSET)
    assert arm.endpoint("nothing") is None
    assert arm.time_to_relapse.median == entries["time_to_relapse_days"]["median"]


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


def test_schema_names_each_key_of_an_endpoint():
    definitions = json_schema()["$defs"]
    assert set(definitions["Endpoint"]["properties"]) == set(Endpoint.__struct_fields__)
    assert definitions["Endpoint"]["required"] == ["mean", "unit"]
    assert definitions["HarmEstimate"]["properties"]["estimate"] == {"anyOf": [{"type": "number"}, {"type": "null"}]}


def test_last_infusion_is_the_end_of_the_last_booster(folder):
    """The oracle is the log of events: the last booster of any patient, which lasts 4 h."""
    arm = decode((folder / "result.json").read_bytes()).arms["titrated"]
    events = pq.read_table(folder / "events" / "titrated").to_pylist()
    last_h = max(event["time_h"] for event in events if event["event"] == "booster")
    assert last_h > 24 * arm.course_end_day
    assert arm.last_infusion_day == pytest.approx((last_h + 4) / 24, rel=1e-5)


def test_arketamine_has_no_lasting_effect_at_the_slow_site(folder):
    arm = decode((folder / "result.json").read_bytes()).arms["titrated"]
    for name, entry in arm.rival.endpoints.items():
        if name.startswith(("nrs_", "responder_", "relief", "remission", "time_to")):
            assert entry.support == "not identified" and "Not modelled" in entry.note, name
            assert name.startswith("time_to") or entry.minus_placebo is UNSET, name
    assert isinstance(arm.endpoint("nrs_day_7").minus_placebo, float)
