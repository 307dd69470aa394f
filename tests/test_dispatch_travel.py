"""Promises of travel: the matrix first, the line where it is silent, never a crash."""

import pytest

from core.dispatch.travel import Place, Travel, default_matrix, estimate, haversine_km

TIANHE = Place("GZ-TH", "广州", 23.1415, 113.3312)
PANYU = Place("GZ-PY", "广州", 22.9376, 113.3841)
FUTIAN = Place("SZ-FT", "深圳", 22.5348, 114.0579)


def test_the_matrix_of_cities_is_asked_between_cities():
    travel = Travel([TIANHE, FUTIAN], {("广州", "深圳"): 120})
    assert (travel.minutes("GZ-TH", "SZ-FT"), travel.source("GZ-TH", "SZ-FT")) == (120, "matrix")


def test_a_matrix_given_one_way_serves_the_way_back():
    assert Travel([TIANHE, FUTIAN], {("广州", "深圳"): 120}).minutes("SZ-FT", "GZ-TH") == 120


def test_a_pair_of_sites_beats_the_pair_of_their_cities():
    travel = Travel([TIANHE, FUTIAN], {("广州", "深圳"): 120, ("GZ-TH", "SZ-FT"): 95})
    assert travel.minutes("GZ-TH", "SZ-FT") == 95


def test_within_a_city_the_straight_line_is_stretched_to_a_plausible_drive():
    travel = Travel([TIANHE, PANYU])
    assert travel.source("GZ-TH", "GZ-PY") == "line"
    assert 30 < travel.minutes("GZ-TH", "GZ-PY") < 75


def test_one_time_for_a_whole_city_does_not_beat_the_line_within_it():
    travel = Travel([TIANHE, PANYU], {("广州", "广州"): 5})
    assert travel.source("GZ-TH", "GZ-PY") == "line"


def test_one_time_for_a_whole_city_serves_where_coordinates_are_missing():
    travel = Travel([TIANHE, Place("GZ-X", "广州")], {("广州", "广州"): 35})
    assert travel.minutes("GZ-TH", "GZ-X") == 35


def test_a_place_nobody_knows_has_a_time_all_the_same():
    travel = Travel([TIANHE])
    assert travel.source("nowhere", "GZ-TH") == travel.source(None, "GZ-TH") == "unknown"
    assert travel.minutes("nowhere", "GZ-TH") > 0


def test_a_site_without_coordinates_is_not_estimated():
    assert estimate(TIANHE, Place("X", "广州")) is None


def test_the_shipped_times_answer_under_both_languages():
    assert default_matrix()["广州", "佛山"] == default_matrix()["Guangzhou", "Foshan"]


def test_the_distance_from_tianhe_to_futian_is_about_a_hundred_kilometres():
    coordinates = (TIANHE.lat, TIANHE.lon, FUTIAN.lat, FUTIAN.lon)
    kilometres = haversine_km(*(each for each in coordinates if each is not None))
    assert kilometres == pytest.approx(100, abs=5)
