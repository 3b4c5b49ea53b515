import pathlib

import pytest

from tests.golden import corpus


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew; read the diff")


@pytest.fixture(scope="session")
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden", default=False))


@pytest.fixture(scope="session")
def captures() -> pathlib.Path:
    """Folder of the public captures, which are never part of the repository."""
    if not corpus.HOME.is_dir():
        pytest.skip(f"no captures at {corpus.HOME}: set DRIFTSPAN_CORPUS to a folder that holds them in dev/")
    return corpus.HOME
