"""HTTP requests one after the other, with a file posted if there is one.

attack_beacon.py SERVER PORT TIMES [PATH] [FILE]
"""

import http.client
import sys
from pathlib import Path

from plantclock import wait

server, port, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
path = sys.argv[4] if len(sys.argv) > 4 else "/status"
body = Path(sys.argv[5]).read_bytes() if len(sys.argv) > 5 else None
for _ in range(times):
    connection = http.client.HTTPConnection(server, port, timeout=10)
    connection.request("POST" if body else "GET", path, body=body, headers={"User-Agent": "agent/3.1"})
    print(connection.getresponse().read()[:80])
    connection.close()
    wait(1)
