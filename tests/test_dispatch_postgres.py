"""What dispatch and files ask of the database, once more on PostgreSQL: the same tests."""

import pytest

from tests.extent import EVERYTHING
from tests.scenario import Scenario
from tests.test_absence import test_who_falls_ill_hands_on_every_job_with_one_line
from tests.test_dispatch_backlog import (
    test_whoever_becomes_free_is_asked_for_the_oldest_deadline_first,
)
from tests.test_dispatch_planning import test_one_press_asks_whom_the_plan_names
from tests.test_dispatch_races import test_nothing_is_lost_or_owned_twice_however_people_pull
from tests.test_emergency import test_declaring_links_what_is_alike_and_tells_every_reporter
from tests.test_passing_on import (
    test_a_job_that_is_handed_on_takes_its_files_along,
    test_what_two_workers_fetched_is_passed_on_once,
)

__all__ = [
    "test_a_job_that_is_handed_on_takes_its_files_along",
    "test_declaring_links_what_is_alike_and_tells_every_reporter",
    "test_nothing_is_lost_or_owned_twice_however_people_pull",
    "test_one_press_asks_whom_the_plan_names",
    "test_what_two_workers_fetched_is_passed_on_once",
    "test_who_falls_ill_hands_on_every_job_with_one_line",
    "test_whoever_becomes_free_is_asked_for_the_oldest_deadline_first",
]
pytest_plugins = ("tests.postgres",)
postgres_alone = pytest.param("postgres", marks=pytest.mark.postgres)
pytestmark = [
    pytest.mark.parametrize("any_desk", [postgres_alone], indirect=True),
    pytest.mark.skipif(not EVERYTHING, reason="takes a minute; CI and PAIDAN_SOAK=1 run it"),
]


@pytest.fixture
def desk(any_desk: Scenario) -> Scenario:
    return any_desk


@pytest.fixture
def busy_desk(any_desk: Scenario) -> Scenario:
    return any_desk
