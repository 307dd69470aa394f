"""Dice with names: the same name rolls the same, whatever else was rolled before."""

from random import Random


def dice(*name: object) -> Random:
    return Random("/".join(map(str, name)))  # noqa: S311 - a simulated day has no secrets
