"""Prints alerts and readings of all servers. Needs: pip install websockets, or Debian's python3-websockets"""

import asyncio
import json
import sys

from websockets import ConnectionClosed, connect

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://localhost:18904/ws"


async def main():
    # Connects again by itself when the application was away.
    async for feed in connect(URL):
        try:
            async for text in feed:
                show(json.loads(text))
        except ConnectionClosed as error:
            print(f"connection lost: {error}", flush=True)


def show(message):
    if message["type"] == "alert":
        print(f"{message['alert_type']}: {message['subject']}: {message['message']}", flush=True)
    elif message["type"] == "metrics_update":
        for name, server in message["data"].items():
            cpu, memory = server["cpu"], server["memory"]
            print(f"{name}: cpu {cpu and cpu['percent']} %, memory {memory and memory['percent']} %", flush=True)


asyncio.run(main())
