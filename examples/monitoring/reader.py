"""Prints alerts and readings of the monitor. Needs: pip install websockets, or Debian's python3-websockets"""

import asyncio
import json
import sys

from websockets import ConnectionClosed, connect

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:6003/monitor"


async def main():
    # Connects again by itself when the broker was away.
    async for feed in connect(URL):
        try:
            async for message in feed:
                show(**json.loads(message))
        except ConnectionClosed as error:
            print(f"connection lost: {error}", flush=True)


def show(event, channel, data):
    if event == "metrics_update":
        cpu, memory = data["cpu"], data["memory"]
        print(f"cpu {cpu and cpu['percent']} %, memory {memory and memory['percent']} %", flush=True)
    else:
        print(f"{event}: {data['message']}", flush=True)


asyncio.run(main())
