import json

import pytest

from bench.store.facts import FORMAT, parse_facts

TEXTS = ("data.name", "data.title", "data.preprocessing", "data.paths_sha256")
TEXTS += ("command", "time", "commit", "device", "machine", "members_checksum")
NUMBERS = ("data.images", "cost.images", "cost.seconds", "cost.devices", "cost.backbone_passes", "cost.peak_bytes")


@pytest.mark.parametrize("key", TEXTS + NUMBERS)
def test_what_is_used_of_a_run_must_be_of_its_kind(key):
    value = "three" if key in NUMBERS else 3
    facts = {"format": FORMAT}
    *above, last = key.split(".")
    held = facts
    for name in above:
        held = held.setdefault(name, {})
    held[last] = value
    with pytest.raises(ValueError, match=f"^{key} is {json.dumps(value)}$"):
        parse_facts(json.dumps(facts).encode())
    held[last] = 3 if key in NUMBERS else "three"
    assert parse_facts(json.dumps(facts).encode()) == facts
