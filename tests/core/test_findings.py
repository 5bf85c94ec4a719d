"""A finding is one JSON document."""

import json

from gradus.core.findings import Finding, Remedy


def test_finding_as_json() -> None:
    finding = Finding(
        symptom="dead-units", where="net.0", since_step=3, said_at_step=10, severity="warning", confidence=0.9,
        message="half the units are dead", evidence={"share": 0.5},
        remedies=(Remedy(id="lower-rate", text="Halve it."),),
    )  # fmt: skip
    assert json.loads(json.dumps(finding.to_json())) == {
        "symptom": "dead-units", "where": "net.0", "since_step": 3, "said_at_step": 10, "severity": "warning",
        "confidence": 0.9, "message": "half the units are dead", "evidence": {"share": 0.5},
        "remedies": [{"id": "lower-rate", "text": "Halve it.", "why": "", "source": ""}],
    }  # fmt: skip
