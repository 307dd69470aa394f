"""The queue of updates: nothing is lost before it is acknowledged, nothing comes back after."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from bot.trial.botapi.feed import Feed

steps = st.lists(
    st.one_of(
        st.just("push"),
        st.tuples(st.integers(0, 8), st.integers(1, 5)),  # updates to acknowledge, and the limit
    ),
    max_size=30,
)


@given(steps)
def test_what_was_not_acknowledged_is_offered_again_in_order(script):
    async def play() -> None:
        feed = Feed(lambda: 0.0, first_id=1)
        pushed, acknowledged = 0, 0
        for step in script:
            if step == "push":
                pushed += 1
                feed.push("message", {"text": str(pushed)})
                continue
            more, limit = step
            acknowledged = min(acknowledged + more, pushed)
            offered = await feed.poll(acknowledged + 1, limit, 0)
            numbers = [update["update_id"] for update in offered]
            assert numbers == list(range(acknowledged + 1, pushed + 1))[:limit]

    asyncio.run(play())


async def test_a_released_poll_returns_empty_handed():
    feed = Feed(lambda: 0.0)
    polling = asyncio.create_task(feed.poll(0, 100, 30))
    await asyncio.sleep(0)
    feed.release()
    assert await asyncio.wait_for(polling, 20) == []
