"""A historian in the DMZ: subscribes to everything under plant/ with MQTT 3.1.1.

    historian.py BROKER SECONDS
"""

import sys
import time

import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="historian", protocol=mqtt.MQTTv311)
client.connect(sys.argv[1], 1883)
client.subscribe("plant/#", qos=1)
client.loop_start()
time.sleep(float(sys.argv[2]))
client.loop_stop()
client.disconnect()
