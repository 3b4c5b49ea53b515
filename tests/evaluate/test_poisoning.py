from tests.evaluate import poisoning


def test_a_feature_that_is_moved_slowly_is_told_in_time():
    found = poisoning.measure(streams=40)["poisoning"]
    assert found["told_in_time"] >= 0.95 * found["streams"] == 38
    assert found["moved_when_told_median"] <= poisoning.ENOUGH
    assert found["false_per_stream_in_30_days"] <= 0.05
