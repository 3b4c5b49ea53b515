"""What models say, read off the wire: `Observer` takes windows, gives outputs, inputs and rows of `inference_log`.

`selectors` is the grammar of `[[model]] inputs` and `outputs`, `answer` reads a payload, `legs` counts a message once
that several connections carry, `chain` makes the log tamper-evident.
"""
