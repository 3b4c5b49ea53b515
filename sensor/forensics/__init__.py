"""The day after: what happened in a case, in order, against another one, as pictures, as tables, as a report.

Everything here is a question to the store: the SQL that a figure comes from goes along with it.
"""
