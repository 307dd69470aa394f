"""Chromium for tests: no network but the loopback, and every complaint of a page is a failure."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """The program. It takes longer to start than a page to be played, so several may share it."""
    from playwright.async_api import async_playwright

    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs Chromium")
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def page_in(browser: Any, url: str, language: str = "zh") -> AsyncIterator[Any]:
    """A page of somebody who was never here; every complaint of the browser fails the test."""
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900},
        locale={"zh": "zh-CN", "en": "en-GB"}[language],
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",  # without a graphics card the processor paints each frame
    )
    shown = await context.new_page()
    complaints: list[str] = []
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("console", lambda line: complaints.extend([line.text] if line.type == "error" else []))
    try:
        await shown.goto(url)
        yield shown
    finally:
        await context.close()
    assert complaints == []
