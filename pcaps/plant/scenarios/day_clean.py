"""A day: three shifts, two products, a maintenance window, a planned model update, a backup. Nothing is wrong."""

import days

SPEED, STANDING, GZIP = days.SPEED, days.STANDING, True
LOOK_ALIKE = "day_campaign"
SILENT = ("scan", "parser_anomaly", "boundary.internet", "boundary.push_only")


def play(stage):
    days.play(stage, [])
