"""Alerts, incidents and drift in the languages of other tools: pure functions of one record, ways out, a cursor."""
