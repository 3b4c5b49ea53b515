import pytest

from detectors.drift.external import from_aitf, from_any, from_evidently, from_nannyml

NOW = 1_770_000_000 * 10**9
AITF = {
    "aitf.drift.model_id": "pump-7", "aitf.drift.type": "data_distribution", "aitf.drift.score": 0.73,
    "aitf.drift.result": "alert", "aitf.drift.detection_method": "psi", "aitf.drift.threshold": 0.25,
    "aitf.drift.baseline_metric": 0.12, "aitf.drift.current_metric": 0.73, "aitf.drift.feature_name": "flow",
    "aitf.drift.evaluation_window": "2026-02-01T00:00:00Z/2026-02-01T06:00:00+01:00", "aitf.drift.p_value": 0.001,
}  # fmt: skip


def test_aitf_attributes_become_a_row():
    (alert,) = from_any({"attributes": AITF}, NOW)
    assert (alert.model_id, alert.kind, alert.detector, alert.stream) == ("pump-7", "input", "psi", "flow")
    assert (alert.statistic, alert.threshold, alert.p_value) == (0.73, 0.25, 0.001)
    assert alert.source == "external" and "pump-7" in alert.summary
    assert alert.since_high - alert.since_low == 5 * 3600 * 10**9  # the offset counts
    assert from_any([AITF], NOW) == [alert]
    assert from_aitf(AITF | {"aitf.drift.result": "normal"}, NOW) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"aitf.drift.score": "high"}, "aitf.drift.score: a number is expected, not 'high'"),
        ({"aitf.drift.score": float("nan")}, "aitf.drift.score: a number"),
        ({"aitf.drift.type": "mood"}, "aitf.drift.type 'mood' is unknown"),
        ({"aitf.drift.result": None}, "aitf.drift.result None is unknown"),
    ],
)
def test_aitf_that_is_wrong_names_the_field(change, says):
    with pytest.raises(ValueError, match=says):
        from_aitf(AITF | change, NOW)


def test_aitf_without_a_required_attribute():
    with pytest.raises(ValueError, match=r"aitf\.drift\.model_id is missing"):
        from_aitf({k: v for k, v in AITF.items() if not k.endswith("model_id")}, NOW)


def test_evidently_of_both_interfaces():
    legacy = {
        "metrics": [
            {"metric": "DatasetDriftMetric", "result": {"dataset_drift": True}},
            {"metric": "DataDriftTable", "result": {"drift_by_columns": {
                "flow": {"drift_detected": True, "drift_score": 0.001, "stattest_name": "K-S p_value", "stattest_threshold": 0.05},
                "heat": {"drift_detected": False, "drift_score": 0.8, "stattest_name": "K-S p_value", "stattest_threshold": 0.05},
            }}},
            {"metric": "ColumnDriftMetric", "result": {"column_name": "prediction", "drift_detected": True, "drift_score": 0.3,
                "stattest_name": "Wasserstein distance (normed)", "stattest_threshold": 0.1}},
        ]
    }  # fmt: skip
    flow, prediction = from_evidently(legacy, NOW, "m")
    assert (flow.stream, flow.kind, flow.p_value) == ("flow", "input", 0.001)
    assert (prediction.stream, prediction.kind, prediction.p_value) == ("prediction", "output", None)
    current = {
        "metrics": [
            {"metric_name": "ValueDrift(column=quiet,method=K-S p_value,threshold=0.05)", "value": 0.8},
            {"metric_name": "ValueDrift(column=loud,method=chi-square p_value,threshold=0.05)", "value": 0.0001},
            {
                "metric_name": "ValueDrift(column=moved,method=Wasserstein distance (normed),threshold=0.1)",
                "value": 0.42,
            },
            {"metric_name": "DriftedColumnsCount(drift_share=0.5)", "value": {"count": 2.0, "share": 0.66}},
            {"metric_id": "ValueDrift(column=told)", "value": 0.3, "config": {"method": "psi", "threshold": 0.2}},
        ]
    }
    assert [(a.stream, a.threshold) for a in from_any(current, NOW, "m")] == [
        ("loud", 0.05),
        ("moved", 0.1),
        ("told", 0.2),
    ]


def test_evidently_that_is_wrong():
    with pytest.raises(ValueError, match="name it"):
        from_evidently({"metrics": []}, NOW, "")
    with pytest.raises(ValueError, match="no list 'metrics'"):
        from_evidently({"metrics": 3}, NOW, "m")
    with pytest.raises(ValueError, match="column 'flow' has no 'drift_detected'"):
        from_evidently({"metrics": [{"result": {"drift_by_columns": {"flow": {}}}}]}, NOW, "m")
    with pytest.raises(ValueError, match="the value of x"):
        from_evidently(
            {"metrics": [{"metric_name": "ValueDrift(column=x,method=psi,threshold=0.1)", "value": "n/a"}]}, NOW, "m"
        )


def test_nannyml_by_records_and_by_columns():
    quiet = {
        "flow_jensen_shannon_value": 0.05,
        "flow_jensen_shannon_upper_threshold": 0.1,
        "flow_jensen_shannon_alert": False,
    }
    loud = {"flow_jensen_shannon_value": 0.4, "flow_jensen_shannon_upper_threshold": 0.1, "flow_jensen_shannon_lower_threshold": None,
            "flow_jensen_shannon_alert": True}  # fmt: skip
    rows = [
        {"chunk_key": "a", "chunk_start_date": 1_769_000_000_000, "chunk_end_date": 1_769_003_600_000, "chunk_period": "analysis", **loud},
        {"chunk_key": "b", "chunk_start_date": "2026-02-01", "chunk_end_date": "2026-02-02", "chunk_period": "analysis", **quiet},
        {"chunk_key": "c", "chunk_period": "reference", **loud},
    ]  # fmt: skip
    (alert,) = from_any(rows, NOW, "m")
    assert (alert.stream, alert.statistic, alert.threshold) == ("flow_jensen_shannon", 0.4, 0.1)
    assert alert.since_high - alert.since_low == 3600 * 10**9 and alert.ts == alert.since_high
    columns = {name: {str(at): row.get(name) for at, row in enumerate(rows)} for name in rows[0]}
    assert from_nannyml(columns, NOW, "m") == [alert]
    with pytest.raises(ValueError, match="not of one length"):
        from_nannyml({"chunk_key": ["a"], "x_alert": []}, NOW, "m")
    with pytest.raises(ValueError, match="is no date"):
        from_nannyml([loud | {"chunk_start_date": "yesterday"}], NOW, "m")


def test_plain_rows_and_nonsense():
    (alert,) = from_any({"model_id": "m", "kind": "output", "statistic": 3, "since": "2026-01-31T10:00:00Z"}, NOW)
    assert alert.statistic == 3.0 and alert.since_low < alert.since_high
    for wrong, says in (
        (3, "is a table, not int"),
        ({"kind": "x"}, "names its model_id"),
        ({"model_id": "m"}, "has no 'kind'"),
        ([5], "not int"),
    ):
        with pytest.raises(ValueError, match=says):
            from_any(wrong, NOW)
    assert from_any([], NOW) == []
