import pytest

from detectors import address
from detectors.models import Model, Models

OLD, NEW, BAD = "a" * 64, "B" * 64, "c" * 64
WEAR = Model(
    "wear", hosts=("10.50.0.10", "10.60.0.0/24"), approved={"1.4": OLD, "1.5": f"sha256:{NEW}"}, revoked=(BAD,)
)


def test_verdicts():
    models = Models([WEAR])
    assert models.verdict(NEW.lower()) == ("approved", "wear", "1.5")
    assert models.verdict(OLD) == ("old", "wear", "1.4")
    assert models.verdict(BAD) == ("revoked", "wear", "")
    assert models.verdict("d" * 64).state == models.verdict("").state == "unknown"
    assert Models().verdict(NEW).state == "" and not Models()


def test_a_version_that_was_revoked_is_not_approved_any_more():
    models = Models([Model("m", approved={"1": OLD}, revoked=(OLD,))])
    assert models.verdict(OLD) == ("revoked", "m", "1")


def test_which_model_runs_on_a_host():
    models = Models([WEAR])
    assert models.on(address.parse("10.60.0.7")) is WEAR and models.on(address.parse("10.50.0.10")) is WEAR
    assert models.on(address.parse("10.50.0.11")) is None


@pytest.mark.parametrize(
    "wrong",
    [
        Model("m", approved={"1": "abc"}),
        Model("m", hosts=("10.0.0.400",)),
        Model("m", revoked=("x" * 64,)),
        Model("m", outputs=("u1/holding/1",)),
        Model("m", inputs=("",)),
        Model("m", kind="oracle"),
    ],
)
def test_what_makes_no_sense_is_said(wrong):
    with pytest.raises(ValueError, match="model 'm'"):
        Models([wrong])
