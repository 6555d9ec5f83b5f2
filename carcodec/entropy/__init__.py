"""Range coding with integer frequencies: equal bytes on every machine and by either engine."""
