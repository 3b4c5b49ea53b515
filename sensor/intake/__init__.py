"""What comes from outside: drift that other tools report, and inference logs that the models' own hosts keep.

`documents` makes records of one JSON document, `files` reads files and directories, `feed` hands the records to a
replay by packet time, `tail` follows files that grow, `keep` stores records once.

One document is one drift report or one inference record; a file has one a line (JSONL), or is one document (`.json`).

A drift document is in one of these forms; a report that does not name its model is wrapped, as in
`{"model_id": "pump-wear", "ts": "2026-03-01T12:00:00Z", "report": {…}}`:
  a span or event with the attributes `aitf.drift.*`; Evidently's report; NannyML's result by records or by columns;
  or our own columns: `model_id kind statistic`, and where known `ts stream threshold p_value detector baseline current
  window since`.

An inference document has
  `model_id`      text
  `ts`            the moment, by the host's clock: ISO 8601 (UTC unless an offset is given), or a number of seconds,
                  milliseconds, microseconds or nanoseconds since the epoch, told apart by its size
  `output`        a number, a label, a list of numbers, or a table label → probability
and where known
  `confidence`    a number
  `inputs`        a table name → number or text of what the model read; names are the sensor's streams, or their ends
  `input`         one such value, of a model with one input
  `input_sha256`  hash of what it read
  `version`       of the model
"""
