"""A historian in the DMZ: keeps what is published under plant/, and serves it to whoever trains models.

    historian.py BROKER SECONDS [--tls CA] ... [--serve ADDRESS FILE] [--sparkplug]

`GET /telemetry.csv` (port 8080) gives the readings kept, after those of FILE, which is its past. `POST /ingest`
takes rows of another data source: lines of the five readings and the wear an inspector noted. `--sparkplug`: it is
told what Sparkplug nodes publish as well.
"""

import json
import threading
from pathlib import Path

import plantclock
from messages import arguments, client, leave
from web import Handler, Server

parser = arguments(__doc__)
parser.add_argument("--serve", nargs=2)
parser.add_argument("--sparkplug", action="store_true")
options = parser.parse_args()
rows: list[str] = []


def keep(_client: object, _data: object, message: object) -> None:
    topic, payload = message.topic, message.payload  # type: ignore[attr-defined]
    if topic.endswith("/telemetry"):
        values = json.loads(payload)
        rows.append(",".join(str(values[n]) for n in ("vibration", "temperature", "current", "speed", "flow")) + ",")


class Past(Handler):
    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        past = Path(options.serve[1]).read_text()
        self.answer(200, (past + "\n".join(rows) + "\n").encode(), "text/csv")

    def do_POST(self) -> None:  # noqa: N802
        with Path(options.serve[1]).open("a") as past:
            past.write(self.body().decode())
        self.answer(201, b"")


if options.serve:
    server = Server((options.serve[0], 8080), Past)
    threading.Thread(target=server.serve_forever, daemon=True).start()
subscriber = client(options, "historian")
subscriber.on_message = keep
subscriber.subscribe("plant/#", qos=1)
if options.sparkplug:
    subscriber.subscribe("spBv1.0/plant/#", qos=0)
plantclock.wait(options.seconds)
leave(subscriber)
