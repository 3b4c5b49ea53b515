"""What a sensor that runs for years needs around it: logs, metrics, systemd."""
