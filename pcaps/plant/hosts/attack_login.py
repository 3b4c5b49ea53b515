"""Logs in where the password goes over the wire readable: `ftp`, `http`, or guesses at them.

attack_login.py ftp|http|mqtt SERVER USER PASSWORD [FILE]
"""

import base64
import ftplib
import http.client
import sys
import time

import paho.mqtt.client as mqtt

kind, server, user, password = sys.argv[1:5]
file = sys.argv[5] if len(sys.argv) > 5 else ""
if kind == "ftp":
    with ftplib.FTP(server, timeout=10) as ftp:  # noqa: S321 (that it is readable is the point)
        try:
            ftp.login(user, password)
            ftp.nlst()
            if file:
                ftp.retrbinary(f"RETR {file}", lambda _: None)
        except ftplib.error_perm as refused:
            print(refused)
elif kind == "mqtt":
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="panel")
    client.username_pw_set(user, password)
    client.connect(server)
    client.loop_start()
    time.sleep(0.5)
    client.disconnect()
    client.loop_stop()
else:
    connection = http.client.HTTPConnection(server, 8081, timeout=10)
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    connection.request("GET", "/", headers={"Authorization": f"Basic {token}"})
    print(connection.getresponse().status)
    connection.close()
